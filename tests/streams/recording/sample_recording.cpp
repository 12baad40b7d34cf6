#include "tests/streams/recording/sample_recording.hpp"

#include <gtest/gtest.h>

namespace tamis::tests {

std::vector<SampleMessage> sample_messages(std::uint32_t count, std::size_t content_bytes) {
    std::vector<SampleMessage> messages;
    for (std::uint32_t number = 0; number < count; ++number) {
        std::string contents = "message " + std::to_string(number) + " ";
        while (contents.size() < content_bytes) {
            contents += static_cast<char>(contents.size() * 31 + number * 7 + contents.size() / 9);
        }
        messages.push_back({static_cast<std::uint16_t>(number % 2), number,
                            1'000'000'000ULL + number * 1000ULL, 999'000'000ULL + number,
                            std::move(contents)});
    }
    return messages;
}

void write_sample(const std::string& path, const streams::McapWriterOptions& options,
                  const std::vector<SampleMessage>& messages) {
    auto created = streams::McapWriter::create(path, options);
    ASSERT_TRUE(created) << created.error();
    streams::McapWriter& writer = **created;
    const auto schema = writer.add_schema("sample.Text", "protobuf", bytes_of("schema bytes"));
    ASSERT_EQ(writer.add_channel(schema, "even", "protobuf", {{"origin", "test"}}), 0);
    ASSERT_EQ(writer.add_channel(schema, "odd", "protobuf"), 1);
    ASSERT_EQ(writer.add_metadata({"run", {{"number", "42"}}}), streams::WriteStatus::written);
    for (const SampleMessage& message : messages) {
        ASSERT_EQ(writer.write({message.channel_id, message.sequence, message.log_time_ns,
                                message.publish_time_ns, bytes_of(message.contents)}),
                  streams::WriteStatus::written);
    }
    ASSERT_EQ(writer.add_attachment({5, 4, "menu.pbtxt", "text/plain", bytes_of("path { }")}),
              streams::WriteStatus::written);
    ASSERT_EQ(writer.close(), streams::WriteStatus::written) << writer.error();
}

std::vector<SampleMessage> read_all(streams::McapReader& reader) {
    std::vector<SampleMessage> messages;
    while (const streams::McapMessage* message = reader.next()) {
        messages.push_back({message->channel_id, message->sequence, message->log_time_ns,
                            message->publish_time_ns,
                            std::string(reinterpret_cast<const char*>(message->contents.data()),
                                        message->contents.size())});
    }
    return messages;
}

}  // namespace tamis::tests
