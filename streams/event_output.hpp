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
    // How many send()s that returned `delivered`, counted in their order from the first, are safe:
    // the first n of them. A best-effort link promises nothing beyond `delivered`, so all of them;
    // a recording those that its durability class has on the disk. Never falls. The thread of
    // send().
    [[nodiscard]] virtual std::uint64_t durable_count() const noexcept = 0;
    // A file descriptor that turns readable when poll() may find more durable, after a poll that
    // found nothing; -1 when there is none to wait on.
    [[nodiscard]] virtual int wait_descriptor() const noexcept { return -1; }
};

}  // namespace tamis::streams
