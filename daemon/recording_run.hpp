// A recording through the event path of the node: the same pipeline, with the recording as input
// and an observer in place of outputs. What replay, rates and evaluation are built on. Cold path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/deployment.hpp"
#include "daemon/decision_observer.hpp"
#include "daemon/pipeline.hpp"
#include "streams/recording/looped_recording.hpp"

namespace tamis::daemon {

struct RecordingRunOptions {
    streams::RecordingInputOptions input;
    config::ThreadConfig threads;
    std::uint64_t passes = 1;  // how often the recording is replayed
    // Identifiers of the sources an event is made of; empty: all that the recording has.
    std::vector<std::uint32_t> sources;
};

struct RecordingRunResult {
    Pipeline::Snapshot books;
    std::vector<std::uint32_t> sources;
    streams::ReadEnd end = streams::ReadEnd::complete;
    std::string end_reason;  // where the recording is not complete
    double seconds = 0;
};

// Source identifiers of all fragments of a recording, ascending.
[[nodiscard]] tl::expected<std::vector<std::uint32_t>, std::string> find_sources(
    const streams::RecordingInputOptions& input);

// Decides every event of the recording. `progress` is told the events decided so far, some ten
// times a second, by the calling thread; the observer is called by the sending thread. An event
// that lacks a source counts as incomplete at the end of the recording.
[[nodiscard]] tl::expected<RecordingRunResult, std::string> run_recording(
    const TriggerMenu& menu, const RecordingRunOptions& options, DecisionObserver& observer,
    const std::function<void(std::uint64_t)>& progress);

}  // namespace tamis::daemon
