// The node's window: a small HTTP server on an address of this machine, read-only, with a thread of
// its own. It reads published copies and can neither block nor change the event path. Every limit
// is a number below; every time limit is absolute, so that a slow client cannot stretch it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::daemon {

struct HttpAnswer {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

class ControlServer {
 public:
    struct Config {
        std::string address = "127.0.0.1";
        std::uint16_t port = 0;  // 0: the system chooses
        std::uint32_t max_connections = 64;
        std::uint32_t max_requests = 100;  // of one connection
        std::uint32_t max_header_bytes = 8192;
        std::chrono::milliseconds first_header_limit{5'000};  // from the connection on
        std::chrono::milliseconds next_header_limit{30'000};  // from the answer before
        std::chrono::milliseconds answer_limit{10'000};
    };
    // path: of a GET or HEAD request that broke no rule. Called on the server's thread.
    using Router = std::function<HttpAnswer(std::string_view path)>;

    // Listens when it returns. The error says what the address should be.
    [[nodiscard]] static tl::expected<std::unique_ptr<ControlServer>, std::string> start(
        Config config, Router router);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept;

 private:
    class Listener;
    explicit ControlServer(std::unique_ptr<Listener> listener);

    std::unique_ptr<Listener> listener_;
};

}  // namespace tamis::daemon
