// The states of a run and what leads from one to the next: one table. The service's thread only.
#pragma once

#include <cstdint>
#include <string_view>

namespace tamis::daemon {

enum class RunState : std::uint8_t {
    configured,  // everything is built, nothing is read
    running,     // reads and decides
    draining,    // reads no more, finishes what it has
    stopped,     // every event has its outcome, or the time to drain was over
};

enum class RunTrigger : std::uint8_t {
    start,
    stop_asked,   // SIGTERM, SIGINT
    input_ended,  // a recording was read to its end and every event has come back
    drained,      // every event has come back
    time_over,    // events are still in flight at the end of the time to drain
};

// How a run ended: part of its summary.
enum class RunCondition : std::uint8_t { complete, incomplete, not_ended };

[[nodiscard]] std::string_view to_string(RunState state) noexcept;
[[nodiscard]] std::string_view to_string(RunTrigger trigger) noexcept;
[[nodiscard]] std::string_view to_string(RunCondition condition) noexcept;

class RunControl {
 public:
    // True when the table has an entry for it; otherwise nothing changes.
    bool apply(RunTrigger trigger) noexcept;
    [[nodiscard]] RunState state() const noexcept { return state_; }
    [[nodiscard]] RunCondition condition() const noexcept { return condition_; }

 private:
    RunState state_ = RunState::configured;
    RunCondition condition_ = RunCondition::not_ended;
};

}  // namespace tamis::daemon
