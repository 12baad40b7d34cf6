// The sending end of a reliable link (design 3.2) without its socket: keeps every message until the
// receiver holds it durably, sends what the receiver grants, sends again what was lost. No clock
// and no transport: time and messages are arguments, so tests and simulations drive it. One
// thread. PROTOCOL.md has the states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "streams/reliable/link_message.hpp"
#include "streams/reliable/message_ring.hpp"

namespace tamis::streams {

struct LinkSenderCounters {
    std::uint64_t offered = 0;  // messages taken into the window
    std::uint64_t sent = 0;     // handed to the transport for the first time
    std::uint64_t resent = 0;
    std::uint64_t damaged = 0;   // messages of the receiver that were none
    std::uint64_t violated = 0;  // messages of the receiver that contradict what was sent
    std::uint64_t reopened = 0;  // after the receiver or the connection had been away
};

class LinkSender {
 public:
    struct Config {
        std::string name;         // 1 .. 63 bytes, the same over restarts, unlike any other's
        std::uint64_t epoch = 0;  // above that of every earlier incarnation: ns since 1970
        // What the receiver has not settled may be given to another one: it then decides nothing of
        // which it has only a part, and forgets that when a later incarnation opens.
        bool reassigns = false;
        std::size_t window_messages = 16384;
        std::size_t window_bytes = std::size_t{64} << 20;
        std::uint64_t ping_ns = 100'000'000;
        std::uint64_t silence_ns = 1'000'000'000;  // then the connection is made anew
    };

    explicit LinkSender(const Config& config);

    // Sources whose messages it sends, 1 .. 1024: the receiver grants so many windows.
    void set_width(std::uint64_t width) noexcept { width_ = width; }

    // Takes a message into the window; false when it has no room. Numbers are 1, 2, ...
    [[nodiscard]] bool offer(std::span<const std::byte> payload) noexcept;
    [[nodiscard]] bool has_room(std::size_t payload_bytes) const noexcept {
        return kept_.has_room(kDataHeaderBytes + payload_bytes);
    }

    // From the receiver.
    void on_message(std::span<const std::byte> message, std::uint64_t now_ns) noexcept;
    // What to hand to the transport now, valid until the next call of this object; empty: nothing.
    [[nodiscard]] std::span<const std::byte> next(std::uint64_t now_ns) noexcept;
    // The transport took what next() gave.
    void on_taken(std::uint64_t now_ns) noexcept;

    // Nothing was heard for silence_ns: the transport should connect anew and call on_reconnect().
    [[nodiscard]] bool is_silent(std::uint64_t now_ns) const noexcept;
    void on_reconnect(std::uint64_t now_ns) noexcept;

    // The last words; only when everything is durable, or to give up.
    void encode_close(std::vector<std::byte>& out) const;

    [[nodiscard]] const LinkLevels& levels() const noexcept { return levels_; }
    // Calls on_number, in order, with the numbers beyond levels().durable that the receiver holds
    // durably too, as the last grant named them; with none when no grant has come since. Only for
    // one that reassigns.
    template <class OnNumber>
    void take_settled(OnNumber on_number) {
        for (std::uint64_t i = 0; i < settled_.size() * 8; ++i) {
            const std::uint64_t number = settled_after_ + 1 + i;
            const bool is_settled = (settled_[i / 8] >> (i % 8) & std::byte{1}) != std::byte{0};
            if (is_settled && number > levels_.durable && number <= sent_once_) {
                on_number(number);
            }
        }
        settled_.clear();
    }
    [[nodiscard]] std::uint64_t offered() const noexcept { return counters_.offered; }
    [[nodiscard]] std::size_t unacknowledged() const noexcept { return kept_.size(); }
    [[nodiscard]] bool is_open() const noexcept { return is_open_; }
    // A later incarnation of this name serves the receiver: this one must stop.
    [[nodiscard]] bool is_refused() const noexcept { return is_refused_; }
    [[nodiscard]] const LinkSenderCounters& counters() const noexcept { return counters_; }

    // The payload of a kept message: for who must send it elsewhere. number in
    // (levels().durable, offered()].
    [[nodiscard]] std::span<const std::byte> payload(std::uint64_t number) const noexcept;

 private:
    enum class Offered : std::uint8_t { nothing, open, again, fresh };
    struct Range {
        std::uint64_t from = 0;
        std::uint64_t to = 0;  // inclusive
    };

    struct Reader;
    void on(const GrantMessage& grant) noexcept;
    void on(const ResendMessage& resend) noexcept;
    void on(const UnknownPeerMessage& unknown) noexcept;
    void on(const RefusedMessage& refused) noexcept;
    void reopen() noexcept;
    void forget_durable(std::uint64_t durable) noexcept;
    [[nodiscard]] bool may_send(std::uint64_t number) const noexcept;
    [[nodiscard]] std::span<const std::byte> kept(std::uint64_t number) const noexcept;
    [[nodiscard]] std::uint64_t first_kept() const noexcept { return levels_.durable + 1; }

    Config config_;
    std::uint64_t width_ = 1;
    MessageRing kept_;  // numbers first_kept() ..
    std::uint64_t next_offset_ = 0;
    std::uint64_t next_fresh_ = 1;  // number not yet sent to this receiver
    std::uint64_t sent_once_ = 0;   // largest number ever sent
    std::optional<std::uint64_t> receiver_epoch_;
    LinkLevels levels_;
    std::uint64_t limit_ = 0;
    std::uint64_t offset_limit_ = 0;
    std::uint64_t settled_after_ = 0;
    std::vector<std::byte> settled_;  // GrantMessage::settled, for numbers behind settled_after_
    std::vector<Range> again_;        // asked for; at most kRanges
    bool is_open_ = false;            // the receiver has answered since the last (re)open
    bool is_refused_ = false;
    bool open_is_due_ = true;
    std::uint64_t opened_ns_ = 0;  // when an open was last sent
    std::uint64_t heard_ns_ = 0;
    std::vector<std::byte> open_;
    Offered offered_ = Offered::nothing;
    LinkSenderCounters counters_;
};

}  // namespace tamis::streams
