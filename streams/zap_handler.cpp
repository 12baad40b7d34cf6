#include "streams/zap_handler.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <utility>

#include "streams/link_monitor.hpp"

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
    const int wake = zmq_bind(answers, kZapEndpoint) == 0 ? eventfd(0, EFD_CLOEXEC) : -1;
    if (wake < 0) {
        auto mistake = zap_mistake("ZAP handler");
        zmq_close(answers);
        return mistake;
    }
    return std::unique_ptr<ZapHandler>(new ZapHandler(context, admission, answers, wake));
}

ZapHandler::ZapHandler(void* context, Admission& admission, void* answers, int wake)
    : context_(context), admission_(admission), answers_(answers), wake_(wake) {
    // Signals are for the threads that expect them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ZapHandler::~ZapHandler() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    wake();
    thread_.join();
    new_monitors_.clear();
    zmq_close(answers_);
    close(wake_);
}

tl::expected<void, std::string> ZapHandler::watch(void* socket, const std::string& domain) {
    const std::string address = "inproc://admission." + domain;
    if (zmq_socket_monitor(socket, address.c_str(), LinkMonitor::wanted_events()) != 0) {
        return zap_mistake("monitor of a link");
    }
    void* raw = zmq_socket(context_, ZMQ_PAIR);
    if (raw == nullptr) {
        return zap_mistake("monitor of a link");
    }
    auto monitor = std::make_unique<LinkMonitor>(raw, domain, admission_);
    if (zmq_connect(raw, address.c_str()) != 0) {
        return zap_mistake("monitor of a link");
    }
    const std::lock_guard lock(mutex_);
    new_monitors_.push_back(std::move(monitor));
    wake();
    return {};
}

void ZapHandler::wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(!write(wake_, &one, sizeof one));
}

void ZapHandler::run() {
    std::vector<zmq_pollitem_t> items;
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            if (is_stopping_) {
                break;
            }
            std::ranges::move(new_monitors_, std::back_inserter(monitors_));
            new_monitors_.clear();
        }
        items.assign({{answers_, 0, ZMQ_POLLIN, 0}, {nullptr, wake_, ZMQ_POLLIN, 0}});
        for (const auto& monitor : monitors_) {
            items.push_back({monitor->raw(), 0, ZMQ_POLLIN, 0});
        }
        if (zmq_poll(items.data(), static_cast<int>(items.size()), -1) < 0) {
            continue;
        }
        if (items[0].revents != 0) {
            answer_one();
        }
        if (items[1].revents != 0) {
            std::uint64_t count = 0;
            static_cast<void>(!read(wake_, &count, sizeof count));
        }
        std::erase_if(monitors_, [](const auto& monitor) { return !monitor->read(); });
    }
    monitors_.clear();
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
