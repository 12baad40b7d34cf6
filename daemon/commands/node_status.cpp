#include "daemon/commands/node_status.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

namespace tamis::daemon {

tl::expected<nlohmann::json, std::string> read_node_status(std::uint16_t port) {
    namespace asio = boost::asio;
    namespace beast = boost::beast;
    namespace http = boost::beast::http;
    beast::error_code error;
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), port}, error);
    if (error) {
        return tl::unexpected("the node's monitoring port: " + error.message());
    }
    http::request<http::empty_body> request(http::verb::get, "/api/v1/status", 11);
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::connection, "close");
    http::write(socket, request, error);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    if (!error) {
        http::read(socket, buffer, response, error);
    }
    if (error) {
        return tl::unexpected("the node's status page: " + error.message());
    }
    auto status = nlohmann::json::parse(response.body(), nullptr, false);
    if (status.is_discarded()) {
        return tl::unexpected(std::string("the node's status page is no JSON"));
    }
    return status;
}

}  // namespace tamis::daemon
