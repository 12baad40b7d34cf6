// The thread that answers libzmq who may connect (ZAP 1.0). It reads no file and waits for nobody,
// so a storm of handshakes cannot pile up before it. One in a context.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <tl/expected.hpp>

#include "streams/admission.hpp"

namespace tamis::streams {

class ZapHandler {
 public:
    // Answers when it returns: make it before the first socket that needs it. `context` and
    // `admission` outlive it.
    [[nodiscard]] static tl::expected<std::unique_ptr<ZapHandler>, std::string> start(
        void* context, Admission& admission);
    ~ZapHandler();
    ZapHandler(const ZapHandler&) = delete;
    ZapHandler& operator=(const ZapHandler&) = delete;

 private:
    ZapHandler(Admission& admission, void* answers, int stop);
    void run();
    void answer_one();

    Admission& admission_;
    void* answers_;  // REP
    int stop_;       // eventfd: readable when the thread shall end
    std::thread thread_;
};

}  // namespace tamis::streams
