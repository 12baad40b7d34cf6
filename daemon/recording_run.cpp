#include "daemon/recording_run.hpp"

#include <chrono>
#include <set>

#include "daemon/pipeline_threads.hpp"
#include "streams/fragment.hpp"

namespace tamis::daemon {

namespace {

// Replays close events by completeness, not by time.
constexpr std::uint64_t kNoWindowNs = std::uint64_t{1} << 62;

class SourceFinder final : public streams::MessageSink {
 public:
    [[nodiscard]] bool is_ready() const noexcept override { return true; }
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t /*arrival_ns*/) noexcept override {
        if (const auto fragment = decoder_.decode(message)) {
            sources_.insert(fragment->source);
        }
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override {}

    [[nodiscard]] std::vector<std::uint32_t> sources() const {
        return {sources_.begin(), sources_.end()};
    }

 private:
    streams::FragmentDecoder decoder_;
    std::set<std::uint32_t> sources_;
};

Pipeline::Config pipeline_config(const RecordingRunOptions& options,
                                 const std::vector<std::uint32_t>& sources) {
    Pipeline::Config config;
    config.pool.events = 4096;
    config.pool.sources = sources.size();
    config.pool.byte_budget = std::size_t{1} << 30;
    config.builder.sources = sources;
    config.builder.runs = streams::RunPolicy::any;
    config.builder.window_ns = kNoWindowNs;
    config.builder.window_bytes = config.pool.byte_budget / 2;
    config.workers = options.threads.workers;
    config.batch = options.threads.batch;
    return config;
}

}  // namespace

tl::expected<std::vector<std::uint32_t>, std::string> find_sources(
    const streams::RecordingInputOptions& input) {
    streams::RecordingInputOptions fast = input;
    fast.pace = {};
    auto recording = streams::RecordingInput::open(fast);
    if (!recording) {
        return tl::unexpected(recording.error());
    }
    SourceFinder finder;
    while (!(*recording)->is_exhausted()) {
        (*recording)->poll(finder, 0, 1024);
    }
    const auto sources = finder.sources();
    if (sources.empty()) {
        return tl::unexpected(input.path +
                              ": no fragment in it; a recording of fragments or selected events");
    }
    if (sources.size() > streams::kMaxSources) {
        return tl::unexpected(input.path + ": fragments of " + std::to_string(sources.size()) +
                              " sources; name at most 64 of them");
    }
    return sources;
}

tl::expected<RecordingRunResult, std::string> run_recording(
    const TriggerMenu& menu, const RecordingRunOptions& options, DecisionObserver& observer,
    const std::function<void(std::uint64_t)>& progress) {
    RecordingRunResult result;
    result.sources = options.sources;
    if (result.sources.empty()) {
        auto found = find_sources(options.input);
        if (!found) {
            return tl::unexpected(found.error());
        }
        result.sources = *std::move(found);
    }
    auto recording = streams::LoopedRecording::open(options.input, options.passes);
    if (!recording) {
        return tl::unexpected(recording.error());
    }
    Pipeline pipeline(pipeline_config(options, result.sources),
                      {.menu = menu, .input = **recording, .outputs = {}, .observer = &observer});
    const auto start = std::chrono::steady_clock::now();
    {
        const PipelineThreads threads(pipeline, options.threads);
        while (!threads.wait_until_finished(std::chrono::milliseconds(100))) {
            const auto& books = pipeline.snapshot().run.books;
            progress(books.of(streams::Outcome::accepted) + books.of(streams::Outcome::rejected) +
                     books.debug());
        }
    }
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.books = pipeline.snapshot();
    result.end = (*recording)->recording().reader().end();
    result.end_reason = (*recording)->recording().reader().end_reason();
    return result;
}

}  // namespace tamis::daemon
