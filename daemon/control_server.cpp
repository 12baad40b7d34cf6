#include "daemon/control_server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "daemon/http_rules.hpp"
#include "daemon/logging.hpp"
#include "daemon/stage_thread.hpp"

namespace tamis::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::size_t kReadBufferBytes = 16384;
constexpr std::chrono::seconds kLeaveLimit{1};
constexpr std::size_t kLeaveBytes = 65536;
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

// Accepts connections and owns them; everything below runs on its one thread.
class ControlServer::Listener {
 public:
    Listener(Config config, Router router)
        : config_(std::move(config)),
          router_(std::move(router)),
          acceptor_(context_),
          pause_(context_) {}
    ~Listener() {
        asio::post(context_, [this] { context_.stop(); });
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    tl::expected<void, std::string> listen();
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
    class Connection;

    void accept();

    Config config_;
    Router router_;
    asio::io_context context_{1};
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::uint16_t port_ = 0;
    std::list<Connection> connections_;
    std::thread thread_;
};

class ControlServer::Listener::Connection {
 public:
    Connection(Listener& listener, tcp::socket socket)
        : listener_(listener), stream_(std::move(socket)) {}

    void start(std::list<Connection>::iterator self) {
        self_ = self;
        read();
    }

 private:
    void read() {
        // The time limit covers the whole header, however many reads it takes.
        stream_.expires_after(requests_ == 0 ? listener_.config_.first_header_limit
                                             : listener_.config_.next_header_limit);
        parser_.emplace();
        parser_->header_limit(listener_.config_.max_header_bytes);
        parser_->body_limit(0);
        http::async_read_header(stream_, buffer_, *parser_,
                                [this](error_code error, std::size_t) { on_header(error); });
    }

    void on_header(error_code error) {
        ++requests_;
        if (!error) {
            return answer();
        }
        const bool is_bad_request =
            error.category() == http::make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message;
        if (!is_bad_request) {
            return end();  // gone, or too slow
        }
        if (error == http::error::header_limit || error == http::error::buffer_overflow) {
            return refuse_with({.status = 431, .reason = "the header is too long\n"});
        }
        if (error == http::error::body_limit) {
            return refuse_with({.status = 413, .reason = "requests have no body here\n"});
        }
        refuse_with({.status = 400, .reason = "this is no request that can be read\n"});
    }

    void answer() {
        const HttpRequest& request = parser_->get();
        if (HttpRefusal refusal = refuse(request, listener_.config_.address); refusal.status != 0) {
            return refuse_with(std::move(refusal));
        }
        HttpAnswer answer = listener_.router_(path_of(request));
        const bool keep = request.keep_alive() && requests_ < listener_.config_.max_requests;
        write(std::move(answer), request.version(), keep, request.method() == http::verb::head);
    }

    void refuse_with(HttpRefusal refusal) {
        const std::string status = std::to_string(refusal.status);
        log(LogLevel::warning, "http_request_refused", {{"status", status}}, status);
        write({.status = refusal.status, .body = std::move(refusal.reason)}, 11, false, false);
    }

    void write(HttpAnswer answer, unsigned version, bool keep_alive, bool head_only) {
        response_ = {};
        response_.version(version);
        response_.result(answer.status);
        response_.set(http::field::content_type, answer.content_type);
        response_.set(http::field::cache_control, "no-store");
        response_.set("X-Content-Type-Options", "nosniff");
        if (answer.status == 405) {
            response_.set(http::field::allow, "GET, HEAD");
        }
        response_.keep_alive(keep_alive);
        response_.content_length(answer.body.size());
        if (!head_only) {
            response_.body() = std::move(answer.body);
        }
        serializer_.emplace(response_);
        stream_.expires_after(listener_.config_.answer_limit);
        const auto done = [this, keep_alive](error_code error, std::size_t) {
            if (error) {
                return end();
            }
            keep_alive ? read() : take_leave();
        };
        if (head_only) {
            http::async_write_header(stream_, *serializer_, done);
        } else {
            http::async_write(stream_, *serializer_, done);
        }
    }

    // Closing with unread input would reset the connection and could take the answer with it: what
    // the client still sends is thrown away for a moment.
    void take_leave() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(kLeaveLimit);
        throw_away(0);
    }

    void throw_away(std::size_t bytes) {
        if (bytes > kLeaveBytes) {
            return end();
        }
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(kReadBufferBytes),
                                [this, bytes](error_code error, std::size_t more) {
                                    error ? end() : throw_away(bytes + more);
                                });
    }

    void end() {
        // Not here: this function is one of the connection's own.
        asio::post(listener_.context_,
                   [&listener = listener_, self = self_] { listener.connections_.erase(self); });
    }

    Listener& listener_;
    std::list<Connection>::iterator self_;
    beast::tcp_stream stream_;
    beast::flat_static_buffer<kReadBufferBytes> buffer_;
    std::optional<http::request_parser<http::empty_body>> parser_;
    http::response<http::string_body> response_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
    std::uint32_t requests_ = 0;
};

tl::expected<void, std::string> ControlServer::Listener::listen() {
    const auto failed = [&](const char* step, const error_code& error) {
        return tl::unexpected("cannot " + std::string(step) + " " + config_.address + ":" +
                              std::to_string(config_.port) + " (" + error.message() +
                              "); an address of this machine and a free port, or port 0");
    };
    error_code error;
    const auto address = asio::ip::make_address(config_.address, error);
    if (error) {
        return failed("read the monitoring address", error);
    }
    const tcp::endpoint endpoint(address, config_.port);
    if (acceptor_.open(endpoint.protocol(), error); error) {
        return failed("open a socket for", error);
    }
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (acceptor_.bind(endpoint, error); error) {
        return failed("bind", error);
    }
    if (acceptor_.listen(static_cast<int>(config_.max_connections), error); error) {
        return failed("listen on", error);
    }
    port_ = acceptor_.local_endpoint(error).port();
    accept();
    thread_ = std::thread([this] {
        name_this_thread("tamis-control");
        context_.run();
    });
    return {};
}

void ControlServer::Listener::accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) {
            return;
        }
        if (!error && connections_.size() < config_.max_connections) {
            const auto self = connections_.emplace(connections_.end(), *this, std::move(socket));
            self->start(self);
        }
        if (!error) {
            return accept();  // over the limit the socket has closed here
        }
        // No descriptor is free, perhaps: asking again at once would only burn the core.
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](error_code stopped) {
            if (!stopped) {
                accept();
            }
        });
    });
}

ControlServer::ControlServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
ControlServer::~ControlServer() = default;

std::uint16_t ControlServer::port() const noexcept { return listener_->port(); }

tl::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::start(Config config,
                                                                               Router router) {
    auto listener = std::make_unique<Listener>(std::move(config), std::move(router));
    return listener->listen().map(
        [&] { return std::unique_ptr<ControlServer>(new ControlServer(std::move(listener))); });
}

}  // namespace tamis::daemon
