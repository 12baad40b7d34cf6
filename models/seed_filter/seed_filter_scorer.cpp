#include "models/seed_filter/seed_filter_scorer.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

#include "models/working_point.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kMaxDoublets = streams::PayloadLimits{}.doublets;  // of one event

// One place in the batch.
struct ScoredEvent {
    ScoreStatus status = ScoreStatus::missing_input;
    std::size_t count = 0;
    std::size_t kept_count = 0;
    float score = 0;
    std::vector<float> scores;  // by doublet
    std::vector<std::uint32_t> kept;
};

class SeedFilterScorer final : public Scorer {
 public:
    SeedFilterScorer(const Manifest& manifest, const DoubletNetwork& network,
                     std::size_t primary_point, std::size_t max_events)
        : manifest_(manifest),
          primary_point_(primary_point),
          runner_(network),
          events_(max_events) {
        for (ScoredEvent& event : events_) {
            event.scores.resize(kMaxDoublets);
            event.kept.resize(kMaxDoublets);
        }
    }

    void score(std::span<EventInputs* const> events) noexcept override;
    [[nodiscard]] ScoreStatus status(std::size_t position) const noexcept override {
        return events_[position].status;
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override {
        return events_[position].score;
    }
    [[nodiscard]] Cut cut(std::size_t position, std::size_t working_point) const noexcept override {
        return flat_cut(manifest_.working_points[working_point], events_[position].score,
                        events_[position].status);
    }
    [[nodiscard]] Explanation explanation(std::size_t position) const noexcept override {
        const ScoredEvent& event = events_[position];
        return {std::span(event.scores).first(event.count),
                std::span(event.kept).first(event.kept_count)};
    }

 private:
    [[nodiscard]] ScoreStatus queue(EventInputs& inputs, ScoredEvent& event) noexcept;
    void conclude(ScoredEvent& event) noexcept;

    const Manifest& manifest_;
    std::size_t primary_point_;
    DoubletRunner runner_;
    std::vector<ScoredEvent> events_;
};

void SeedFilterScorer::score(std::span<EventInputs* const> events) noexcept {
    Expects(events.size() <= events_.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
        events_[i].count = 0;
        events_[i].kept_count = 0;
        events_[i].score = 0;
        events_[i].status = queue(*events[i], events_[i]);
    }
    runner_.flush();
    for (std::size_t i = 0; i < events.size(); ++i) {
        conclude(events_[i]);
    }
}

ScoreStatus SeedFilterScorer::queue(EventInputs& inputs, ScoredEvent& event) noexcept {
    const auto payload = inputs.payloads().pixel_doublets();
    if (!payload) {
        return status_of(payload.error());
    }
    const streams::PixelDoublets& doublets = **payload;
    if (doublets.count == 0) {
        return ScoreStatus::not_applicable;
    }
    if (doublets.count > kMaxDoublets) {
        return ScoreStatus::malformed_input;
    }
    event.count = doublets.count;
    for (std::size_t i = 0; i < event.count; ++i) {
        runner_.add(doublet_at(doublets, i), &event.scores[i]);
    }
    return ScoreStatus::scored;
}

// After the network has answered: the largest score and the kept doublets.
void SeedFilterScorer::conclude(ScoredEvent& event) noexcept {
    if (event.status != ScoreStatus::scored) {
        return;
    }
    const std::span<const float> scores = std::span(event.scores).first(event.count);
    if (!engine::all_finite(scores)) {
        event.status = ScoreStatus::non_finite_input;
        event.count = 0;
        return;
    }
    event.score = *std::max_element(scores.begin(), scores.end());
    if (primary_point_ >= manifest_.working_points.size()) {
        return;
    }
    const double threshold = manifest_.working_points[primary_point_].bins[0].offset;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (scores[i] > threshold) {
            event.kept[event.kept_count++] = static_cast<std::uint32_t>(i);
        }
    }
}

}  // namespace

std::unique_ptr<Scorer> make_seed_filter_scorer(const Manifest& manifest,
                                                const DoubletNetwork& network,
                                                std::size_t primary_point, std::size_t max_events) {
    return std::make_unique<SeedFilterScorer>(manifest, network, primary_point, max_events);
}

}  // namespace tamis::models
