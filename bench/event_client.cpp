#include "bench/event_client.hpp"

#include <fmt/core.h>
#include <zmq.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <span>

#include "streams/reliable/link_receiver.hpp"
#include "streams/reliable/link_sender.hpp"

namespace tamis::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kPatienceMs = 10'000;

double microseconds(SteadyClock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
}

[[noreturn]] void give_up(const std::string& what) {
    fmt::print(stderr, "bench: {}\n", what);
    std::exit(69);  // NOLINT(concurrency-mt-unsafe): nobody else ends the process
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
    RoundTrip round_trip(const EventMessages& event) override {
        for (std::size_t fragment = 0; fragment + 1 < event.size(); ++fragment) {
            send(event[fragment]);
        }
        const auto begin = SteadyClock::now();
        send(event.back());
        receive();
        const double time = microseconds(SteadyClock::now() - begin);
        return {.at_sockets_us = time, .whole_us = time};
    }

 private:
    void* context_ = zmq_ctx_new();
    void* out_;
    void* in_;
    zmq_msg_t message_{};
};

// A source and a downstream in one thread: both ends of the protocol on sockets of their own, so
// that a clock can stand at the sockets.
class ReliableClient final : public EventClient {
 public:
    explicit ReliableClient(const PeerEndpoints& endpoints) {
        zmq_msg_init(&message_);
        for (void* socket : {out_, in_}) {
            set(socket, ZMQ_LINGER, 0);
            set(socket, ZMQ_RCVTIMEO, kPatienceMs);
        }
        if (zmq_connect(out_, endpoints.input.c_str()) != 0 ||
            zmq_bind(in_, endpoints.answer.c_str()) != 0) {
            give_up(fmt::format("cannot use {} and {} ({})", endpoints.input, endpoints.answer,
                                zmq_strerror(zmq_errno())));
        }
        sender_.on_reconnect(now_ns());
    }
    ~ReliableClient() override {
        zmq_msg_close(&message_);
        zmq_close(out_);
        zmq_close(in_);
        zmq_ctx_term(context_);
    }
    ReliableClient(const ReliableClient&) = delete;
    ReliableClient& operator=(const ReliableClient&) = delete;

    void send(const std::string& message) override { give(message); }

    void receive() override {
        take_answer();
        acknowledge();
    }

    RoundTrip round_trip(const EventMessages& event) override {
        for (std::size_t fragment = 0; fragment + 1 < event.size(); ++fragment) {
            give(event[fragment]);
        }
        const auto begin = SteadyClock::now();
        const auto given = give(event.back());
        const auto read = take_answer();
        const auto end = SteadyClock::now();
        acknowledge();
        while (hear(ZMQ_DONTWAIT)) {
        }
        return {.at_sockets_us = microseconds(read - given), .whole_us = microseconds(end - begin)};
    }

 private:
    using Time = SteadyClock::time_point;

    static std::uint64_t now_ns() {
        return static_cast<std::uint64_t>(
            std::chrono::nanoseconds(SteadyClock::now().time_since_epoch()).count());
    }

    // Returns when the last message was given to the socket.
    Time give(const std::string& message) {
        while (!sender_.offer(std::as_bytes(std::span(message)))) {
            hear(0);
        }
        Time given = transmit();
        while (sender_.counters().sent < sender_.offered()) {
            hear(0);  // of more credit
            given = transmit();
        }
        return given;
    }

    Time transmit() {
        Time given{};
        for (auto message = sender_.next(now_ns()); !message.empty();
             message = sender_.next(now_ns())) {
            given = SteadyClock::now();
            if (zmq_send(out_, message.data(), message.size(), 0) < 0) {
                give_up(fmt::format("cannot send ({})", zmq_strerror(zmq_errno())));
            }
            sender_.on_taken(now_ns());
        }
        return given;
    }

    // One message of the node's input; false: there is none, and flags say not to wait.
    bool hear(int flags) {
        if (zmq_msg_recv(&message_, out_, flags) < 0) {
            if (flags == 0) {
                give_up("no acknowledgement within 10 s");
            }
            return false;
        }
        sender_.on_message(bytes(), now_ns());
        return true;
    }

    // Returns when it was read from the socket.
    Time take_answer() {
        for (;;) {
            std::array<char, 5> name{};  // a zero, and the number of the connection
            if (zmq_recv(in_, name.data(), name.size(), 0) != static_cast<int>(name.size()) ||
                zmq_msg_recv(&message_, in_, 0) < 0) {
                give_up("no answer within 10 s");
            }
            const Time read = SteadyClock::now();
            streams::LinkReceiver::Peer peer = 0;
            std::memcpy(&peer, name.data() + 1, sizeof peer);
            if (const auto answer = receiver_.on_message(peer, bytes(), now_ns())) {
                receiver_.settle(answer->receipt, streams::LinkLevel::durable);
                return read;
            }
            acknowledge();
        }
    }

    void acknowledge() {
        while (const auto reply = receiver_.next_reply(now_ns())) {
            std::array<char, 5> name{};
            std::memcpy(name.data() + 1, &reply->peer, sizeof reply->peer);
            zmq_send(in_, name.data(), name.size(), ZMQ_SNDMORE);
            zmq_send(in_, reply->message.data(), reply->message.size(), 0);
        }
    }

    std::span<const std::byte> bytes() {
        return {static_cast<const std::byte*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
    }

    void* context_ = zmq_ctx_new();
    void* out_ = zmq_socket(context_, ZMQ_DEALER);
    void* in_ = zmq_socket(context_, ZMQ_ROUTER);
    zmq_msg_t message_{};
    streams::LinkSender sender_{{.name = "bench", .epoch = now_ns()}};
    streams::LinkReceiver receiver_{{.epoch = now_ns(), .window = {}}};
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
