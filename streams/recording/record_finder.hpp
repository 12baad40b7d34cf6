// Finds where reading an MCAP file goes on after damage. Belongs to one reader.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "streams/recording/input_file.hpp"

namespace tamis::streams {

class RecordFinder {
 public:
    // True where a record of the data section seems to begin, or at the file's end.
    [[nodiscard]] bool is_plausible(InputFile& file, std::uint64_t offset) const;
    // The first place behind `offset` that the summary's index names, if the file has a summary
    // whose CRC holds; otherwise the first of the candidates that looks like a record.
    [[nodiscard]] std::optional<std::uint64_t> find_after(
        InputFile& file, std::uint64_t offset,
        std::initializer_list<std::optional<std::uint64_t>> candidates);

 private:
    std::optional<std::vector<std::uint64_t>> indexed_;  // chunks and the data's end, sorted
};

}  // namespace tamis::streams
