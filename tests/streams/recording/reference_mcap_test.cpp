// Files go both ways between Tamis and @mcap/core, the reference implementation in TypeScript.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "streams/recording/mcap_reader.hpp"
#include "streams/recording/repair_recording.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using tests::bytes_of;
using tests::SampleMessage;

class McapCore : public testing::Test {
 protected:
    void SetUp() override {
        const char* const folder = std::getenv("TAMIS_MCAP_CORE");
        if (folder == nullptr) {
            GTEST_SKIP() << "not tested: TAMIS_MCAP_CORE names no folder with @mcap/core (npm "
                            "install @mcap/core @mcap/support lz4js)";
        }
        ASSERT_TRUE(std::filesystem::exists(std::filesystem::path(folder) / "node_modules"))
            << folder << " has no node_modules";
    }
    // Standard output of the script; its lines.
    static std::vector<std::string> run(const std::string& arguments) {
        const std::string command =
            "node " TAMIS_SOURCE_DIR "/tests/streams/recording/reference_mcap.cjs " + arguments;
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        std::string output;
        for (int character = 0; pipe != nullptr && (character = std::fgetc(pipe)) != EOF;) {
            output += static_cast<char>(character);
        }
        EXPECT_EQ(pipe == nullptr ? -1 : ::pclose(pipe), 0) << command;
        std::vector<std::string> lines;
        std::istringstream in(output);
        for (std::string line; std::getline(in, line);) {
            lines.push_back(line);
        }
        return lines;
    }
    tests::ScratchFolder folder_;
};

