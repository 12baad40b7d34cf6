#include "models/attribution.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>
#include <numeric>

#include "engine/refusal.hpp"

namespace tamis::models {
namespace {

constexpr float kNoNumber = std::numeric_limits<float>::quiet_NaN();

// Answers of the model, and where the score stands in one.
struct ScoredTable {
    std::vector<float> answers;
    std::size_t width = 0;
    std::size_t score = 0;

    [[nodiscard]] float at(std::size_t row, std::size_t column) const {
        return answers[row * width + column];
    }
};

std::size_t column_of(const Model& model, std::string_view name) {
    const auto columns = model.score_columns();
    const auto found = std::find(columns.begin(), columns.end(), name);
    Expects(found != columns.end());
    return static_cast<std::size_t>(found - columns.begin());
}

ScoredTable score(const Model& model, std::span<const float> rows) {
    ScoredTable scored{
        .answers = {}, .width = model.score_columns().size(), .score = column_of(model, "score")};
    scored.answers.resize(rows.size() / model.input_columns().size() * scored.width);
    model.score_table(rows, scored.answers);
    return scored;
}

// Mean gradient over the points baseline + part (row - baseline), in passes of the batch.
class PathGradient {
 public:
    PathGradient(ScoreGradient& gradient, std::span<const float> baseline,
                 std::vector<double> parts)
        : gradient_(&gradient),
          baseline_(baseline),
          parts_(std::move(parts)),
          points_(gradient.batch() * gradient.row_size()),
          slopes_(points_.size()),
          mean_(gradient.row_size()) {}

    // Empty: the engine failed.
    [[nodiscard]] std::span<const double> of(std::span<const float> row) {
        const std::size_t size = mean_.size();
        std::ranges::fill(mean_, 0.0);
        for (std::size_t first = 0; first < parts_.size(); first += gradient_->batch()) {
            const std::size_t count = std::min(gradient_->batch(), parts_.size() - first);
            for (std::size_t k = 0; k < count; ++k) {
                for (std::size_t i = 0; i < size; ++i) {
                    points_[k * size + i] =
                        baseline_[i] + parts_[first + k] * (double{row[i]} - baseline_[i]);
                }
            }
            const auto slopes = std::span(slopes_).first(count * size);
            if (!gradient_->differentiate(std::span(points_).first(count * size), slopes)) {
                return {};
            }
            for (std::size_t k = 0; k < slopes.size(); ++k) {
                mean_[k % size] += slopes[k] / static_cast<double>(parts_.size());
            }
        }
        return mean_;
    }

