// Rows of numbers with named columns: what models are trained on, calibrated with and scored from
// files. Plain data.
#pragma once

#include <cstddef>
#include <gsl/assert>
#include <span>
#include <string>
#include <vector>

namespace tamis::models {

struct FeatureTable {
    std::vector<std::string> columns;
    std::vector<float> values;  // row by row

    [[nodiscard]] std::size_t rows() const noexcept {
        return columns.empty() ? 0 : values.size() / columns.size();
    }
    [[nodiscard]] std::span<const float> row(std::size_t index) const noexcept {
        Expects(index < rows());
        return std::span(values).subspan(index * columns.size(), columns.size());
    }
};

// A table under the name that reports give it.
struct Sample {
    std::string name;
    FeatureTable table;
};

}  // namespace tamis::models
