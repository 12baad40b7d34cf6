#include "streams/link_context.hpp"

#include <zmq.h>

#include <cerrno>
#include <gsl/assert>
#include <utility>

namespace tamis::streams {

LinkContext::LinkContext(int io_threads) : context_(zmq_ctx_new()) {
    Expects(context_ != nullptr);
    Expects(io_threads >= 1 && io_threads <= 16);
    zmq_ctx_set(context_, ZMQ_IO_THREADS, io_threads);
    zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, 512);
    zmq_ctx_set(context_, ZMQ_MAX_MSGSZ, 1 << 30);
    zmq_ctx_set(context_, ZMQ_BLOCKY, 0);
}

tl::expected<std::string, std::string> LinkContext::add_server(const std::string& endpoint,
                                                               std::vector<CurvePeer> peers) {
    if (zap_ == nullptr) {
        auto started = ZapHandler::start(context_, admission_);
        if (!started) {
            return tl::unexpected(started.error());
        }
        zap_ = *std::move(started);
    }
    return admission_.add_link(endpoint, std::move(peers));
}

LinkContext::~LinkContext() {
    zap_.reset();  // its sockets too
    while (zmq_ctx_term(context_) != 0 && errno == EINTR) {
    }
}

}  // namespace tamis::streams
