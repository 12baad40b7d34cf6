// Where a link goes and how its socket is set.
#pragma once

#include <cstdint>
#include <string>

#include "streams/endpoint.hpp"
#include "streams/socket_options.hpp"

namespace tamis::streams {

enum class LinkPattern : std::uint8_t {
    pipeline,   // PUSH and PULL: each message to one reader
    broadcast,  // PUB and SUB: each message to all who are there
};

struct LinkConfig {
    std::string endpoint;
    Attachment attachment = Attachment::bind;
    LinkPattern pattern = LinkPattern::pipeline;  // of best-effort links
    SocketOptions options;
};

}  // namespace tamis::streams