 private:
    ScoreGradient* gradient_;
    std::span<const float> baseline_;
    std::vector<double> parts_;
    std::vector<double> points_, slopes_, mean_;
};

std::vector<double> path_parts(const AttributionOptions& options) {
    if (options.method == AttributionMethod::gradient_x_input) {
        return {1};
    }
    std::vector<double> parts;
    for (std::size_t k = 0; k < options.steps; ++k) {
        parts.push_back((static_cast<double>(k) + 0.5) / static_cast<double>(options.steps));
    }
    return parts;
}

}  // namespace

std::string_view to_string(AttributionMethod method) noexcept {
    switch (method) {
        case AttributionMethod::gradient_x_input:
            return "gradient_x_input";
        case AttributionMethod::integrated_gradients:
            return "integrated_gradients";
        case AttributionMethod::contributions:
            return "contributions";
        case AttributionMethod::removal:
            return "removal";
    }
    return "unknown";
}

AttributionMethod preferred_method(const Model& model) noexcept {
    if (model.manifest().kind == "vae") {
        return AttributionMethod::contributions;
    }
    return model.manifest().kind == "onnx" ? AttributionMethod::integrated_gradients
                                           : AttributionMethod::removal;
}

std::vector<float> offset_baseline(const Model& model) {
    std::vector<float> baseline(model.input_columns().size());
    const auto& features = model.manifest().features;
    for (std::size_t i = 0; i < features.size() && i < baseline.size(); ++i) {
        baseline[i] = static_cast<float>(features[i].offset);
    }
    return baseline;
}

tl::expected<Attributions, std::string> attribute(const Model& model, ScoreGradient& gradient,
                                                  std::span<const float> rows,
                                                  const AttributionOptions& options) {
    const std::size_t inputs = gradient.row_size();
    Expects(options.method == AttributionMethod::gradient_x_input ||
            options.method == AttributionMethod::integrated_gradients);
    Expects(options.steps > 0);
    Expects(options.baseline.size() == inputs && model.input_columns().size() == inputs);
    Attributions made;
    const ScoredTable baseline = score(model, options.baseline);
    made.baseline_score = baseline.at(0, baseline.score);
    if (!std::isfinite(made.baseline_score)) {
        return engine::refuse(
            "the baseline has no score; right is a baseline that the model can take");
    }
    const ScoredTable scored = score(model, rows);
    PathGradient path(gradient, options.baseline, path_parts(options));
    for (std::size_t first = 0; first < rows.size(); first += inputs) {
        const auto row = rows.subspan(first, inputs);
        const float of_row = scored.at(first / inputs, scored.score);
        made.scores.push_back(of_row);
        if (!std::isfinite(of_row)) {
            made.shares.insert(made.shares.end(), inputs, kNoNumber);
            made.completeness_errors.push_back(kNoNumber);
            continue;
        }
        const auto slopes = path.of(row);
        if (slopes.empty()) {
            return engine::refuse("the engine could not execute a backward pass");
        }
        double sum = 0;
        for (std::size_t i = 0; i < inputs; ++i) {
            const double share = (double{row[i]} - options.baseline[i]) * slopes[i];
            sum += share;
            made.shares.push_back(static_cast<float>(share));
        }
        made.completeness_errors.push_back(
            static_cast<float>(sum - (double{of_row} - made.baseline_score)));
    }
    return made;
}

Attributions attribute_by_removal(const Model& model, std::span<const float> rows,
                                  std::span<const float> baseline) {
    const std::size_t inputs = model.input_columns().size();
    Expects(baseline.size() == inputs && rows.size() % inputs == 0);
    Attributions made;
    const ScoredTable of_baseline = score(model, baseline);
    const float baseline_score = of_baseline.at(0, of_baseline.score);
    made.baseline_score = std::isfinite(baseline_score) ? baseline_score : 0;
    // A row, then the row without its first input, without its second, ...
    std::vector<float> changed((inputs + 1) * inputs);
    for (std::size_t first = 0; first < rows.size(); first += inputs) {
        const auto row = rows.subspan(first, inputs);
        for (std::size_t copy = 0; copy <= inputs; ++copy) {
            std::ranges::copy(row, changed.begin() + static_cast<std::ptrdiff_t>(copy * inputs));
        }
        for (std::size_t i = 0; i < inputs; ++i) {
            changed[(i + 1) * inputs + i] = baseline[i];
        }
        const ScoredTable scored = score(model, changed);
        const float of_row = scored.at(0, scored.score);
        made.scores.push_back(of_row);
        double sum = 0;
        for (std::size_t i = 0; i < inputs; ++i) {
            const float without = scored.at(i + 1, scored.score);
            const float share = std::isnan(without) && !std::isnan(of_row) ? 0 : of_row - without;
            sum += share;
            made.shares.push_back(share);
        }
        made.completeness_errors.push_back(
            static_cast<float>(sum - (double{of_row} - made.baseline_score)));
    }
    return made;
}

tl::expected<Attributions, std::string> own_contributions(const Model& model,
                                                          std::span<const float> rows) {
    if (preferred_method(model) != AttributionMethod::contributions) {
        return engine::refuse("a model of kind '" + model.manifest().kind +
                              "' has a score that is no sum of terms of its inputs; right are "
                              "kind vae, or gradients");
    }
    Attributions made;
    std::vector<std::size_t> terms;
    for (const std::string& input : model.input_columns()) {
        terms.push_back(column_of(model, "nll_" + input));
    }
    const ScoredTable scored = score(model, rows);
    for (std::size_t row = 0; row < rows.size() / terms.size(); ++row) {
        double sum = 0;
        for (const std::size_t term : terms) {
            sum += scored.at(row, term);
            made.shares.push_back(scored.at(row, term));
        }
        made.scores.push_back(scored.at(row, scored.score));
        made.completeness_errors.push_back(static_cast<float>(sum - made.scores.back()));
    }
    return made;
}

std::vector<std::size_t> largest_shares(std::span<const float> shares, std::size_t count) {
    std::vector<std::size_t> order(shares.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [shares](std::size_t one, std::size_t other) {
        return std::abs(shares[one]) > std::abs(shares[other]);
    });
    order.resize(std::min(count, order.size()));
    return order;
}

}  // namespace tamis::models
