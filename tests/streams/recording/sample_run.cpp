#include "tests/streams/recording/sample_run.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"

namespace tamis::tests {

streams::RecordingOutputOptions run_options(const std::string& path) {
    streams::RecordingOutputOptions options;
    options.path = path;
    options.stream_names = {"physics", "anomaly"};
    options.container.compression = streams::Compression::none;
    options.container.chunk_bytes = 2000;
    options.labels.metadata.push_back({"tamis.run", {{"run", "7"}}});
    return options;
}

streams::SendResult send_event(streams::RecordingOutput& output, std::uint64_t event,
                               std::uint64_t now_ns) {
    const std::string selected = sample_selected_event(event, {"physics"});
    return output.send(bytes_of(selected), event % 3 == 0 ? 3 : 1, now_ns);
}

void send_events(streams::RecordingOutput& output, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t event = first; event <= last; ++event) {
        ASSERT_EQ(send_event(output, event, event * 1000), streams::SendResult::delivered) << event;
    }
}

bool wait_until_safe(streams::RecordingOutput& output, std::uint64_t count, std::uint64_t now_ns) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (output.durable_count() < count && std::chrono::steady_clock::now() < deadline) {
        now_ns += 10'000'000;
        output.poll(now_ns);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return output.durable_count() >= count;
}

ReadRun read_run(const std::string& path, const streams::RecordingSelection& selection) {
    ReadRun run;
    auto reader = streams::RecordingReader::open(path, selection);
    if (!reader) {
        run.reason = reader.error();
        return run;
    }
    while (const streams::McapMessage* message = reader->next()) {
        const auto event = streams::find_event(reader->file(), *message);
        if (!event) {
            run.reason = "a message that is no event";
            return run;
        }
        if (reader->file().find_channel(message->channel_id)->topic == "physics") {
            run.events.push_back(event->event);
        } else {
            ++run.copies;
        }
    }
    run.end = reader->end();
    run.reason = reader->end_reason();
    run.files = reader->paths().size();
    run.repeated = reader->repeated_count();
    return run;
}

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> result(last - first + 1);
    std::iota(result.begin(), result.end(), first);
    return result;
}

}  // namespace tamis::tests
