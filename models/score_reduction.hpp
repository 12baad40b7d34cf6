// How the outputs of a network become one score. Plain functions of one row; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "models/manifest.hpp"

namespace tamis::models {

enum class Reduction : std::uint8_t {
    element,
    sum,
    sum_of_squares,
    max,
    one_minus_max,
    one_minus_max_softmax,
    mean_squared_error,
};

struct ScoreReduction {
    Reduction reduction = Reduction::element;
    std::size_t output = 0;   // position of the network's output
    std::size_t element = 0;  // of Reduction::element
};

// From the parameters score.<reduction> of a manifest, checked against the sizes of the network's
// outputs and of its row. Errors: an unknown reduction, more than one, a position that is not
// there.
[[nodiscard]] tl::expected<ScoreReduction, std::string> read_score_reduction(
    const Manifest& manifest, std::span<const std::size_t> output_sizes, std::size_t row_size);

// `output`: the elements of the chosen output. `row`: what went into the network.
[[nodiscard]] float reduce(const ScoreReduction& reduction, std::span<const float> output,
                           std::span<const float> row) noexcept;

// Derivatives of that score by the elements of the output and, directly, by those of the row; both
// are overwritten and as long as what they belong to. Of several equal largest elements the first
// counts.
void reduce_gradient(const ScoreReduction& reduction, std::span<const float> output,
                     std::span<const float> row, std::span<float> by_output,
                     std::span<float> by_row) noexcept;

}  // namespace tamis::models
