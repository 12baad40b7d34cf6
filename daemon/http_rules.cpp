#include "daemon/http_rules.hpp"

#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <iterator>

namespace tamis::daemon {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// "name:port", "name", "[::1]:port" -> name.
std::string_view host_name(std::string_view host) {
    if (host.starts_with('[')) {
        return host.substr(0, host.find(']') + 1);
    }
    return host.substr(0, host.find(':'));
}

bool is_own_name(std::string_view name, std::string_view own_address) {
    return name == "localhost" || name == "127.0.0.1" || name == "[::1]" ||
           (!own_address.empty() && name == own_address);
}

}  // namespace

HttpRefusal refuse(const HttpRequest& request, std::string_view own_address) {
    if (request.count(http::field::transfer_encoding) > 0) {
        return {.status = 501, .reason = "no Transfer-Encoding is accepted\n"};
    }
    const auto lengths = request.equal_range(http::field::content_length);
    for (auto length = lengths.first; length != lengths.second; ++length) {
        if (view(length->value()) != "0") {
            return {.status = 413, .reason = "requests have no body here\n"};
        }
    }
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        return {.status = 405, .reason = "this server only answers GET and HEAD\n"};
    }
    if (request.count(http::field::host) != 1) {
        return {.status = 400, .reason = "exactly one Host is needed\n"};
    }
    if (!is_own_name(host_name(view(request[http::field::host])), own_address)) {
        return {.status = 403, .reason = "Host must name this machine\n"};
    }
    if (request.count(http::field::origin) > 0 || view(request["Sec-Fetch-Site"]) == "cross-site") {
        return {.status = 403, .reason = "pages of other sites are not answered\n"};
    }
    if (!view(request.target()).starts_with('/')) {
        return {.status = 400, .reason = "the target must be a path\n"};
    }
    return {};
}

std::string_view path_of(const HttpRequest& request) {
    const std::string_view target = view(request.target());
    return target.substr(0, target.find('?'));
}

}  // namespace tamis::daemon
