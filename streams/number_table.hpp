// A table of numbers with named columns as a file gives it, and how to name a place in that file.
// Plain data; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::streams {

struct NumberTable {
    std::vector<std::string> columns;
    std::vector<double> values;  // row by row; what is missing or no number is NaN
    // By column: of its first field that is no number, where it is, what it is and what would be
    // right; empty where all are numbers. Names of samples may stand beside what is read.
    std::vector<std::string> words;
    std::filesystem::path file = {};
    bool has_lines = true;  // rows are lines of a text file, below one that names the columns

    [[nodiscard]] std::size_t row_count() const noexcept {
        return columns.empty() ? 0 : values.size() / columns.size();
    }
    [[nodiscard]] std::span<const double> row(std::size_t index) const noexcept {
        return std::span(values).subspan(index * columns.size(), columns.size());
    }
    [[nodiscard]] std::optional<std::size_t> find_column(std::string_view name) const noexcept {
        const auto found = std::find(columns.begin(), columns.end(), name);
        return found == columns.end()
                   ? std::nullopt
                   : std::optional(static_cast<std::size_t>(found - columns.begin()));
    }

    // What messages begin with: "features.csv:7" or "features.h5: row 6".
    [[nodiscard]] std::string place_of_row(std::size_t index) const {
        constexpr std::size_t kFirstLine = 2;
        return has_lines ? file.string() + ":" + std::to_string(index + kFirstLine)
                         : file.string() + ": row " + std::to_string(index + 1);
    }
    // Of the names of columns: "features.csv:1" or "features.h5".
    [[nodiscard]] std::string place_of_names() const {
        return has_lines ? file.string() + ":1" : file.string();
    }
};

}  // namespace tamis::streams
