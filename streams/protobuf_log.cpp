#include "streams/protobuf_log.hpp"

#include <google/protobuf/stubs/logging.h>

#include <mutex>

namespace tamis::streams {

void silence_protobuf_log() noexcept {
    static std::once_flag once;
    std::call_once(once, [] { google::protobuf::SetLogHandler(nullptr); });
}

}  // namespace tamis::streams
