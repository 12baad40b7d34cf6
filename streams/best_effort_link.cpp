#include "streams/best_effort_link.hpp"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <gsl/assert>

namespace tamis::streams {

LinkContext::LinkContext(int io_threads) : context_(zmq_ctx_new()) {
    Expects(context_ != nullptr);
    Expects(io_threads >= 1 && io_threads <= 16);
    zmq_ctx_set(context_, ZMQ_IO_THREADS, io_threads);
    zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, 256);
    zmq_ctx_set(context_, ZMQ_MAX_MSGSZ, 1 << 30);
    zmq_ctx_set(context_, ZMQ_BLOCKY, 0);
}

LinkContext::~LinkContext() {
    while (zmq_ctx_term(context_) != 0 && errno == EINTR) {
    }
}

// A socket with all its options, bound or connected.
class LinkSocket {
 public:
    static tl::expected<std::unique_ptr<LinkSocket>, std::string> make(LinkContext& context,
                                                                       const LinkConfig& config,
                                                                       int type) {
        const auto endpoint = parse_endpoint(config.endpoint, config.attachment);
        if (!endpoint) {
            return tl::unexpected(endpoint.error());
        }
        if (auto checked = check_socket_options(config.options, *endpoint); !checked) {
            return tl::unexpected(checked.error());
        }
        void* raw = zmq_socket(context.native(), type);
        if (raw == nullptr) {
            return tl::unexpected("socket for \"" + config.endpoint + "\" (" + zmq_strerror(errno) +
                                  "); fewer links, or a higher limit of open files");
        }
        auto socket = std::make_unique<LinkSocket>(raw);
        if (auto applied = apply_socket_options(config.options, *endpoint, raw); !applied) {
            return tl::unexpected(applied.error());
        }
        if (type == ZMQ_SUB) {
            zmq_setsockopt(raw, ZMQ_SUBSCRIBE, "", 0);
        }
        if (auto attached = socket->attach(config); !attached) {
            return tl::unexpected(attached.error());
        }
        return socket;
    }

    explicit LinkSocket(void* raw) : raw_(raw) { zmq_msg_init(&message_); }
    ~LinkSocket() {
        zmq_msg_close(&message_);
        zmq_close(raw_);
    }
    LinkSocket(const LinkSocket&) = delete;
    LinkSocket& operator=(const LinkSocket&) = delete;

    [[nodiscard]] void* raw() const noexcept { return raw_; }

    // The next part, valid until the next call; false when there is none.
    bool receive() noexcept {
        for (;;) {
            if (zmq_msg_recv(&message_, raw_, ZMQ_DONTWAIT) >= 0) {
                return true;
            }
            if (errno != EINTR) {
                return false;
            }
        }
    }
    [[nodiscard]] bool has_more() const noexcept { return zmq_msg_more(&message_) != 0; }
    [[nodiscard]] std::span<const std::byte> bytes() noexcept {
        return {static_cast<const std::byte*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
    }

    SendResult send(std::span<const std::byte> bytes) noexcept {
        for (;;) {
            if (zmq_send(raw_, bytes.data(), bytes.size(), ZMQ_DONTWAIT) >= 0) {
                return SendResult::delivered;
            }
            if (errno == EAGAIN) {
                return SendResult::full;
            }
            if (errno != EINTR) {
                return SendResult::failed;
            }
        }
    }

    [[nodiscard]] std::string bound_endpoint() const {
        std::array<char, 256> text{};
        std::size_t size = text.size();
        if (zmq_getsockopt(raw_, ZMQ_LAST_ENDPOINT, text.data(), &size) != 0) {
            return {};
        }
        return text.data();
    }

 private:
    tl::expected<void, std::string> attach(const LinkConfig& config) {
        const bool binds = config.attachment == Attachment::bind;
        const char* endpoint = config.endpoint.c_str();
        if ((binds ? zmq_bind(raw_, endpoint) : zmq_connect(raw_, endpoint)) == 0) {
            return {};
        }
        const char* cure = !binds                ? "a name that resolves to an address"
                           : errno == EADDRINUSE ? "another port, or stop the one that has it"
                           : errno == ENOENT     ? "create the folder of the socket"
                                                 : "an address of this machine that you may use";
        return tl::unexpected(std::string(binds ? "cannot bind \"" : "cannot connect \"") +
                              config.endpoint + "\" (" + zmq_strerror(errno) + "); " + cure);
    }

    void* raw_;
    zmq_msg_t message_{};
};

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
    std::size_t parts = 0;
    while (parts < limit && sink.is_ready() && socket_->receive()) {
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

int BestEffortInput::wait_descriptor() const noexcept {
    int descriptor = -1;
    std::size_t size = sizeof descriptor;
    return zmq_getsockopt(socket_->raw(), ZMQ_FD, &descriptor, &size) == 0 ? descriptor : -1;
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

std::size_t BestEffortOutput::poll(std::uint64_t /*now_ns*/) noexcept { return 0; }

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
    zmq_pollitem_t ready{socket_->raw(), 0, ZMQ_POLLOUT, 0};
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    // The queue may fill again between the two calls, so again until the time is over.
    for (auto left = timeout; result == SendResult::full && left.count() > 0;
         left = std::chrono::ceil<std::chrono::milliseconds>(deadline -
                                                             std::chrono::steady_clock::now())) {
        zmq_poll(&ready, 1, left.count());
        result = socket_->send(message);
    }
    return result;
}

std::string BestEffortSender::bound_endpoint() const { return socket_->bound_endpoint(); }

}  // namespace tamis::streams
