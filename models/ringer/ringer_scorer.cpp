#include "models/ringer/ringer_scorer.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "models/ringer/ringer_bins.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kMaxClusters = streams::PayloadLimits{}.clusters;  // of one event

// One place in the batch.
struct ScoredEvent {
    ScoreStatus status = ScoreStatus::missing_input;
    float average_mu = 0;
    std::size_t count = 0;
    std::vector<float> et, eta;        // by cluster
    std::vector<float> discriminants;  // ensemble by ensemble: cluster by cluster within
    std::vector<float> contributions;  // by cluster, of the primary point
    std::vector<std::uint32_t> kept;
    std::size_t kept_count = 0;
};

CellArrays cells_of(const streams::CalorimeterClusters& clusters) noexcept {
    return {clusters.cell_eta, clusters.cell_phi, clusters.cell_energy, clusters.cell_layer};
}

class RingerScorer final : public Scorer {
 public:
    RingerScorer(const Manifest& manifest, const RingerBank& bank, std::size_t max_events)
        : manifest_(manifest), settings_(bank.settings), bank_(bank), events_(max_events) {
        for (ScoredEvent& event : events_) {
            event.et.resize(kMaxClusters);
            event.eta.resize(kMaxClusters);
            event.discriminants.resize(kMaxClusters * settings_.ensembles);
            event.contributions.resize(kMaxClusters);
            event.kept.resize(kMaxClusters);
        }
    }

