// A table of numbers in a CSV file (RFC 4180) whose first row names the columns. Cold path; any
// thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::streams {

struct CsvTable {
    std::vector<std::string> columns;
    std::vector<double> values;  // row by row; an empty field is NaN, and so is one with a word
    // By column: of its first field that is no number, where it is, what it is and what would be
    // right; empty where all are numbers. Names of samples may stand beside what is read.
    std::vector<std::string> words;

    [[nodiscard]] std::size_t row_count() const noexcept {
        return columns.empty() ? 0 : values.size() / columns.size();
    }
    [[nodiscard]] std::span<const double> row(std::size_t index) const noexcept {
        return std::span(values).subspan(index * columns.size(), columns.size());
    }
    [[nodiscard]] std::optional<std::size_t> find_column(std::string_view name) const noexcept;
};

// Errors name file, line and column: "file:line: column NAME: what; what would be right". Whoever
// uses a column asks whether it has words.
[[nodiscard]] tl::expected<CsvTable, std::string> read_csv_table(const std::filesystem::path& file);

// Numbers are written so that they read back exactly as float, whole multiples of 1/65536 as double
// too. The error says which step failed.
[[nodiscard]] tl::expected<void, std::string> write_csv_table(const std::filesystem::path& file,
                                                              std::span<const std::string> columns,
                                                              std::span<const float> values);

}  // namespace tamis::streams
