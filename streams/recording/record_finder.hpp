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
    // Of a record whose own fields end at `inner`: true where it seems that a later version
    // appended fields up to `outer`, so that the next record begins there.
    [[nodiscard]] bool is_end(InputFile& file, std::uint64_t outer, std::uint64_t inner);
    // The first place behind `offset` that the summary's index names, if the file has a summary
    // whose CRC holds; otherwise the first of the candidates that looks like a record.
    [[nodiscard]] std::optional<std::uint64_t> find_after(
        InputFile& file, std::uint64_t offset,
        std::initializer_list<std::optional<std::uint64_t>> candidates);

 private:
    // By the summary, if it can be trusted; sorted.
    struct Index {
        std::vector<std::uint64_t> chunks;      // and the data's end
        std::vector<std::uint64_t> boundaries;  // where one record ends and another begins
    };
    const Index& index_of(InputFile& file);

    std::optional<Index> index_;
};

}  // namespace tamis::streams
