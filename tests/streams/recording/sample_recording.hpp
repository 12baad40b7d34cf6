// Small recordings whose every message is known, for the tests of the container.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streams/recording/mcap_reader.hpp"
#include "streams/recording/mcap_writer.hpp"

namespace tamis::tests {

struct SampleMessage {
    std::uint16_t channel_id = 0;
    std::uint32_t sequence = 0;
    std::uint64_t log_time_ns = 0;
    std::uint64_t publish_time_ns = 0;
    std::string contents;
    bool operator==(const SampleMessage&) const = default;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

// Message `number` goes to channel number % 2, has that sequence and about `content_bytes` bytes.
[[nodiscard]] std::vector<SampleMessage> sample_messages(std::uint32_t count,
                                                         std::size_t content_bytes);

// Two channels of one schema, one attachment, one metadata record.
void write_sample(const std::string& path, const streams::McapWriterOptions& options,
                  const std::vector<SampleMessage>& messages);

[[nodiscard]] std::vector<SampleMessage> read_all(streams::McapReader& reader);

}  // namespace tamis::tests
