// The thread that answers libzmq who may connect (ZAP 1.0), and that hears from the links' monitors
// who never got so far as to be asked about. It reads no file and waits for nobody, so a storm of
// handshakes cannot pile up before it. One in a context.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "streams/admission.hpp"

namespace tamis::streams {

class LinkMonitor;

class ZapHandler {
 public:
    // Answers when it returns: make it before the first socket that needs it. `context` and
    // `admission` outlive it.
    [[nodiscard]] static tl::expected<std::unique_ptr<ZapHandler>, std::string> start(
        void* context, Admission& admission);
    ~ZapHandler();
    ZapHandler(const ZapHandler&) = delete;
    ZapHandler& operator=(const ZapHandler&) = delete;

    // socket: a server of that domain, not yet bound. Until it is closed.
    [[nodiscard]] tl::expected<void, std::string> watch(void* socket, const std::string& domain);

 private:
    ZapHandler(void* context, Admission& admission, void* answers, int wake);
    void run();
    void answer_one();
    void wake() const noexcept;

    void* context_;
    Admission& admission_;
    void* answers_;  // REP
    int wake_;       // eventfd
    std::mutex mutex_;
    std::vector<std::unique_ptr<LinkMonitor>> new_monitors_;  // under mutex_
    bool is_stopping_ = false;                                // under mutex_
    std::vector<std::unique_ptr<LinkMonitor>> monitors_;      // of the thread
    std::thread thread_;
};

}  // namespace tamis::streams
