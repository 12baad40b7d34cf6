// What a file's own words about a data set are checked for before the HDF5 library acts on them: it
// trusts them, and so would run out of memory, read over the end of a row, or open other files.
// Cold path; one thread at a time, as the library.
#pragma once

#include <cstdint>
#include <string>

namespace tamis::streams {

// A file may claim to unpack to so many times its size (deflate reaches 1032), or to kFreeBytes.
inline constexpr std::uint64_t kMostUnpacked = 2048;
inline constexpr std::uint64_t kFreeBytes = std::uint64_t{16} << 20;
// Of a fixed-length string in memory.
inline constexpr std::size_t kMostTextBytes = std::size_t{1} << 20;

// Empty, or what is wrong with an open data set (an hid_t) of a file of that size: values in other
// files, more than such a file can hold, a row whose members lie outside of it.
[[nodiscard]] std::string unsoundness_of(std::int64_t data_set, std::uint64_t file_bytes);

}  // namespace tamis::streams
