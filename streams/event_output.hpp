// The port on which selected events leave: a link or a recording. One serialised wire.SelectedEvent
// a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "streams/decision.hpp"

namespace tamis::streams {

enum class SendResult : std::uint8_t {
    delivered,  // handed to the transport or written
    full,       // cannot take it now; try again
    failed,     // will never take it; counted by the caller under its policy
};

class EventOutput {
 public:
    virtual ~EventOutput() = default;
    // selected: one serialised wire.SelectedEvent. streams: the streams it belongs to. now_ns:
    // steady clock.
    virtual SendResult send(std::span<const std::byte> selected, StreamMask streams,
                            std::uint64_t now_ns) noexcept = 0;
    // Periodic work (flushing); returns the work done.
    virtual std::size_t poll(std::uint64_t now_ns) noexcept = 0;
    // How many of the events that send() took, in their order, can no longer be lost. An output
    // that cannot know says: all of them.
    [[nodiscard]] virtual std::uint64_t durable_count() const noexcept { return UINT64_MAX; }
};

}  // namespace tamis::streams
