// Rows of numbers with named columns: what models are trained on, calibrated with and scored from
// files. Plain data; cold path.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::models {

struct FeatureTable {
    std::vector<std::string> columns;
    std::vector<float> values;  // row by row

    [[nodiscard]] std::size_t rows() const noexcept {
        return columns.empty() ? 0 : values.size() / columns.size();
    }
    // index < rows()
    [[nodiscard]] std::span<const float> row(std::size_t index) const noexcept;
};

// A table under the name that reports give it.
struct Sample {
    std::string name;
    FeatureTable table;
    std::vector<float> pileup = {};  // of each row; empty where it is not known
    FeatureTable beside = {};        // row by row what is no input: efficiencies are plotted by it
    double mix_weight = 0;           // of a process that is a part of the background
};

// The columns of those names in that order. Errors: a column that is missing (the message names the
// columns there are) or there twice; a value that is not finite, by row (from 1) and column.
[[nodiscard]] tl::expected<FeatureTable, std::string> select_columns(
    const FeatureTable& table, std::span<const std::string_view> names);

}  // namespace tamis::models
