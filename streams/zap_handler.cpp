#include "streams/zap_handler.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <vector>

namespace tamis::streams {
namespace {

constexpr const char* kZapEndpoint = "inproc://zeromq.zap.01";  // of the protocol

// All parts of one message; empty when there is none.
std::vector<std::string> receive_parts(void* socket) {
    std::vector<std::string> parts;
    zmq_msg_t part;
    zmq_msg_init(&part);
    bool has_more = true;
    while (has_more && zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) >= 0) {
        parts.emplace_back(static_cast<const char*>(zmq_msg_data(&part)), zmq_msg_size(&part));
        has_more = zmq_msg_more(&part) != 0;
    }
    zmq_msg_close(&part);
    return parts;
}

tl::unexpected<std::string> zap_mistake(const std::string& what) {
    return tl::unexpected(what + " (" + zmq_strerror(errno) +
                          "); fewer links, or a higher limit of open files");
}

}  // namespace

tl::expected<std::unique_ptr<ZapHandler>, std::string> ZapHandler::start(void* context,
                                                                         Admission& admission) {
    void* answers = zmq_socket(context, ZMQ_REP);
    if (answers == nullptr) {
        return zap_mistake("socket of the ZAP handler");
    }
    const int linger = 0;
    zmq_setsockopt(answers, ZMQ_LINGER, &linger, sizeof linger);
    const int stop = zmq_bind(answers, kZapEndpoint) == 0 ? eventfd(0, EFD_CLOEXEC) : -1;
    if (stop < 0) {
        auto mistake = zap_mistake("ZAP handler");
        zmq_close(answers);
        return mistake;
    }
    return std::unique_ptr<ZapHandler>(new ZapHandler(admission, answers, stop));
}

ZapHandler::ZapHandler(Admission& admission, void* answers, int stop)
    : admission_(admission), answers_(answers), stop_(stop) {
    // Signals are for the threads that expect them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ZapHandler::~ZapHandler() {
    const std::uint64_t one = 1;
    static_cast<void>(!write(stop_, &one, sizeof one));
    thread_.join();
    zmq_close(answers_);
    close(stop_);
}

void ZapHandler::run() {
    std::array<zmq_pollitem_t, 2> items{
        {{answers_, 0, ZMQ_POLLIN, 0}, {nullptr, stop_, ZMQ_POLLIN, 0}}};
    while (items[1].revents == 0) {
        if (zmq_poll(items.data(), static_cast<int>(items.size()), -1) > 0 &&
            items[0].revents != 0) {
            answer_one();
        }
    }
}

// Request: version, id, domain, address, identity, mechanism, credentials. Answer: version, id,
// status, text, user, metadata.
void ZapHandler::answer_one() {
    constexpr std::size_t kPartsWithoutCredentials = 6;
    const std::vector<std::string> parts = receive_parts(answers_);
    if (parts.empty()) {
        return;
    }
    ZapAnswer answer{.status = "500", .text = "malformed request", .user = {}};
    if (parts.size() >= kPartsWithoutCredentials) {
        answer = admission_.answer(
            {.version = parts[0],
             .domain = parts[2],
             .address = parts[3],
             .mechanism = parts[5],
             .credentials = parts.size() > kPartsWithoutCredentials ? parts[6] : std::string()});
    }
    const std::array<std::string, 6> reply = {
        "1.0",         parts.size() > 1 ? parts[1] : std::string(),
        answer.status, answer.text,
        answer.user,   std::string()};
    for (std::size_t i = 0; i < reply.size(); ++i) {
        zmq_send(answers_, reply[i].data(), reply[i].size(),
                 ZMQ_DONTWAIT | (i + 1 < reply.size() ? ZMQ_SNDMORE : 0));
    }
}

}  // namespace tamis::streams
