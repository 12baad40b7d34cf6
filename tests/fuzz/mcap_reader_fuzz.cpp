// Any bytes as a recording: the reader ends, its counts agree with what it gave, and what it gives
// is the same when it reads again. Memory stays within the limits it was given.
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <span>
#include <string>
#include <vector>

#include "streams/recording/mcap_reader.hpp"

namespace {

using namespace tamis;

struct Reading {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint32_t crc = 0;
    streams::ReadEnd end = streams::ReadEnd::reading;
    bool operator==(const Reading&) const = default;
};

Reading read_to_end(streams::McapReader& reader) {
    Reading reading;
    while (const streams::McapMessage* message = reader.next()) {
        Ensures(reader.find_channel(message->channel_id) != nullptr);
        ++reading.messages;
        reading.bytes += message->contents.size();
        reading.crc = streams::crc32(message->contents, reading.crc);
    }
    Ensures(reader.next() == nullptr);
    Ensures(reader.counts().messages == reading.messages);
    Ensures(reader.counts().message_bytes == reading.bytes);
    Ensures(reader.seen().statistics.message_count == reading.messages);
    reading.end = reader.end();
    Ensures(reading.end != streams::ReadEnd::reading);
    Ensures(reader.end_reason().empty() == (reading.end == streams::ReadEnd::complete));
    return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    const streams::McapLimits limits{1 << 20, 1 << 20};
    auto first = streams::McapReader::from_bytes(bytes, limits);
    if (!first) {
        return 0;
    }
    const Reading reading = read_to_end(*first);
    for (const streams::McapAttachmentIndex& attachment : first->seen().attachments) {
        Ensures(first->read_attachment(attachment).has_value());
    }
    for (const streams::McapMetadataIndex& metadata : first->seen().metadata) {
        Ensures(first->read_metadata(metadata).has_value());
    }
    if (const auto summary = first->read_summary()) {
        for (const streams::McapAttachmentIndex& attachment : summary->contents.attachments) {
            static_cast<void>(first->read_attachment(attachment));
        }
    }
    auto second = streams::McapReader::from_bytes(bytes, limits);
    Ensures(second && read_to_end(*second) == reading);
    // With the file's own index, whatever it says.
    auto selected = streams::McapReader::from_bytes(bytes, limits);
    Ensures(selected.has_value());
    selected->select({.from_ns = size,
                      .until_ns = UINT64_MAX,
                      .keys = streams::McapKeyRange{0, 7, size, size + 7},
                      .topics = {}});
    read_to_end(*selected);
    return 0;
}
