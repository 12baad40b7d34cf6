// A recording is read by a program that shares nothing with Tamis: specification, zlib and Python's
// protobuf.
#include <gtest/gtest.h>

#include <cstdlib>

#include "streams/recording/fragment_recorder.hpp"
#include "streams/recording/recording_output.hpp"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

constexpr const char* kPython = "/usr/bin/python3";  // the one that has Debian's python3-protobuf

int run_python(const std::string& arguments) {
    return std::system((std::string(kPython) + " " + arguments).c_str());
}

class IndependentReader : public testing::Test {
 protected:
    void SetUp() override {
        if (run_python("-c 'import google.protobuf' 2>/dev/null") != 0) {
            GTEST_SKIP() << kPython << " has no protobuf (Debian: python3-protobuf)";
        }
    }
    static int check(const std::string& path, const std::string& expected) {
        return run_python(TAMIS_SOURCE_DIR "/tests/streams/recording/check_recording.py " + path +
                          " " + expected);
    }
    tests::ScratchFolder folder_;
};

TEST_F(IndependentReader, finds_every_selected_event) {
    RecordingOutputOptions options;
    options.path = folder_.file("run.mcap");
    options.stream_names = {"physics", "anomaly", "never"};
    options.container.compression = Compression::none;
    options.container.chunk_bytes = 8000;
    options.labels = {{{"tamis.run", {{"run", "7"}}}}, {{"menu.pbtxt", "text/plain", "path {}"}}};
    auto output = RecordingOutput::create(options);
    ASSERT_TRUE(output) << output.error();
    for (std::uint64_t event = 0; event < 300; ++event) {
        const bool is_anomaly = event % 3 == 0;
        const std::string selected = tests::sample_selected_event(event, {"physics"});
        ASSERT_EQ((*output)->send(tests::bytes_of(selected), is_anomaly ? 3 : 1, event),
                  SendResult::delivered);
    }
    ASSERT_TRUE((*output)->close({{}, {{"summary.json", "application/json", "{}"}}}, 400));
    EXPECT_EQ(check(options.path, "physics=300 anomaly=100"), 0);
    EXPECT_NE(check(options.path, "physics=300 anomaly=99 2>/dev/null"), 0) << "the check can fail";
}

TEST_F(IndependentReader, finds_every_fragment) {
    FragmentRecorderOptions options;
    options.path = folder_.file("input.mcap");
    options.container.compression = Compression::none;
    auto recorder = FragmentRecorder::create(options);
    ASSERT_TRUE(recorder) << recorder.error();
    for (std::uint64_t event = 0; event < 50; ++event) {
        (*recorder)->on_message(tests::bytes_of(tests::sample_fragment(event, 1)), event);
    }
    ASSERT_TRUE((*recorder)->close({}, 0));
    EXPECT_EQ(check(options.path, "fragments=50"), 0);
}

}  // namespace
}  // namespace tamis::streams
