#include "models/ringer/ringer_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "models/model_hash.hpp"
#include "models/ringer/ringer_bank.hpp"
#include "models/ringer/ringer_network.hpp"
#include "models/ringer/ringer_scorer.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kLeadingColumns = 3;  // et, eta, average_mu
constexpr std::size_t kTableColumns = kLeadingColumns + kRingCount;

std::vector<std::string> make_input_columns() {
    std::vector<std::string> names;
    for (const FeatureSpec& feature : ringer_features()) {
        names.push_back(feature.name);
    }
    return names;
}

std::vector<std::string> make_score_columns(const Manifest& manifest, std::size_t ensembles) {
    std::vector<std::string> names = {"score"};
    for (const WorkingPoint& point : manifest.working_points) {
        names.push_back("pass_" + point.name);
        names.push_back("threshold_" + point.name);
        if (ensembles > 1) {
            names.push_back("score_" + point.name);
        }
    }
    return names;
}

class RingerModel final : public Model {
 public:
    RingerModel(Manifest manifest, RingerBank bank)
        : manifest_(std::move(manifest)),
          bank_(std::move(bank)),
          hash_(model_hash(manifest_)),
          input_columns_(make_input_columns()),
          score_columns_(make_score_columns(manifest_, bank_.settings.ensembles)) {}

    [[nodiscard]] const Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return hash_; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return {};  // one per cluster
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return make_ringer_scorer(manifest_, bank_, max_events);
    }
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return input_columns_;
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return score_columns_;
    }
    void score_table(std::span<const float> rows, std::span<float> answers) const override;

 private:
    void write_answers(std::span<const float> row, std::span<const float> discriminants,
                       std::span<float> answer) const;

    Manifest manifest_;
    RingerBank bank_;
    std::uint64_t hash_;
    std::vector<std::string> input_columns_, score_columns_;
};

void RingerModel::score_table(std::span<const float> rows, std::span<float> answers) const {
    const std::size_t count = rows.size() / kTableColumns;
    Expects(rows.size() == count * kTableColumns &&
            answers.size() == count * score_columns_.size());
    const std::size_t ensembles = bank_.settings.ensembles;
    std::vector<float> discriminants(count * ensembles);
    for (std::size_t i = 0; i < count; ++i) {
        const auto row = rows.subspan(i * kTableColumns, kTableColumns);
        const auto mine = std::span(discriminants).subspan(i * ensembles, ensembles);
        const auto rings = row.subspan<kLeadingColumns, kRingCount>();
        if (bank_.score(row[0], row[1], rings, mine) == RingerBank::Scored::not_finite ||
            !std::isfinite(row[2])) {
            std::fill(mine.begin(), mine.end(), std::numeric_limits<float>::quiet_NaN());
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        write_answers(rows.subspan(i * kTableColumns, kTableColumns),
                      std::span(discriminants).subspan(i * ensembles, ensembles),
                      answers.subspan(i * score_columns_.size(), score_columns_.size()));
    }
}

void RingerModel::write_answers(std::span<const float> row, std::span<const float> discriminants,
                                std::span<float> answer) const {
    const RingerSettings& settings = bank_.settings;
    auto next = answer.begin();
    *next++ = discriminants[settings.ensemble_of(settings.primary_point)];
    for (std::size_t point = 0; point < manifest_.working_points.size(); ++point) {
        const float discriminant = discriminants[settings.ensemble_of(point)];
        const auto threshold =
            find_threshold(manifest_.working_points[point], row[0], row[1], row[2]);
        const bool passed = threshold && passes(discriminant, *threshold, settings.inclusive);
        *next++ = passed ? 1.0F : 0.0F;
        *next++ = static_cast<float>(threshold.value_or(0.0));
        if (settings.ensembles > 1) {
            *next++ = discriminant;
        }
    }
}

}  // namespace

tl::expected<std::shared_ptr<const Model>, std::string> load_ringer(
    const Manifest& manifest, std::vector<engine::Graph> networks) {
    auto bank = make_ringer_bank(manifest, networks);
    if (!bank) {
        return tl::unexpected(bank.error());
    }
    return std::make_shared<const RingerModel>(manifest, std::move(*bank));
}

}  // namespace tamis::models
