#include "models/fixed_point/fixed_point_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "engine/refusal.hpp"
#include "models/fixed_point/fixed_point_network.hpp"
#include "models/fixed_point/input_schemas.hpp"
#include "models/fixed_point/layer_table_reader.hpp"
#include "models/model_hash.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

constexpr std::size_t kMostTerms = 64;

bool is_whole_number(double value) noexcept {
    return std::abs(value) < kInputBound && value == std::trunc(value);
}

// One row after the other. One thread; allocates in the constructor only.
class RowEvaluator {
 public:
    explicit RowEvaluator(const std::shared_ptr<const FixedPointNetwork>& network)
        : runner_(network),
          row_(network->input_size()),
          terms_(network->terms_size() <= kMostTerms ? network->terms_size() : 0),
          score_step_(std::ldexp(1.0F, -network->score_type().fraction)),
          term_step_(std::ldexp(1.0F, -network->terms_type().fraction)) {}

    // False where a value is no whole number below kInputBound. Exact: score and terms are whole
    // multiples of their last bit, which single precision holds.
    [[nodiscard]] bool score(std::span<const float> values) noexcept {
        for (std::size_t i = 0; i < row_.size(); ++i) {
            if (!is_whole_number(values[i])) {
                return false;
            }
            row_[i] = static_cast<std::int32_t>(values[i]);
        }
        score_ = static_cast<float>(runner_.score(row_)) * score_step_;
        const RawValues terms = runner_.terms();
        for (std::size_t i = 0; i < terms_.size(); ++i) {
            terms_[i] = static_cast<float>(terms[i]) * term_step_;
        }
        return true;
    }
    [[nodiscard]] float last_score() const noexcept { return score_; }
    [[nodiscard]] std::span<const float> last_terms() const noexcept { return terms_; }

 private:
    FixedPointRunner runner_;
    std::vector<std::int32_t> row_;
    std::vector<float> terms_;
    float score_step_, term_step_;
    float score_ = 0;
};

class FixedPointScorer final : public Scorer {
 public:
    FixedPointScorer(const Manifest& manifest,
                     const std::shared_ptr<const FixedPointNetwork>& network,
                     std::size_t max_events)
        : manifest_(&manifest),
          evaluator_(network),
          row_size_(network->input_size()),
          term_count_(evaluator_.last_terms().size()),
          verdicts_(max_events),
          terms_(max_events * term_count_) {}

    void score(std::span<EventInputs* const> events) noexcept override {
        Expects(events.size() <= verdicts_.size());
        for (std::size_t i = 0; i < events.size(); ++i) {
            verdicts_[i] = score_event(*events[i]);
            const auto terms = evaluator_.last_terms();
            std::copy(terms.begin(), terms.end(), terms_of(i).begin());
        }
    }

    [[nodiscard]] ScoreStatus status(std::size_t position) const noexcept override {
        return verdicts_[position].status;
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override {
        return verdicts_[position].score;
    }
    [[nodiscard]] Cut cut(std::size_t position, std::size_t working_point) const noexcept override {
        return flat_cut(manifest_->working_points[working_point], score_of(position),
                        status(position));
    }
    [[nodiscard]] Explanation explanation(std::size_t position) const noexcept override {
        if (status(position) != ScoreStatus::scored) {
            return {};
        }
        return {.contributions = std::span(terms_).subspan(position * term_count_, term_count_),
                .kept = {}};
    }

 private:
    struct Verdict {
        ScoreStatus status = ScoreStatus::not_applicable;
        float score = 0;
    };

    [[nodiscard]] std::span<float> terms_of(std::size_t position) noexcept {
        return std::span(terms_).subspan(position * term_count_, term_count_);
    }
    [[nodiscard]] Verdict score_event(EventInputs& event) noexcept {
        const auto features = event.payloads().features(manifest_->schema);
        if (!features) {
            return {.status = status_of(features.error())};
        }
        if ((*features)->values.size() != row_size_ || !evaluator_.score((*features)->values)) {
            return {.status = ScoreStatus::malformed_input};
        }
        return {.status = ScoreStatus::scored, .score = evaluator_.last_score()};
    }

    const Manifest* manifest_;
    RowEvaluator evaluator_;
    std::size_t row_size_, term_count_;
    std::vector<Verdict> verdicts_;
    std::vector<float> terms_;  // events x term_count_
};

class FixedPointModel final : public Model {
 public:
    FixedPointModel(Manifest manifest, std::shared_ptr<const FixedPointNetwork> network)
        : manifest_(std::move(manifest)),
          network_(std::move(network)),
          hash_(model_hash(manifest_)),
          score_columns_{"score"} {
        for (const FeatureSpec& feature : manifest_.features) {
            input_columns_.push_back(feature.name);
        }
        const std::size_t terms = network_->terms_size() <= kMostTerms ? network_->terms_size() : 0;
        for (std::size_t i = 0; i < terms; ++i) {
            terms_.push_back(network_->terms_name() + "_" + std::to_string(i));
        }
        score_columns_.insert(score_columns_.end(), terms_.begin(), terms_.end());
    }

