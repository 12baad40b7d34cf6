// The files of one recording. The first has the recording's path, the next ones a number before the
// extension: run.mcap, run.0002.mcap, run.0003.mcap. Each says in a metadata record what went
// before it, so that a missing file is noticed. Cold path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/mcap_format.hpp"

namespace tamis::streams {

// Name of the metadata record below.
inline constexpr std::string_view kFilePlaceMetadata = "tamis.file";

enum class PredecessorState : std::uint8_t {
    none,        // this is the first file
    closed,      // whole; its data CRC is known
    sealed,      // the disk failed it; this file repeats what may be lost there
    unfinished,  // its writer died
};

struct FilePlace {
    std::uint32_t number = 1;
    std::string predecessor;  // file name, without folder
    PredecessorState predecessor_state = PredecessorState::none;
    std::uint32_t predecessor_data_crc = 0;
    // The file begins with events that the predecessor may hold too; they have the same sequence.
    bool repeats = false;
};

[[nodiscard]] std::string recording_file(std::string_view path, std::uint32_t number);
// Numbers of the files that exist, finished or not (.part), ascending.
[[nodiscard]] std::vector<std::uint32_t> find_recording_files(std::string_view path);

[[nodiscard]] McapMetadata to_metadata(const FilePlace& place);
// Nothing where the texts are not those of to_metadata().
[[nodiscard]] std::optional<FilePlace> parse_file_place(const McapTexts& texts);
// Of a finished file: the CRC that its DataEnd record states.
[[nodiscard]] std::optional<std::uint32_t> read_data_crc(const std::string& path);

// The place after the last file that exists; number 1 where none does.
[[nodiscard]] FilePlace find_next_place(std::string_view path);

}  // namespace tamis::streams
