// What the monitoring server answers to a request, decided without a socket (design 5, known traps
// of Beast 1.74): anything ambiguous is refused, and after a refusal the connection is closed.
#pragma once

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <string>
#include <string_view>

namespace tamis::daemon {

using HttpRequest = boost::beast::http::request<boost::beast::http::empty_body>;

struct HttpRefusal {
    unsigned status = 0;  // 0: not refused
    std::string reason;   // what would be right
};

// Refused: any Transfer-Encoding (501), a body (413), methods but GET and HEAD (405), not exactly
// one Host (400), a Host that is neither this machine nor `own_address` (403: a name that another
// site points here), a target that is not an absolute path (400), a request that another site's
// page made (403).
[[nodiscard]] HttpRefusal refuse(const HttpRequest& request, std::string_view own_address);

// The path without its query.
[[nodiscard]] std::string_view path_of(const HttpRequest& request);

}  // namespace tamis::daemon