    [[nodiscard]] const Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return hash_; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return terms_;
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return std::make_unique<FixedPointScorer>(manifest_, network_, max_events);
    }
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return input_columns_;
    }
    [[nodiscard]] bool takes(double value) const noexcept override {
        return is_whole_number(value);
    }
    [[nodiscard]] std::string_view input_form() const noexcept override {
        return "a whole number in hardware units, below 2^24 in size";
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return score_columns_;
    }

    void score_table(std::span<const float> rows, std::span<float> answers) const override {
        const std::size_t size = network_->input_size();
        const std::size_t width = score_columns_.size();
        Expects(rows.size() % size == 0 && answers.size() == rows.size() / size * width);
        RowEvaluator evaluator(network_);
        for (; !rows.empty(); rows = rows.subspan(size), answers = answers.subspan(width)) {
            if (!evaluator.score(rows.first(size))) {
                std::fill_n(answers.begin(), width, std::numeric_limits<float>::quiet_NaN());
                continue;
            }
            const auto terms = evaluator.last_terms();
            answers[0] = evaluator.last_score();
            std::copy(terms.begin(), terms.end(), answers.begin() + 1);
        }
    }

 private:
    Manifest manifest_;
    std::shared_ptr<const FixedPointNetwork> network_;
    std::uint64_t hash_;
    std::vector<std::string> input_columns_, terms_, score_columns_;
};

tl::expected<void, std::string> check_features(const Manifest& manifest, std::size_t inputs) {
    if (manifest.features.size() != inputs) {
        return engine::refuse("the manifest lists " + std::to_string(manifest.features.size()) +
                              " features and the layer table takes " + std::to_string(inputs) +
                              "; right are as many");
    }
    for (const FeatureSpec& feature : manifest.features) {
        if (feature.offset != 0 || feature.scale != 1) {
            return engine::refuse(
                "feature '" + feature.name +
                "' has an offset or a scale (the layer table scales its inputs in fixed "
                "point); right is neither");
        }
    }
    return {};
}

tl::expected<std::shared_ptr<const Model>, std::string> load_trigger(
    AnomalyTrigger trigger, const Manifest& manifest, std::span<const std::string> files) {
    if (files.size() != 1) {
        return engine::refuse("the manifest lists " + std::to_string(files.size()) +
                              " network files; right is one layer table");
    }
    if (auto checked = check_flat_thresholds(manifest); !checked) {
        return engine::refuse(checked.error());
    }
    const auto table = read_layer_table(files.front());
    if (!table) {
        return engine::refuse(table.error());
    }
    if (auto checked = check_inputs(trigger, *table); !checked) {
        return engine::refuse(checked.error());
    }
    if (auto checked = check_features(manifest, table->inputs); !checked) {
        return engine::refuse(checked.error());
    }
    auto network = FixedPointNetwork::compile(*table);
    if (!network) {
        return engine::refuse(network.error());
    }
    return std::make_shared<const FixedPointModel>(manifest, std::move(*network));
}

}  // namespace

std::string_view to_string(AnomalyTrigger trigger) noexcept {
    return trigger == AnomalyTrigger::axol1tl ? "axol1tl" : "cicada";
}

std::string_view schema_of(AnomalyTrigger trigger) noexcept {
    return trigger == AnomalyTrigger::axol1tl ? kObjectSchema : kRegionSchema;
}

std::vector<FeatureSpec> features_of(AnomalyTrigger trigger) {
    return trigger == AnomalyTrigger::axol1tl ? object_features() : region_features();
}

tl::expected<void, std::string> check_inputs(AnomalyTrigger trigger, const LayerTable& table) {
    const std::vector<std::size_t> image = {kRegionRows, kRegionColumns, 1};
    const bool fits =
        trigger == AnomalyTrigger::axol1tl
            ? table.scaling && table.inputs == kObjectValues
            : table.inputs == kRegionRows * kRegionColumns && table.input_shape == image;
    if (fits) {
        return {};
    }
    return engine::refuse("the table of '" + table.model + "' takes " +
                          std::to_string(table.inputs) + (table.scaling ? " scaled" : "") +
                          " inputs; right for kind " + std::string(to_string(trigger)) + " are " +
                          (trigger == AnomalyTrigger::axol1tl ? "57 inputs with \"input_scaling\""
                                                              : "252 with \"shape\" [18, 14, 1]"));
}

tl::expected<std::shared_ptr<const Model>, std::string> load_axol1tl(
    const Manifest& manifest, std::span<const std::string> files) {
    return load_trigger(AnomalyTrigger::axol1tl, manifest, files);
}

tl::expected<std::shared_ptr<const Model>, std::string> load_cicada(
    const Manifest& manifest, std::span<const std::string> files) {
    return load_trigger(AnomalyTrigger::cicada, manifest, files);
}

}  // namespace tamis::models
