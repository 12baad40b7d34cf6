#include "bench/event_client.hpp"

#include <fmt/core.h>
#include <zmq.h>

#include <chrono>
#include <cstdlib>
#include <span>

#include "streams/reliable/reliable_link.hpp"

namespace tamis::bench {
namespace {

constexpr int kPatienceMs = 10'000;

[[noreturn]] void give_up(const std::string& what) {
    fmt::print(stderr, "bench: {}\n", what);
    std::exit(69);
}

void set(void* socket, int option, int value) {
    zmq_setsockopt(socket, option, &value, sizeof value);
}

class PlainClient final : public EventClient {
 public:
    PlainClient(const PeerEndpoints& endpoints, bool is_one_connection)
        : out_(zmq_socket(context_, is_one_connection ? ZMQ_DEALER : ZMQ_PUSH)),
          in_(is_one_connection ? out_ : zmq_socket(context_, ZMQ_PULL)) {
        zmq_msg_init(&message_);
        set(in_, ZMQ_RCVHWM, 0);
        set(in_, ZMQ_RCVTIMEO, kPatienceMs);
        set(out_, ZMQ_LINGER, 0);
        const bool is_bound = in_ == out_ || zmq_bind(in_, endpoints.answer.c_str()) == 0;
        if (!is_bound || zmq_connect(out_, endpoints.input.c_str()) != 0) {
            give_up(fmt::format("cannot connect to {} ({})", endpoints.input,
                                zmq_strerror(zmq_errno())));
        }
    }
    ~PlainClient() override {
        zmq_msg_close(&message_);
        zmq_close(out_);
        if (in_ != out_) {
            zmq_close(in_);
        }
        zmq_ctx_term(context_);
    }
    PlainClient(const PlainClient&) = delete;
    PlainClient& operator=(const PlainClient&) = delete;

    void send(const std::string& message) override {
        if (zmq_send(out_, message.data(), message.size(), 0) < 0) {
            give_up(fmt::format("cannot send ({})", zmq_strerror(zmq_errno())));
        }
    }
    void receive() override {
        if (zmq_msg_recv(&message_, in_, 0) < 0) {
            give_up("no answer within 10 s");
        }
    }

 private:
    void* context_ = zmq_ctx_new();
    void* out_;
    void* in_;
    zmq_msg_t message_{};
};

// A source and a downstream in one thread.
class ReliableClient final : public EventClient, private streams::MessageSink {
 public:
    explicit ReliableClient(const PeerEndpoints& endpoints) {
        streams::LinkConfig to_node;
        to_node.endpoint = endpoints.input;
        to_node.attachment = streams::Attachment::connect;
        to_node.options.linger_ms = 0;
        auto fragments = streams::ReliableOutput::make(context_, to_node, {.name = "bench"});
        streams::LinkConfig from_node;
        from_node.endpoint = endpoints.answer;
        auto answers = streams::ReliableInput::make(context_, from_node, {});
        if (!fragments || !answers) {
            give_up(fragments ? answers.error() : fragments.error());
        }
        fragments_ = std::move(*fragments);
        fragments_->poll(now_ns());
        answers_ = std::move(*answers);
    }

    void send(const std::string& message) override {
        if (!fragments_->send_within(std::as_bytes(std::span(message)),
                                     std::chrono::milliseconds(kPatienceMs))) {
            give_up("cannot send");
        }
    }

    // What the node acknowledges is read while there is nothing else to do: in send_within, which
    // waits for credit, and here when an answer is late.
    void receive() override {
        const std::uint64_t end_ns = now_ns() + std::uint64_t{kPatienceMs} * 1'000'000;
        const std::uint64_t wanted = ++asked_;
        for (;;) {
            const bool has_come = answers_->poll(*this, now_ns(), 1) > 0;
            if (received_ >= wanted) {
                return;
            }
            if (has_come || answers_->wait(std::chrono::milliseconds(1))) {
                continue;
            }
            const std::uint64_t now = now_ns();
            fragments_->poll(now);
            if (now > end_ns) {
                give_up("no answer within 10 s");
            }
        }
    }

 private:
    static std::uint64_t now_ns() {
        return static_cast<std::uint64_t>(
            std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
    }
    streams::Hold on_message(std::span<const std::byte> /*message*/,
                             std::uint64_t /*arrival_ns*/) noexcept override {
        ++received_;
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override {}

    streams::LinkContext context_;
    std::unique_ptr<streams::ReliableOutput> fragments_;
    std::unique_ptr<streams::ReliableInput> answers_;
    std::uint64_t asked_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace

std::string_view to_string(Wiring wiring) noexcept {
    switch (wiring) {
        case Wiring::push_pull:
            return "PUSH/PULL";
        case Wiring::dealer_router:
            return "DEALER/ROUTER";
        case Wiring::reliable:
            return "reliable";
    }
    return {};
}

std::unique_ptr<EventClient> EventClient::make(Wiring wiring, const PeerEndpoints& endpoints) {
    if (wiring == Wiring::reliable) {
        return std::make_unique<ReliableClient>(endpoints);
    }
    return std::make_unique<PlainClient>(endpoints, wiring == Wiring::dealer_router);
}

}  // namespace tamis::bench
