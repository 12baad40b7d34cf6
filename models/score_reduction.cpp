#include "models/score_reduction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "engine/refusal.hpp"

namespace tamis::models {
namespace {

constexpr std::string_view kPrefix = "score.";

struct NamedReduction {
    std::string_view name;
    Reduction reduction;
};
constexpr std::array<NamedReduction, 7> kReductions = {{
    {"element", Reduction::element},
    {"sum", Reduction::sum},
    {"sum_of_squares", Reduction::sum_of_squares},
    {"max", Reduction::max},
    {"one_minus_max", Reduction::one_minus_max},
    {"one_minus_max_softmax", Reduction::one_minus_max_softmax},
    {"mean_squared_error", Reduction::mean_squared_error},
}};

std::optional<Reduction> find_reduction(std::string_view name) {
    const auto* const found =
        std::find_if(kReductions.begin(), kReductions.end(),
                     [name](const NamedReduction& known) { return known.name == name; });
    return found == kReductions.end() ? std::nullopt : std::optional(found->reduction);
}

bool is_position(double value, std::size_t count) {
    return value >= 0 && value < static_cast<double>(count) && value == std::floor(value);
}

tl::expected<ScoreReduction, std::string> read_one(const Manifest& manifest,
                                                   const Parameter& parameter,
                                                   std::span<const std::size_t> output_sizes,
                                                   std::size_t row_size) {
    const auto reduction = find_reduction(std::string_view(parameter.name).substr(kPrefix.size()));
    if (!reduction) {
        return engine::refuse("parameter '" + parameter.name +
                              "' is no known reduction; right are score.element, score.sum, "
                              "score.sum_of_squares, score.max, score.one_minus_max, "
                              "score.one_minus_max_softmax, score.mean_squared_error");
    }
    const auto values =
        read_parameter(manifest, parameter.name, *reduction == Reduction::element ? 2 : 1);
    if (!values) {
        return engine::refuse(values.error());
    }
    if (!is_position(values->front(), output_sizes.size())) {
        return engine::refuse("parameter '" + parameter.name +
                              "' names an output the network lacks; it has " +
                              std::to_string(output_sizes.size()) + ", counted from 0");
    }
    ScoreReduction made{.reduction = *reduction,
                        .output = static_cast<std::size_t>(values->front())};
    const std::size_t size = output_sizes[made.output];
    if (*reduction == Reduction::element) {
        if (!is_position(values->back(), size)) {
            return engine::refuse("parameter '" + parameter.name +
                                  "' names an element beyond the " + std::to_string(size) +
                                  " of its output, counted from 0");
        }
        made.element = static_cast<std::size_t>(values->back());
    }
    if (*reduction == Reduction::mean_squared_error && size != row_size) {
        return engine::refuse("parameter '" + parameter.name + "' compares an output of " +
                              std::to_string(size) + " values with a row of " +
                              std::to_string(row_size) + "; right is an output as long as the row");
    }
    return made;
}

float mean_squared_error(std::span<const float> output, std::span<const float> row) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < output.size(); ++i) {
        const double difference = static_cast<double>(output[i]) - row[i];
        sum += difference * difference;
    }
    return static_cast<float>(sum / static_cast<double>(output.size()));
}

// What all but the largest take of the sum of exponentials: exact also where it is tiny.
float one_minus_max_softmax(std::span<const float> output) noexcept {
    const auto largest = std::max_element(output.begin(), output.end());
    double others = 0;
    for (auto value = output.begin(); value != output.end(); ++value) {
        others += value == largest ? 0 : std::exp(static_cast<double>(*value) - *largest);
    }
    return static_cast<float>(others / (1 + others));
}

