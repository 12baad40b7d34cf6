// A stage of the event path: does what there is to do, and says how to wait when there is nothing.
// Stages know no thread; who polls them is a setting (pipeline_threads).
#pragma once

#include <cstddef>
#include <cstdint>

namespace tamis::daemon {

class Doorbell;

// What an idle stage waits for, whichever comes first.
struct WaitPoint {
    Doorbell* bell = nullptr;    // another thread has left work
    int input_descriptor = -1;   // readable when input may have come; -1: none
    int output_descriptor = -1;  // readable when an output has something to say; -1: none
    std::uint64_t limit_ns = 0;  // at most this long
};

// Whose descriptor ended a wait; both when its time was over.
struct Wake {
    bool by_input = true;
    bool by_output = true;
};

class Stage {
 public:
    virtual ~Stage() = default;
    // now_ns: steady clock, read by the caller just before. Bounded; returns the work done.
    virtual std::size_t poll(std::uint64_t now_ns) noexcept = 0;
    // Asked after a poll that found nothing.
    [[nodiscard]] virtual WaitPoint wait_point() const noexcept = 0;
    // After the wait, before the next poll: a look at a link that is silent costs system calls.
    virtual void on_wake(Wake /*wake*/) noexcept {}
};

}  // namespace tamis::daemon
