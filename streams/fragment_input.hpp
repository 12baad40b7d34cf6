// The port on which fragments enter: a link, a recording or a generator. It lends each serialised
// wire.Fragment for the time of one call; whoever wants to keep bytes copies them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tamis::streams {

// What a message waits for before its sender may forget it: a number of the sink's choice.
using Hold = std::uint32_t;
inline constexpr Hold kNoHold = ~Hold{0};

// How far what a message waits for has come.
enum class LinkLevel : std::uint8_t {
    decided,
    durable,  // implies decided; the hold is over and its number may be used again
};

class MessageSink {
 public:
    virtual ~MessageSink() = default;
    // False while the sink has no room: an input asks before each message and keeps what it has
    // (back pressure).
    [[nodiscard]] virtual bool is_ready() const noexcept { return true; }
    // `message` is one serialised wire.Fragment (wire.SelectedEvent downstream of a node), valid
    // during the call. arrival_ns: steady clock. Returns what the message waits for, or kNoHold
    // when nothing more will come of it.
    virtual Hold on_message(std::span<const std::byte> message,
                            std::uint64_t arrival_ns) noexcept = 0;
    // The sender of everything that waits for this hold has taken it back: another node decides.
    // True: it is forgotten, and the hold over; false: too late, it will end.
    virtual bool on_taken_back(Hold /*hold*/) noexcept { return false; }
    // A message that the transport could not deliver whole (multipart, over the size limit).
    virtual void on_refused(std::uint64_t arrival_ns) noexcept = 0;
};

class FragmentInput {
 public:
    virtual ~FragmentInput() = default;
    // Hands at most `limit` messages to the sink without waiting, as long as it is ready; returns
    // how many.
    virtual std::size_t poll(MessageSink& sink, std::uint64_t now_ns,
                             std::size_t limit) noexcept = 0;
    // True when no message will ever come again (a recording's end; never for a live link).
    [[nodiscard]] virtual bool is_exhausted() const noexcept = 0;
    // What messages with this hold waited for has come so far. Only reliable links pass it on.
    virtual void settle(Hold /*hold*/, LinkLevel /*level*/) noexcept {}
    // Until when everything that concerns the messages taken is known: now_ns, or earlier when a
    // sender that may take its messages back has not been heard since. Who waits for more of an
    // event waits until this time has come.
    [[nodiscard]] virtual std::uint64_t heard_until(std::uint64_t now_ns) const noexcept {
        return now_ns;
    }
    // Nothing more will be read: no sender is granted more; poll() with limit 0 still answers.
    virtual void stop() noexcept {}
    // Tells every sender at once what has come of its messages: before the end.
    virtual void flush(std::uint64_t /*now_ns*/) noexcept {}
    // True when settle() should be told soon: someone waits for it.
    [[nodiscard]] virtual bool wants_settling() const noexcept { return false; }
    // The last poll looked and found nothing more, and nothing was sent since: what comes now makes
    // wait_descriptor() readable.
    [[nodiscard]] virtual bool is_drained() const noexcept { return false; }
    // A file descriptor that turns readable when messages come after a poll that found none; -1
    // when there is none to wait on.
    [[nodiscard]] virtual int wait_descriptor() const noexcept { return -1; }
};

}  // namespace tamis::streams
