// What a person may choose about a recording's files.
#pragma once

#include <cstdint>

namespace tamis::streams {

// When an event that was taken counts as safe (EventOutput::durable_count()).
enum class Durability : std::uint8_t {
    none,          // once the system has it: it outlives this process, not a loss of power
    interval,      // once fdatasync returned, at least every second or 64 MiB
    group_commit,  // once fdatasync returned, which begins within 5 ms or 4 MiB of the event
};

enum class ExistingRecording : std::uint8_t {
    refuse,
    replace,        // its files are removed
    continue_with,  // a new file after the last one
};

}  // namespace tamis::streams
