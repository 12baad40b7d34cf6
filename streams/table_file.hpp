// A table of numbers in a file of whichever form its name says. Cold path.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "streams/number_table.hpp"

namespace tamis::streams {

// .h5, .hdf5: read_hdf5_table; anything else: read_csv_table.
[[nodiscard]] tl::expected<NumberTable, std::string> read_table_file(
    const std::filesystem::path& file);

// What messages about a row of that file begin with (NumberTable::place_of_row).
[[nodiscard]] std::string place_of_row(const std::filesystem::path& file, std::size_t index);

}  // namespace tamis::streams
