#include "streams/reliable/reliable_link.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace tamis::streams {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// ROUTER names a connection by a zero and four bytes; other names are a peer's own invention.
constexpr std::size_t kPeerNameBytes = 5;
constexpr std::size_t kMessagesPerPoll = 256;
constexpr std::uint64_t kAnswerWithinNs = 200'000;  // while messages come without a pause

std::array<std::byte, kPeerNameBytes> name_of(LinkReceiver::Peer peer) noexcept {
    std::array<std::byte, kPeerNameBytes> name{};
    std::memcpy(name.data() + 1, &peer, sizeof peer);
    return name;
}

std::uint64_t steady_ns() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count());
}

// Of an incarnation: later starts have larger ones, over restarts of the machine too.
std::uint64_t epoch_now() noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

// --- input ---

tl::expected<std::unique_ptr<ReliableInput>, std::string> ReliableInput::make(
    LinkContext& context, const LinkConfig& config, LinkReceiver::Config receiver) {
    receiver.epoch = receiver.epoch == 0 ? epoch_now() : receiver.epoch;
    return LinkSocket::make(context, config, ZMQ_ROUTER)
        .map([&](std::unique_ptr<LinkSocket>&& socket) {
            return std::unique_ptr<ReliableInput>(new ReliableInput(std::move(socket), receiver));
        });
}

ReliableInput::ReliableInput(std::unique_ptr<LinkSocket> socket,
                             const LinkReceiver::Config& receiver)
    : socket_(std::move(socket)), receiver_(receiver) {}

// The message of the next peer is then the socket's part; false: none.
bool ReliableInput::receive_from(LinkReceiver::Peer& peer) noexcept {
    while (socket_->receive()) {
        const auto name = socket_->bytes();
        const bool is_ours = name.size() == kPeerNameBytes && name[0] == std::byte{0};
        if (is_ours) {
            std::memcpy(&peer, name.data() + 1, sizeof peer);
        }
        if (!socket_->has_more() || !socket_->receive()) {
            continue;
        }
        const bool is_single = !socket_->has_more();
        while (socket_->has_more() && socket_->receive()) {
        }
        if (is_ours && is_single) {
            return true;
        }
        receiver_.on_refused();
    }
    return false;
}

std::size_t ReliableInput::poll(MessageSink& sink, std::uint64_t now_ns,
                                std::size_t limit) noexcept {
    socket_->guard(now_ns);
    std::size_t messages = receive(sink, now_ns, limit);
    // What has come goes on first; its senders hear of it in the next moment without messages.
    if (messages == 0) {
        busy_since_ns_ = 0;
    } else if (busy_since_ns_ == 0) {
        busy_since_ns_ = now_ns;
    }
    const bool may_wait = messages > 0 && now_ns < busy_since_ns_ + kAnswerWithinNs;
    if (!may_wait && answer(now_ns) > 0) {
        busy_since_ns_ = 0;
        // Sending may take notice of messages in the library's own way, and the descriptor then
        // stays silent: who waits on it must have looked after the last send.
        messages += receive(sink, now_ns, limit - messages);
    }
    if (messages > 0) {
        published_.publish(receiver_.counters());
    }
    return messages;
}

std::size_t ReliableInput::receive(MessageSink& sink, std::uint64_t now_ns,
                                   std::size_t limit) noexcept {
    std::size_t messages = 0;
    LinkReceiver::Peer peer = 0;
    while (messages < limit && sink.is_ready()) {
        is_drained_ = !receive_from(peer);
        if (is_drained_) {
            break;
        }
        ++messages;
        const auto delivery = receiver_.on_message(peer, socket_->bytes(), now_ns);
        if (!delivery) {
            while (const auto taken = receiver_.next_taken_back()) {
                take_back(sink, *taken);
            }
            continue;
        }
        const Hold hold = sink.on_message(delivery->payload, now_ns);
        if (hold == kNoHold) {
            receiver_.settle(delivery->receipt, LinkLevel::durable);
            continue;
        }
        if (hold >= waiting_.size()) {
            waiting_.resize(hold + 1);
        }
        waiting_[hold].push_back(delivery->receipt);
    }
    return messages;
}

void ReliableInput::settle(Hold hold, LinkLevel level) noexcept {
    if (hold >= waiting_.size()) {
        return;
    }
    for (const LinkReceiver::Receipt& receipt : waiting_[hold]) {
        receiver_.settle(receipt, level);
    }
    if (level == LinkLevel::durable) {
        waiting_[hold].clear();
    }
}

