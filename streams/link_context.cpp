#include "streams/link_context.hpp"

#include <zmq.h>

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

}  // namespace tamis::streams
