// A table of numbers in an HDF5 file. Cold path; one thread at a time, as the library.
//
// Columns are, in this order: those of the one two-dimensional data set of numbers [rows, columns];
// the members of the one compound data set; one-dimensional data sets of numbers of the same
// length, each a column named as itself, in order of name. Data sets may lie in any group. The
// columns of a two-dimensional data set are named by its attribute "columns" or "names", else by a
// one-dimensional data set of strings of that length, else x0, x1, ... Any integer or floating
// type is read as double.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "streams/number_table.hpp"

namespace tamis::streams {

// Errors name file and data set: "file: data set NAME: what; what would be right". The file is read
// twice, the first time in a child process: the library may crash on a damaged one (rehearsal.hpp).
[[nodiscard]] tl::expected<NumberTable, std::string> read_hdf5_table(
    const std::filesystem::path& file);

// The same at once, of a file that the library is known to read.
[[nodiscard]] tl::expected<NumberTable, std::string> read_sound_hdf5_table(
    const std::filesystem::path& file);

}  // namespace tamis::streams