// Events of which all that has come here was of that session; a part of another sender keeps one.
void ReliableInput::take_back(MessageSink& sink, const LinkReceiver::TakenBack& taken) noexcept {
    const auto is_void = [&](const LinkReceiver::Receipt& receipt) {
        return receipt.session == taken.session && receipt.incarnation <= taken.incarnation;
    };
    for (Hold hold = 0; hold < waiting_.size(); ++hold) {
        if (!waiting_[hold].empty() && std::ranges::all_of(waiting_[hold], is_void) &&
            sink.on_taken_back(hold)) {
            waiting_[hold].clear();
        }
    }
}

void ReliableInput::flush(std::uint64_t now_ns) noexcept {
    receiver_.flush();
    answer(now_ns);
}

std::size_t ReliableInput::answer(std::uint64_t now_ns) noexcept {
    std::size_t answers = 0;
    while (const auto reply = receiver_.next_reply(now_ns)) {
        is_drained_ = false;
        const auto name = name_of(reply->peer);
        const SendResult named = socket_->send(name, LinkSocket::Part::more);
        if (named == SendResult::failed) {
            receiver_.on_unreachable(reply->peer);
        } else if (named == SendResult::delivered) {
            // What its queue does not take is said again later: every answer is repeated.
            static_cast<void>(socket_->send(reply->message));
        }
        ++answers;
    }
    return answers;
}

// --- output ---

tl::expected<std::unique_ptr<ReliableOutput>, std::string> ReliableOutput::make(
    LinkContext& context, const LinkConfig& config, LinkSender::Config sender) {
    sender.epoch = sender.epoch == 0 ? epoch_now() : sender.epoch;
    return LinkSocket::make(context, config, ZMQ_DEALER)
        .map([&](std::unique_ptr<LinkSocket>&& socket) {
            return std::unique_ptr<ReliableOutput>(
                new ReliableOutput(std::move(socket), config, sender));
        });
}

ReliableOutput::ReliableOutput(std::unique_ptr<LinkSocket> socket, LinkConfig config,
                               const LinkSender::Config& sender)
    : socket_(std::move(socket)), config_(std::move(config)), sender_(sender) {}

SendResult ReliableOutput::send(std::span<const std::byte> message, StreamMask /*streams*/,
                                std::uint64_t now_ns) noexcept {
    if (sender_.is_refused()) {
        return SendResult::failed;
    }
    if (!sender_.offer(message)) {
        return SendResult::full;
    }
    if (has_begun_) {
        transmit(now_ns);
    }
    return SendResult::delivered;
}

// What credit and transport allow.
std::size_t ReliableOutput::transmit(std::uint64_t now_ns) noexcept {
    std::size_t sent = 0;
    for (; sent < kMessagesPerPoll; ++sent) {
        const auto message = sender_.next(now_ns);
        if (message.empty() || socket_->send(message) != SendResult::delivered) {
            break;
        }
        sender_.on_taken(now_ns);
    }
    return sent;
}

std::size_t ReliableOutput::poll(std::uint64_t now_ns) noexcept {
    if (!has_begun_) {
        has_begun_ = true;
        sender_.on_reconnect(now_ns);
    }
    std::size_t work = 0;
    while (work < kMessagesPerPoll && socket_->receive()) {
        const bool is_single = !socket_->has_more();
        if (is_single) {
            sender_.on_message(socket_->bytes(), now_ns);
        }
        ++work;
    }
    if (sender_.is_silent(now_ns)) {
        socket_->reconnect(config_);
        sender_.on_reconnect(now_ns);
    }
    return work + transmit(now_ns);
}

// A message in either direction, or a moment: pings must go out too.
void ReliableOutput::wait_for_receiver(milliseconds limit) noexcept {
    static_cast<void>(socket_->wait(LinkSocket::Event::readable, std::min(limit, milliseconds(2))));
}

bool ReliableOutput::send_within(std::span<const std::byte> message,
                                 milliseconds timeout) noexcept {
    const auto deadline = steady_clock::now() + timeout;
    for (;;) {
        if (send(message, 0, steady_ns()) == SendResult::delivered) {
            return true;
        }
        const bool is_idle = poll(steady_ns()) == 0;
        if (sender_.is_refused() || steady_clock::now() >= deadline) {
            return false;
        }
        if (is_idle) {
            wait_for_receiver(timeout);
        }
    }
}

bool ReliableOutput::wait_durable(milliseconds timeout) noexcept {
    const auto deadline = steady_clock::now() + timeout;
    while (sender_.unacknowledged() > 0) {
        const bool is_idle = poll(steady_ns()) == 0;
        if (sender_.is_refused() || steady_clock::now() >= deadline) {
            return false;
        }
        if (is_idle) {
            wait_for_receiver(timeout);
        }
    }
    return true;
}

void ReliableOutput::close() noexcept {
    std::vector<std::byte> last_words;
    sender_.encode_close(last_words);
    static_cast<void>(socket_->send(last_words));
}

}  // namespace tamis::streams