TEST_F(McapCore, reads_our_recordings) {
    for (const Compression compression : {Compression::none, Compression::zstd, Compression::lz4}) {
        const std::string path =
            folder_.file("run" + std::string(to_string(compression)) + ".mcap");
        RecordingOutputOptions options = tests::run_options(path);
        options.container.compression = compression;
        options.labels.attachments.push_back({"menu.pbtxt", "text/plain", "path { }"});
        auto output = RecordingOutput::create(options);
        ASSERT_TRUE(output) << output.error();
        ASSERT_NO_FATAL_FAILURE(tests::send_events(**output, 1, 60));
        ASSERT_TRUE((*output)->close({}, 100'000));

        std::vector<std::string> expected;
        for (std::uint64_t event = 1; event <= 60; ++event) {
            const std::string number = std::to_string(event);
            const std::string rest =
                " tamis.wire.SelectedEvent " + number + " " + std::to_string(event * 1000) + " " +
                std::to_string(1'600'000'000'000'000'000ULL + event * 1'000'000ULL) + " event 7/" +
                number + " scores [" + number + ".25] sources [1,2,3]";
            expected.push_back("physics" + rest);
            if (event % 3 == 0) {
                expected.push_back("anomaly" + rest);
            }
        }
        expected.push_back("metadata tamis.run run=7");
        expected.push_back("metadata tamis.file first_number=1,number=1");
        expected.push_back("attachment menu.pbtxt text/plain path { }");
        EXPECT_EQ(run("read " + path), expected) << to_string(compression);
    }
}

TEST_F(McapCore, reads_what_was_repaired) {
    const std::string path = folder_.file("run.mcap");
    auto output = RecordingOutput::create(tests::run_options(path));
    ASSERT_TRUE(output) << output.error();
    ASSERT_NO_FATAL_FAILURE(tests::send_events(**output, 1, 60));
    output->reset();  // dies
    RepairOptions options;
    options.input = path;
    options.output = folder_.file("repaired.mcap");
    const auto repaired = repair_recording(options);
    ASSERT_TRUE(repaired) << repaired.error();
    EXPECT_EQ(run("read " + options.output).size(), repaired->counts.messages + 3);
}

// As reference_mcap.cjs makes them.
std::vector<SampleMessage> core_messages() {
    std::vector<SampleMessage> messages;
    for (std::uint32_t number = 0; number < 40; ++number) {
        std::string contents(20 + number % 7 * 30, '\0');
        for (std::size_t i = 0; i < contents.size(); ++i) {
            contents[i] = static_cast<char>(number * 7 + i * 13 + (i >> 3U));
        }
        messages.push_back({static_cast<std::uint16_t>(5 + number % 3), number, 1000ULL + number,
                            900ULL + number, std::move(contents)});
    }
    return messages;
}

void check_core_file(const std::string& path) {
    auto reader = McapReader::open(path);
    ASSERT_TRUE(reader) << reader.error();
    ASSERT_EQ(tests::read_all(*reader), core_messages());
    ASSERT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
    ASSERT_EQ(reader->counts().damaged_chunks + reader->counts().damaged_records, 0U);
    ASSERT_EQ(reader->header().library, "core");
    const std::vector<std::string> topics = {"a", "b", "c"};
    for (std::uint16_t id = 5; id < 8; ++id) {
        const McapChannel* const channel = reader->find_channel(id);
        ASSERT_NE(channel, nullptr);
        EXPECT_EQ(channel->topic, topics[id - 5U]);
        EXPECT_EQ(channel->message_encoding, "raw");
        const McapSchema* const schema = reader->find_schema(channel->schema_id);
        EXPECT_EQ(schema == nullptr ? "" : schema->name, id == 5   ? "first.Schema"
                                                         : id == 6 ? "second.Schema"
                                                                   : "");
    }
    EXPECT_EQ(reader->find_channel(5)->metadata, (McapTexts{{"key", "value"}}));
    ASSERT_EQ(reader->seen().attachments.size(), 1U);
    const auto attachment = reader->read_attachment(reader->seen().attachments[0]);
    ASSERT_TRUE(attachment) << attachment.error();
    EXPECT_EQ(*attachment,
              std::vector<std::byte>(bytes_of("a note").begin(), bytes_of("a note").end()));
    ASSERT_EQ(reader->seen().metadata.size(), 1U);
    const auto metadata = reader->read_metadata(reader->seen().metadata[0]);
    ASSERT_TRUE(metadata) << metadata.error();
    EXPECT_EQ(metadata->texts, (McapTexts{{"who", "@mcap/core"}, {"why", "test"}}));
    if (const auto summary = reader->read_summary()) {
        const auto& stated = summary->contents.statistics;
        EXPECT_TRUE(stated.message_count == 0 || stated.message_count == 40);
    }
}

// Whatever indexes it has: the same messages as by reading all of it.
void check_selection(const std::string& path) {
    for (std::uint16_t id = 5; id < 8; ++id) {
        auto reader = McapReader::open(path);
        ASSERT_TRUE(reader) << reader.error();
        reader->select({.from_ns = 1010,
                        .until_ns = 1030,
                        .keys = McapKeyRange{},
                        .topics = {std::string(1, static_cast<char>('a' + id - 5))}});
        std::vector<SampleMessage> messages = tests::read_all(*reader);
        ASSERT_EQ(reader->end(), ReadEnd::complete) << reader->end_reason();
        std::vector<SampleMessage> expected = core_messages();
        for (auto* const list : {&messages, &expected}) {
            std::erase_if(*list, [&](const SampleMessage& message) {
                return message.channel_id != id || message.log_time_ns < 1010 ||
                       message.log_time_ns >= 1030;
            });
        }
        ASSERT_EQ(messages, expected);
    }
}

TEST_F(McapCore, writes_files_that_we_read_whatever_its_options) {
    const auto written = run("write " + folder_.file(""));
    ASSERT_EQ(written, std::vector<std::string>{"1032"});
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.file(""))) {
        ASSERT_NO_FATAL_FAILURE(check_core_file(entry.path().string())) << entry.path();
        ASSERT_NO_FATAL_FAILURE(check_selection(entry.path().string())) << entry.path();
        ++count;
    }
    EXPECT_EQ(count, 1032U);
}

}  // namespace
}  // namespace tamis::streams
