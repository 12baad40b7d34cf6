// What a recording carries besides its messages, and how a file of messages is opened and closed
// with it. Cold path.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/recording/mcap_writer.hpp"

namespace tamis::streams {

// Topic of the channel of fragments.
inline constexpr std::string_view kFragmentsTopic = "fragments";

struct RecordingAttachment {
    std::string name;        // a file name: "menu.pbtxt"
    std::string media_type;  // "text/plain", "application/json"
    std::string contents;
};

// Metadata are short texts by name, for example "tamis.run": run number, menu hash, build.
struct RecordingLabels {
    std::vector<McapMetadata> metadata;
    std::vector<RecordingAttachment> attachments;
};

// What the paths of a decision are called: "tamis.paths", text "0" the name of the first one.
inline constexpr std::string_view kPathNamesMetadata = "tamis.paths";
template <typename Paths>
[[nodiscard]] McapMetadata path_names_metadata(const Paths& paths) {
    McapMetadata metadata{std::string(kPathNamesMetadata), {}};
    for (std::size_t index = 0; index < paths.size(); ++index) {
        metadata.texts.emplace(std::to_string(index), paths[index].name);
    }
    return metadata;
}

// The error says what could not be written and the system's reason.
[[nodiscard]] tl::expected<void, std::string> write_labels(McapWriter& writer,
                                                           const RecordingLabels& labels,
                                                           std::uint64_t log_time_ns);
// Labels, then the file's end and its name.
[[nodiscard]] tl::expected<void, std::string> finish_recording(McapWriter& writer,
                                                               const RecordingLabels& labels,
                                                               std::uint64_t log_time_ns);

// UTC minus steady clock, modulo 2^64: added to a steady time it gives a log time.
[[nodiscard]] std::uint64_t utc_minus_steady_ns() noexcept;

}  // namespace tamis::streams
