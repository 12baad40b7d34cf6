#include "models/vae/contamination_study.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gsl/assert>
#include <memory>

#include "engine/double_network.hpp"
#include "models/roc_error.hpp"
#include "models/vae/vae_course.hpp"
#include "models/vae/vae_evaluator.hpp"

namespace tamis::models::vae {
namespace {

constexpr std::size_t kBatch = 64;

// The background with rows of the signal in the place of some of its own, evenly spread.
FeatureTable contaminated(const FeatureTable& background, const FeatureTable& signal,
                          std::size_t events) {
    FeatureTable table = background;
    const std::size_t width = table.columns.size();
    for (std::size_t i = 0; i < events; ++i) {
        const std::size_t row = i * table.rows() / events;
        const auto from = signal.row(i);
        std::copy(from.begin(), from.end(),
                  table.values.begin() + static_cast<std::ptrdiff_t>(row * width));
    }
    return table;
}

std::vector<float> scores_of(VaeEvaluator& evaluator, const FeatureTable& table) {
    std::vector<float> scores;
    scores.reserve(table.rows());
    for (std::size_t first = 0; first < table.rows(); first += evaluator.capacity()) {
        const std::size_t count = std::min(evaluator.capacity(), table.rows() - first);
        for (std::size_t i = 0; i < count; ++i) {
            const auto from = table.row(first + i);
            std::copy(from.begin(), from.end(), evaluator.row(i).begin());
        }
        evaluator.score(count);
        for (std::size_t i = 0; i < count; ++i) {
            scores.push_back(static_cast<float>(evaluator.score_of(i).nll));
        }
    }
    return scores;
}

// Of one training, judged.
struct Judged {
    ContaminatedTraining result;
    RocPlacements placements;
};

tl::expected<Judged, std::string> train_and_judge(const ContaminationOptions& options,
                                                  const ContaminationSamples& samples,
                                                  const FeatureTable& table) {
    VaeRecipe recipe;
    recipe.training.seed = options.seed;
    recipe.max_epochs = options.epochs;
    const auto outcome = run_training(recipe, table, {});
    if (!outcome) {
        return tl::make_unexpected(outcome.error());
    }
    auto network = engine::DoubleNetwork::compile(outcome->weights.scoring_graph);
    if (!network) {
        return tl::make_unexpected(network.error());
    }
    VaeEvaluator evaluator(outcome->weights.parameters, *std::move(network), kBatch);
    std::vector<float> background = scores_of(evaluator, samples.judged_background);
    const std::vector<float> signal = scores_of(evaluator, samples.judged_signal);
    Judged judged{.result = {}, .placements = roc_placements(background, signal)};
    judged.result.area = judged.placements.area;
    judged.result.area_error = area_error(judged.placements);
    std::sort(background.begin(), background.end(), std::greater<>());
    for (const double fraction : options.background_fractions) {
        const auto position =
            static_cast<std::size_t>(fraction * static_cast<double>(background.size()));
        judged.result.efficiencies.push_back(
            static_cast<double>(count_above(signal, background[position])) /
            static_cast<double>(signal.size()));
    }
    return judged;
}

}  // namespace

tl::expected<std::vector<ContaminatedTraining>, std::string> study_contamination(
    const ContaminationOptions& options, const ContaminationSamples& samples,
    const std::function<void(const std::string&)>& on_progress) {
    Expects(samples.judged_background.rows() > 0 && samples.judged_signal.rows() > 0);
    std::vector<ContaminatedTraining> results;
    RocPlacements clean;
    for (const double fraction : options.fractions) {
        const auto events = static_cast<std::size_t>(
            std::llround(fraction * static_cast<double>(samples.background.rows())));
        if (events > samples.signal.rows()) {
            return tl::make_unexpected(
                "contamination: " + std::to_string(events) + " signal events are wanted, " +
                std::to_string(samples.signal.rows()) + " are there; give more of them");
        }
        on_progress("training with " + std::to_string(events) + " signal events among " +
                    std::to_string(samples.background.rows()));
        auto judged = train_and_judge(options, samples,
                                      contaminated(samples.background, samples.signal, events));
        if (!judged) {
            return tl::make_unexpected("contamination: " + judged.error());
        }
        if (results.empty()) {
            clean = judged->placements;
        } else {
            judged->result.change = judged->result.area - clean.area;
            judged->result.change_error = difference_error(judged->placements, clean);
        }
        judged->result.fraction = fraction;
        judged->result.signal_events = events;
        results.push_back(std::move(judged->result));
    }
    return results;
}

}  // namespace tamis::models::vae
