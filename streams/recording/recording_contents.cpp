#include "streams/recording/recording_contents.hpp"

#include <chrono>

namespace tamis::streams {

tl::expected<void, std::string> write_labels(McapWriter& writer, const RecordingLabels& labels,
                                             std::uint64_t log_time_ns) {
    for (const McapMetadata& metadata : labels.metadata) {
        if (writer.add_metadata(metadata) != WriteStatus::written) {
            return tl::unexpected("metadata " + metadata.name + " not recorded: " + writer.error());
        }
    }
    for (const RecordingAttachment& attachment : labels.attachments) {
        const McapAttachment record{log_time_ns, log_time_ns, attachment.name,
                                    attachment.media_type,
                                    std::as_bytes(std::span(attachment.contents))};
        if (writer.add_attachment(record) != WriteStatus::written) {
            return tl::unexpected("attachment " + attachment.name +
                                  " not recorded: " + writer.error());
        }
    }
    return {};
}

tl::expected<void, std::string> finish_recording(McapWriter& writer, const RecordingLabels& labels,
                                                 std::uint64_t log_time_ns) {
    if (auto labelled = write_labels(writer, labels, log_time_ns); !labelled) {
        return labelled;
    }
    if (writer.close() != WriteStatus::written) {
        return tl::unexpected("recording not finished, " + writer.written_path() +
                              " is whole up to its last chunk: " + writer.error());
    }
    return {};
}

std::uint64_t utc_minus_steady_ns() noexcept {
    const auto nanoseconds = [](auto instant) {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(instant.time_since_epoch())
                .count());
    };
    return nanoseconds(std::chrono::system_clock::now()) -
           nanoseconds(std::chrono::steady_clock::now());
}

}  // namespace tamis::streams