    void score(std::span<EventInputs* const> events) noexcept override;
    [[nodiscard]] ScoreStatus status(std::size_t position) const noexcept override {
        return events_[position].status;
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override;
    [[nodiscard]] Cut cut(std::size_t position, std::size_t working_point) const noexcept override;
    [[nodiscard]] Explanation explanation(std::size_t position) const noexcept override;

 private:
    [[nodiscard]] ScoreStatus ask_networks(EventInputs& inputs, ScoredEvent& event) noexcept;
    void conclude(ScoredEvent& event) noexcept;
    [[nodiscard]] float discriminant(const ScoredEvent& event, std::size_t working_point,
                                     std::size_t cluster) const noexcept {
        return event
            .discriminants[cluster * settings_.ensembles + settings_.ensemble_of(working_point)];
    }

    const Manifest& manifest_;
    RingerSettings settings_;
    const RingerBank& bank_;
    std::vector<ScoredEvent> events_;
};

void RingerScorer::score(std::span<EventInputs* const> events) noexcept {
    Expects(events.size() <= events_.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        events_[i].count = 0;
        events_[i].kept_count = 0;
        events_[i].status = ask_networks(*events[i], events_[i]);
        conclude(events_[i]);
    }
}

// Reads the event's clusters and scores those that lie in a bin.
ScoreStatus RingerScorer::ask_networks(EventInputs& inputs, ScoredEvent& event) noexcept {
    const auto payload = inputs.payloads().calorimeter_clusters();
    if (!payload) {
        return status_of(payload.error());
    }
    const streams::CalorimeterClusters& clusters = **payload;
    const std::size_t count = clusters.et.size();
    if (count == 0) {
        return ScoreStatus::not_applicable;
    }
    const bool has_rings = !clusters.rings.empty();
    if (count > kMaxClusters || (has_rings && clusters.rings.size() != count * kRingCount)) {
        return ScoreStatus::malformed_input;
    }
    if (!has_rings && clusters.cell_energy.empty()) {
        return ScoreStatus::missing_input;
    }
    if (!std::isfinite(clusters.average_mu)) {
        return ScoreStatus::non_finite_input;
    }
    event.average_mu = clusters.average_mu;
    event.count = count;
    ScoreStatus status = ScoreStatus::not_applicable;
    std::array<float, kRingCount> rings;
    for (std::size_t i = 0; i < count; ++i) {
        event.et[i] = clusters.et[i];
        event.eta[i] = clusters.eta[i];
        if (has_rings) {
            std::copy_n(clusters.rings.begin() + static_cast<std::ptrdiff_t>(i * kRingCount),
                        kRingCount, rings.begin());
        } else {
            sum_rings(cells_of(clusters), clusters.eta[i], clusters.phi[i], {}, rings);
        }
        const auto scored = bank_.score(
            event.et[i], event.eta[i], rings,
            std::span(event.discriminants).subspan(i * settings_.ensembles, settings_.ensembles));
        if (scored == RingerBank::Scored::not_finite) {
            status = ScoreStatus::non_finite_input;
        } else if (scored == RingerBank::Scored::scored && status == ScoreStatus::not_applicable) {
            status = ScoreStatus::scored;
        }
    }
    return status;
}

// After the networks have answered: contributions and kept clusters of the primary point.
void RingerScorer::conclude(ScoredEvent& event) noexcept {
    if (event.status != ScoreStatus::scored) {
        event.count = 0;
        return;
    }
    const std::size_t point = settings_.primary_point;
    for (std::size_t i = 0; i < event.count; ++i) {
        const float value = discriminant(event, point, i);
        if (std::isnan(value)) {
            event.status = ScoreStatus::non_finite_input;
            event.count = 0;
            event.kept_count = 0;
            return;
        }
        event.contributions[i] = value;
        if (point >= manifest_.working_points.size()) {
            continue;  // a ringer without working points
        }
        const auto threshold = find_threshold(manifest_.working_points[point], event.et[i],
                                              event.eta[i], event.average_mu);
        if (threshold && passes(value, *threshold, settings_.inclusive)) {
            event.kept[event.kept_count++] = static_cast<std::uint32_t>(i);
        }
    }
}

float RingerScorer::score_of(std::size_t position) const noexcept {
    const ScoredEvent& event = events_[position];
    if (event.status != ScoreStatus::scored) {
        return 0;
    }
    const auto scores = std::span(event.contributions).first(event.count);
    return *std::max_element(scores.begin(), scores.end());
}

Cut RingerScorer::cut(std::size_t position, std::size_t working_point) const noexcept {
    const ScoredEvent& event = events_[position];
    const WorkingPoint& point = manifest_.working_points[working_point];
    Cut best;
    double best_margin = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < event.count; ++i) {
        const float value = discriminant(event, working_point, i);
        const auto threshold = find_threshold(point, event.et[i], event.eta[i], event.average_mu);
        if (!threshold || value == kNoBinDiscriminant || !(value - *threshold > best_margin)) {
            continue;
        }
        best_margin = value - *threshold;
        best = {passes(value, *threshold, settings_.inclusive), value,
                static_cast<float>(*threshold)};
    }
    return best;
}

Explanation RingerScorer::explanation(std::size_t position) const noexcept {
    const ScoredEvent& event = events_[position];
    return {std::span(event.contributions).first(event.count),
            std::span(event.kept).first(event.kept_count)};
}

}  // namespace

std::optional<double> find_threshold(const WorkingPoint& point, double et_gev, double eta,
                                     double average_mu) noexcept {
    const auto found = find_bin(point.bins, et_gev, eta);
    if (!found) {
        return std::nullopt;
    }
    const ThresholdBin& bin = point.bins[*found];
    return bin.slope * std::min(std::max(average_mu, point.mu_low), point.mu_high) + bin.offset;
}

bool passes(float discriminant, double threshold, bool inclusive) noexcept {
    if (discriminant == kNoBinDiscriminant) {
        return false;
    }
    return inclusive ? discriminant >= threshold : discriminant > threshold;
}

std::unique_ptr<Scorer> make_ringer_scorer(const Manifest& manifest, const RingerBank& bank,
                                           std::size_t max_events) {
    return std::make_unique<RingerScorer>(manifest, bank, max_events);
}

}  // namespace tamis::models
