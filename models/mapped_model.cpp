#include "models/mapped_model.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <utility>
#include <vector>

#include "models/quantile_map.hpp"
#include "models/working_point.hpp"

namespace tamis::models {
namespace {

class MappedScorer final : public Scorer {
 public:
    MappedScorer(const Manifest& manifest, const QuantileMap& map, std::unique_ptr<Scorer> inner,
                 std::size_t max_events)
        : manifest_(&manifest), map_(&map), inner_(std::move(inner)), verdicts_(max_events) {}

    void score(std::span<EventInputs* const> events) noexcept override {
        inner_->score(events);
        for (std::size_t i = 0; i < events.size(); ++i) {
            verdicts_[i] = {.score = 0, .pileup = pileup_of(*events[i])};
            if (inner_->status(i) == ScoreStatus::scored) {
                verdicts_[i].score = (*map_)(inner_->score_of(i), verdicts_[i].pileup);
            }
        }
    }
    [[nodiscard]] ScoreStatus status(std::size_t position) const noexcept override {
        return inner_->status(position);
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override {
        return verdicts_[position].score;
    }
    [[nodiscard]] Cut cut(std::size_t position, std::size_t working_point) const noexcept override {
        return pileup_cut(manifest_->working_points[working_point], score_of(position),
                          verdicts_[position].pileup, status(position));
    }
    [[nodiscard]] Explanation explanation(std::size_t position) const noexcept override {
        return inner_->explanation(position);
    }

 private:
    struct Verdict {
        float score = 0;
        float pileup = 0;
    };

    const Manifest* manifest_;
    const QuantileMap* map_;
    std::unique_ptr<Scorer> inner_;
    std::vector<Verdict> verdicts_;
};

class MappedModel final : public Model {
 public:
    MappedModel(std::shared_ptr<const Model> inner, QuantileMap map)
        : inner_(std::move(inner)), map_(std::move(map)) {
        const auto inputs = inner_->input_columns();
        input_columns_.assign(inputs.begin(), inputs.end());
        input_columns_.emplace_back("average_mu");
        const auto scores = inner_->score_columns();
        score_ = static_cast<std::size_t>(std::find(scores.begin(), scores.end(), "score") -
                                          scores.begin());
        Ensures(score_ < scores.size());
    }

    [[nodiscard]] const Manifest& manifest() const noexcept override { return inner_->manifest(); }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return inner_->hash(); }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return inner_->contribution_names();
    }
    [[nodiscard]] std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const override {
        return std::make_unique<MappedScorer>(manifest(), map_, inner_->make_scorer(max_events),
                                              max_events);
    }
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return input_columns_;
    }
    [[nodiscard]] bool takes(double value) const noexcept override { return inner_->takes(value); }
    [[nodiscard]] std::string_view input_form() const noexcept override {
        return inner_->input_form();
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return inner_->score_columns();
    }
    void score_table(std::span<const float> rows, std::span<float> answers) const override {
        const std::size_t width = input_columns_.size();
        Expects(rows.size() % width == 0);
        std::vector<float> inputs;
        inputs.reserve(rows.size());
        for (std::size_t first = 0; first < rows.size(); first += width) {
            const auto row = rows.subspan(first, width - 1);
            inputs.insert(inputs.end(), row.begin(), row.end());
        }
        inner_->score_table(inputs, answers);
        const std::size_t answer_width = score_columns().size();
        for (std::size_t row = 0; row < rows.size() / width; ++row) {
            float& score = answers[row * answer_width + score_];
            score = map_(score, rows[row * width + width - 1]);
        }
    }

 private:
    std::shared_ptr<const Model> inner_;
    QuantileMap map_;
    std::vector<std::string> input_columns_;
    std::size_t score_ = 0;
};

}  // namespace

tl::expected<std::shared_ptr<const Model>, std::string> with_quantile_map(
    std::shared_ptr<const Model> inner) {
    const std::string& kind = inner->manifest().kind;
    if (kind != "vae" && kind != "onnx") {
        return tl::make_unexpected("a quantile map goes with kinds vae and onnx, not with '" +
                                   kind + "'");
    }
    auto map = QuantileMap::read(inner->manifest());
    if (!map) {
        return tl::make_unexpected(map.error());
    }
    return std::make_shared<const MappedModel>(std::move(inner), *std::move(map));
}

}  // namespace tamis::models
