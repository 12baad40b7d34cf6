// A table of numbers in a CSV file (RFC 4180) whose first row names the columns; an empty field is
// NaN, and so is one with a word. Cold path; any thread.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "streams/number_table.hpp"

namespace tamis::streams {

using CsvTable = NumberTable;

// Errors name file, line and column: "file:line: column NAME: what; what would be right". Whoever
// uses a column asks whether it has words.
[[nodiscard]] tl::expected<CsvTable, std::string> read_csv_table(const std::filesystem::path& file);

// Numbers are written so that they read back exactly as float, whole multiples of 1/65536 as double
// too. The error says which step failed.
[[nodiscard]] tl::expected<void, std::string> write_csv_table(const std::filesystem::path& file,
                                                              std::span<const std::string> columns,
                                                              std::span<const float> values);

}  // namespace tamis::streams
