#include "bench/event_client.hpp"

#include <fmt/core.h>
#include <zmq.h>

#include <cstdlib>

namespace tamis::bench {

struct EventClient::Sockets {
    void* context = zmq_ctx_new();
    void* out = zmq_socket(context, ZMQ_PUSH);
    void* in = zmq_socket(context, ZMQ_PULL);
    zmq_msg_t message;

    Sockets() { zmq_msg_init(&message); }
    ~Sockets() {
        zmq_msg_close(&message);
        zmq_close(out);
        zmq_close(in);
        zmq_ctx_term(context);
    }
    Sockets(const Sockets&) = delete;
    Sockets& operator=(const Sockets&) = delete;
};

namespace {

[[noreturn]] void give_up(const std::string& what) {
    fmt::print(stderr, "bench: {} ({})\n", what, zmq_strerror(zmq_errno()));
    std::exit(69);
}

void set(void* socket, int option, int value) {
    zmq_setsockopt(socket, option, &value, sizeof value);
}

}  // namespace

EventClient::EventClient(const std::string& input, const std::string& answer)
    : sockets_(std::make_unique<Sockets>()) {
    set(sockets_->in, ZMQ_RCVHWM, 0);
    set(sockets_->in, ZMQ_RCVTIMEO, 10'000);
    set(sockets_->out, ZMQ_LINGER, 0);
    if (zmq_bind(sockets_->in, answer.c_str()) != 0) {
        give_up("cannot bind " + answer);
    }
    if (zmq_connect(sockets_->out, input.c_str()) != 0) {
        give_up("cannot connect to " + input);
    }
}

EventClient::~EventClient() = default;

void EventClient::send(const std::string& message) {
    if (zmq_send(sockets_->out, message.data(), message.size(), 0) < 0) {
        give_up("cannot send");
    }
}

void EventClient::receive() {
    if (zmq_msg_recv(&sockets_->message, sockets_->in, 0) < 0) {
        give_up("no answer within 10 s");
    }
}

}  // namespace tamis::bench
