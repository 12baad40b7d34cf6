#include "streams/best_effort_link.hpp"

#include <zmq.h>

#include <array>
#include <gsl/assert>

#include "streams/link_socket.hpp"

namespace tamis::streams {
namespace {

template <class Link>
using Made = tl::expected<std::unique_ptr<Link>, std::string>;

int sending_type(LinkPattern pattern) noexcept {
    return pattern == LinkPattern::pipeline ? ZMQ_PUSH : ZMQ_PUB;
}

}  // namespace

// --- input ---

BestEffortInput::BestEffortInput(std::unique_ptr<LinkSocket> socket) : socket_(std::move(socket)) {}
BestEffortInput::~BestEffortInput() = default;

Made<BestEffortInput> BestEffortInput::make(LinkContext& context, const LinkConfig& config) {
    const int type = config.pattern == LinkPattern::pipeline ? ZMQ_PULL : ZMQ_SUB;
    return LinkSocket::make(context, config, type).map([](std::unique_ptr<LinkSocket>&& socket) {
        return std::unique_ptr<BestEffortInput>(new BestEffortInput(std::move(socket)));
    });
}

std::size_t BestEffortInput::poll(MessageSink& sink, std::uint64_t now_ns,
                                  std::size_t limit) noexcept {
    socket_->guard(now_ns);
    std::size_t parts = 0;
    while (parts < limit && sink.is_ready()) {
        is_drained_ = !socket_->receive();
        if (is_drained_) {
            break;
        }
        ++parts;
        const bool more = socket_->has_more();
        if (!more && !in_refused_message_) {
            sink.on_message(socket_->bytes(), now_ns);
            continue;
        }
        if (!in_refused_message_) {
            sink.on_refused(now_ns);
        }
        in_refused_message_ = more;
    }
    return parts;
}

int BestEffortInput::wait_descriptor() const noexcept { return socket_->descriptor(); }

std::uint64_t BestEffortInput::cut_connections() const noexcept {
    return socket_->cut_connections();
}

std::string BestEffortInput::bound_endpoint() const { return socket_->bound_endpoint(); }

bool wait_readable(std::span<BestEffortInput* const> inputs,
                   std::chrono::milliseconds timeout) noexcept {
    std::array<zmq_pollitem_t, 16> items{};
    Expects(inputs.size() <= items.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        items[i] = {inputs[i]->socket_->raw(), 0, ZMQ_POLLIN, 0};
    }
    return zmq_poll(items.data(), static_cast<int>(inputs.size()), timeout.count()) > 0;
}

// --- outputs ---

BestEffortOutput::BestEffortOutput(std::unique_ptr<LinkSocket> socket)
    : socket_(std::move(socket)) {}
BestEffortOutput::~BestEffortOutput() = default;

Made<BestEffortOutput> BestEffortOutput::make(LinkContext& context, const LinkConfig& config) {
    return LinkSocket::make(context, config, sending_type(config.pattern))
        .map([](std::unique_ptr<LinkSocket>&& socket) {
            return std::unique_ptr<BestEffortOutput>(new BestEffortOutput(std::move(socket)));
        });
}

SendResult BestEffortOutput::send(std::span<const std::byte> selected, StreamMask /*streams*/,
                                  std::uint64_t /*now_ns*/) noexcept {
    const SendResult result = socket_->send(selected);
    delivered_count_ += result == SendResult::delivered ? 1 : 0;
    return result;
}

std::size_t BestEffortOutput::poll(std::uint64_t now_ns) noexcept {
    socket_->guard(now_ns);
    return 0;
}

std::string BestEffortOutput::bound_endpoint() const { return socket_->bound_endpoint(); }

BestEffortSender::BestEffortSender(std::unique_ptr<LinkSocket> socket)
    : socket_(std::move(socket)) {}
BestEffortSender::~BestEffortSender() = default;

Made<BestEffortSender> BestEffortSender::make(LinkContext& context, const LinkConfig& config) {
    return LinkSocket::make(context, config, sending_type(config.pattern))
        .map([](std::unique_ptr<LinkSocket>&& socket) {
            return std::unique_ptr<BestEffortSender>(new BestEffortSender(std::move(socket)));
        });
}

SendResult BestEffortSender::send(std::span<const std::byte> message,
                                  std::chrono::milliseconds timeout) noexcept {
    SendResult result = socket_->send(message);
    if (result != SendResult::full) {
        return result;
    }
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    // The queue may fill again between the two calls, so again until the time is over.
    for (auto left = timeout; result == SendResult::full && left.count() > 0;
         left = std::chrono::ceil<std::chrono::milliseconds>(deadline -
                                                             std::chrono::steady_clock::now())) {
        if (socket_->wait(LinkSocket::Event::writable, left)) {
            result = socket_->send(message);
        }
    }
    return result;
}

std::string BestEffortSender::bound_endpoint() const { return socket_->bound_endpoint(); }

}  // namespace tamis::streams
