// The receiving end of a reliable link without its socket: any number of senders, each with its
// session; gives every message once, acknowledges by level, asks for what is missing. No clock and
// no transport. One thread. PROTOCOL.md has the states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streams/reliable/link_message.hpp"
#include "streams/reliable/link_session.hpp"

namespace tamis::streams {

struct LinkReceiverCounters {
    std::uint64_t received = 0;      // messages from the transport, of any kind
    std::uint64_t delivered = 0;     // data given to the caller, each once
    std::uint64_t duplicates = 0;    // data that had come before
    std::uint64_t beyond = 0;        // data farther ahead than any grant
    std::uint64_t damaged = 0;       // checksum
    std::uint64_t malformed = 0;     // checksum right, contents not
    std::uint64_t unknown_peer = 0;  // data before an open: the connection is new
    std::uint64_t refused = 0;       // of an earlier incarnation, or more senders than allowed
    std::uint64_t resend_requests = 0;
    std::uint64_t opened = 0;  // sessions begun

    [[nodiscard]] std::uint64_t accounted_data() const noexcept;
};

class LinkReceiver {
 public:
    using Peer = std::uint32_t;  // a connection of the transport

    struct Config {
        std::uint64_t epoch = 0;  // of this incarnation: ns since 1970
        LinkSession::Window window;
        std::size_t senders = 64;
        std::uint64_t widest = 64;  // windows of one sender at most, whatever it asks for
        std::uint64_t grant_interval_ns = 4'000'000;
        std::uint64_t gap_ns = 10'000'000;         // a gap that lasts so long is asked for
        std::uint64_t silence_ns = 1'000'000'000;  // a sender unheard for so long is away,
        std::uint64_t forget_ns = 60'000'000'000;  // and then gives way to another name
    };

    explicit LinkReceiver(const Config& config);
    ~LinkReceiver();
    LinkReceiver(const LinkReceiver&) = delete;
    LinkReceiver& operator=(const LinkReceiver&) = delete;

    // Names a message until it is settled.
    struct Receipt {
        std::uint32_t session = 0;
        std::uint32_t incarnation = 0;  // of the session: another epoch makes it void
        std::uint64_t number = 0;
        std::size_t bytes = 0;
    };
    struct Delivery {
        Receipt receipt;
        std::span<const std::byte> payload;  // in the message
    };
    // A message of the transport; gives its payload if it is one that has not come before.
    [[nodiscard]] std::optional<Delivery> on_message(Peer peer, std::span<const std::byte> message,
                                                     std::uint64_t now_ns) noexcept;
    // durable implies decided. Void receipts are ignored.
    void settle(const Receipt& receipt, LinkLevel level) noexcept;

    struct Reply {
        Peer peer = 0;
        std::span<const std::byte> message;
    };
    // What to send now, valid until the next call of this object; call until it gives nothing.
    [[nodiscard]] std::optional<Reply> next_reply(std::uint64_t now_ns) noexcept;
    // No sender is granted more from now on.
    void stop() noexcept { is_stopped_ = true; }
    // The messages of a session are void, for a sender that reassigns has begun it anew: another
    // receiver gets them. Every such session is named once.
    struct TakenBack {
        std::uint32_t session = 0;
        std::uint32_t incarnation = 0;  // receipts of this one and earlier ones
    };
    [[nodiscard]] std::optional<TakenBack> next_taken_back() noexcept;
    // When what a sender that reassigns has sent until then is known: now_ns, or earlier when one
    // has not been heard since. What it has not settled by then may be another receiver's.
    [[nodiscard]] std::uint64_t heard_until(std::uint64_t now_ns) const noexcept;
    // Every sender has an answer in next_reply() now.
    void flush() noexcept;
    // A message of several parts, or of a connection with a name of its own.
    void on_refused() noexcept { ++counters_.received, ++counters_.malformed; }
    // The transport cannot reach this connection any more.
    void on_unreachable(Peer peer) noexcept;

    struct SenderState {
        std::string_view name;
        LinkLevels levels;
        std::uint64_t held = 0;
        std::uint64_t room = 0;
        bool is_away = false;
    };
    [[nodiscard]] std::vector<SenderState> senders(std::uint64_t now_ns) const;
    // Sources of all senders that have not said that they end.
    [[nodiscard]] std::uint64_t width() const noexcept;
    [[nodiscard]] const LinkReceiverCounters& counters() const noexcept { return counters_; }

 private:
    struct Sender;
    struct Reader;
    std::optional<Delivery> on(Peer peer, const OpenMessage& open, std::uint64_t now_ns) noexcept;
    std::optional<Delivery> on(Peer peer, const DataMessage& data, std::uint64_t now_ns) noexcept;
    std::optional<Delivery> on(Peer peer, const CloseMessage& close, std::uint64_t now_ns) noexcept;
    Sender* find_or_add(std::string_view name, std::uint64_t now_ns) noexcept;
    void connect(Peer peer, std::uint32_t sender) noexcept;
    bool encode_resend(Sender& sender, std::uint64_t now_ns) noexcept;
    bool encode_grant(Sender& sender, std::uint64_t now_ns) noexcept;

    Config config_;
    std::vector<std::unique_ptr<Sender>> senders_;
    std::map<Peer, std::uint32_t> by_peer_;
    struct Notice {
        Peer peer = 0;
        LinkMessage message;
    };
    std::vector<Notice> notices_;  // answers outside a session; at most kNotices, more are dropped
    std::size_t next_sender_ = 0;
    bool is_stopped_ = false;
    std::vector<std::byte> reply_;
    std::vector<std::byte> settled_;
    std::vector<TakenBack> taken_back_;
    LinkReceiverCounters counters_;
};

}  // namespace tamis::streams