// d(1 - p)/dy for the largest element's share p = exp(y_m) / sum of exp(y): p p_j, and
// -p (1 - p) at m itself.
void one_minus_max_softmax_gradient(std::span<const float> output,
                                    std::span<float> by_output) noexcept {
    const auto largest = std::max_element(output.begin(), output.end());
    double others = 0;
    for (auto value = output.begin(); value != output.end(); ++value) {
        others += value == largest ? 0 : std::exp(static_cast<double>(*value) - *largest);
    }
    const double share = 1 / (1 + others);
    for (std::size_t i = 0; i < output.size(); ++i) {
        by_output[i] =
            static_cast<float>(share * share * std::exp(static_cast<double>(output[i]) - *largest));
    }
    by_output[static_cast<std::size_t>(largest - output.begin())] =
        static_cast<float>(-share * share * others);
}

void mean_squared_error_gradient(std::span<const float> output, std::span<const float> row,
                                 std::span<float> by_output, std::span<float> by_row) noexcept {
    for (std::size_t i = 0; i < output.size(); ++i) {
        const double slope =
            2 * (static_cast<double>(output[i]) - row[i]) / static_cast<double>(output.size());
        by_output[i] = static_cast<float>(slope);
        by_row[i] = static_cast<float>(-slope);
    }
}

}  // namespace

tl::expected<ScoreReduction, std::string> read_score_reduction(
    const Manifest& manifest, std::span<const std::size_t> output_sizes, std::size_t row_size) {
    const Parameter* chosen = nullptr;
    for (const Parameter& parameter : manifest.parameters) {
        if (!std::string_view(parameter.name).starts_with(kPrefix)) {
            continue;
        }
        if (chosen != nullptr) {
            return engine::refuse("parameters '" + chosen->name + "' and '" + parameter.name +
                                  "' both say what the score is; right is one");
        }
        chosen = &parameter;
    }
    if (chosen == nullptr) {
        return ScoreReduction{};
    }
    return read_one(manifest, *chosen, output_sizes, row_size);
}

float reduce(const ScoreReduction& reduction, std::span<const float> output,
             std::span<const float> row) noexcept {
    switch (reduction.reduction) {
        case Reduction::element:
            return output[reduction.element];
        case Reduction::sum:
        case Reduction::sum_of_squares: {
            double sum = 0;
            for (const float value : output) {
                sum += reduction.reduction == Reduction::sum ? value : double{value} * value;
            }
            return static_cast<float>(sum);
        }
        case Reduction::max:
            return *std::max_element(output.begin(), output.end());
        case Reduction::one_minus_max:
            return 1.0F - *std::max_element(output.begin(), output.end());
        case Reduction::one_minus_max_softmax:
            return one_minus_max_softmax(output);
        case Reduction::mean_squared_error:
            return mean_squared_error(output, row);
    }
    return 0;
}

void reduce_gradient(const ScoreReduction& reduction, std::span<const float> output,
                     std::span<const float> row, std::span<float> by_output,
                     std::span<float> by_row) noexcept {
    std::fill(by_output.begin(), by_output.end(), 0.0F);
    std::fill(by_row.begin(), by_row.end(), 0.0F);
    const auto largest = [output] {
        return static_cast<std::size_t>(std::max_element(output.begin(), output.end()) -
                                        output.begin());
    };
    switch (reduction.reduction) {
        case Reduction::element:
            by_output[reduction.element] = 1;
            break;
        case Reduction::sum:
            std::fill(by_output.begin(), by_output.end(), 1.0F);
            break;
        case Reduction::sum_of_squares:
            std::transform(output.begin(), output.end(), by_output.begin(),
                           [](float value) { return 2 * value; });
            break;
        case Reduction::max:
            by_output[largest()] = 1;
            break;
        case Reduction::one_minus_max:
            by_output[largest()] = -1;
            break;
        case Reduction::one_minus_max_softmax:
            one_minus_max_softmax_gradient(output, by_output);
            break;
        case Reduction::mean_squared_error:
            mean_squared_error_gradient(output, row, by_output, by_row);
            break;
    }
}

}  // namespace tamis::models
