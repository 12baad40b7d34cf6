// The monitoring server against plain sockets: what it answers, and what it does not stand.
#include "daemon/control_server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace tamis::daemon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Client {
 public:
    explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{.tv_sec = 5, .tv_usec = 0};
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        is_connected_ =
            connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~Client() { close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] bool is_connected() const { return is_connected_; }
    void write(const std::string& bytes) const { EXPECT_TRUE(try_write(bytes)); }
    [[nodiscard]] bool try_write(const std::string& bytes) const {
        return send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0;
    }
    // What comes until the server closes, or, with a text to wait for, until that came.
    [[nodiscard]] std::string read(const std::string& until = "\x01 never") const {
        std::string text;
        char bytes[4096];
        while (text.find(until) == std::string::npos) {
            const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
            if (count <= 0) {
                break;
            }
            text.append(bytes, static_cast<std::size_t>(count));
        }
        return text;
    }

 private:
    int socket_;
    bool is_connected_ = false;
};

HttpAnswer route(std::string_view path) {
    return path == "/known" ? HttpAnswer{.body = "answer to " + std::string(path)}
                            : HttpAnswer{.status = 404, .body = "unknown\n"};
}

ControlServer::Config fast_config() {
    ControlServer::Config config;
    config.first_header_limit = std::chrono::milliseconds(200);
    config.next_header_limit = std::chrono::milliseconds(200);
    config.max_connections = 8;
    config.max_requests = 3;
    return config;
}

class ControlServerTest : public testing::Test {
 protected:
    ControlServerTest() {
        auto server = ControlServer::start(fast_config(), route);
        EXPECT_TRUE(server) << server.error();
        server_ = std::move(*server);
    }
    [[nodiscard]] std::string answer(const std::string& request) const {
        const Client client(server_->port());
        client.write(request);
        return client.read();
    }

    std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, answers_on_the_port_that_it_chose) {
    EXPECT_GT(server_->port(), 0);
    const std::string text =
        answer("GET /known HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(text, HasSubstr("\r\n\r\nanswer to /known"));
    EXPECT_THAT(answer("GET /no HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 404"));
}

TEST_F(ControlServerTest, sends_a_head_without_its_body) {
    const std::string text =
        answer("HEAD /known HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(text, HasSubstr("Content-Length: 16\r\n"));
    EXPECT_TRUE(text.ends_with("\r\n\r\n")) << text;
}

TEST_F(ControlServerTest, keeps_a_connection_for_so_many_requests) {
    const Client client(server_->port());
    for (int i = 0; i < 3; ++i) {
        client.write("GET /known HTTP/1.1\r\nHost: localhost\r\n\r\n");
        EXPECT_THAT(client.read("answer to /known"), HasSubstr("200 OK")) << i;
    }
    EXPECT_EQ(client.read(), "") << "closed after the third";
}

TEST_F(ControlServerTest, refuses_what_is_ambiguous_and_closes) {
    const struct {
        std::string request;
        std::string status;
    } cases[] = {
        {"GET /known HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "501"},
        {"GET /known HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\nGET /known "
         "HTTP/1.1\r\nHost: localhost\r\n\r\n",
         "501"},
        {"GET /known HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
         "501"},
        {"POST /known HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", "413"},
        {"POST /known HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
        {"GET /known HTTP/1.1\r\n\r\n", "400"},
        {"GET /known HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "400"},
        {"GET /known HTTP/1.1\r\nHost: attacker.example\r\n\r\n", "403"},
        {"GET http://localhost/known HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
        {"GET /known HTTP/1.1\r\nHost : localhost\r\n\r\n", "400"},
        {"GET /known HTTP/9.9\r\nHost: localhost\r\n\r\n", "400"},
        {"no request at all\r\n\r\n", "400"},
        {std::string("GET /known\0 HTTP/1.1\r\nHost: localhost\r\n\r\n", 42), "400"},
    };
    for (const auto& [request, status] : cases) {
        const std::string text = answer(request);
        EXPECT_THAT(text, StartsWith("HTTP/1.1 " + status)) << request;
        EXPECT_THAT(text, HasSubstr("Connection: close")) << request;
        EXPECT_EQ(text.find("HTTP/1.1", 1), std::string::npos)
            << "what follows a refused request is no second request: " << request;
    }
}

TEST_F(ControlServerTest, refuses_a_header_that_is_too_long) {
    const std::string text = answer(
        "GET /known HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
    EXPECT_THAT(text, StartsWith("HTTP/1.1 431"));
}

TEST_F(ControlServerTest, ends_a_client_that_sends_its_header_drop_by_drop) {
    const Client client(server_->port());
    const auto begin = std::chrono::steady_clock::now();
    bool is_open = true;
    std::string request = "GET /known HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    for (std::size_t i = 0; i < 300 && is_open; ++i) {
        is_open = client.try_write(i < request.size() ? request.substr(i, 1) : "1");
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_FALSE(is_open) << "closed in spite of steady drops";
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(ControlServerTest, ends_a_client_that_says_nothing) {
    const Client client(server_->port());
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(client.read(), "");
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(ControlServerTest, has_room_for_so_many_connections_and_recovers) {
    std::vector<std::unique_ptr<Client>> mute;
    for (int i = 0; i < 20; ++i) {
        mute.push_back(std::make_unique<Client>(server_->port()));
        EXPECT_TRUE(mute.back()->is_connected());
    }
    EXPECT_EQ(mute.back()->read(), "") << "over the limit: closed at once";
    for (const auto& client : mute) {
        EXPECT_EQ(client->read(), "");
    }
    EXPECT_THAT(answer("GET /known HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 200"));
}

TEST(ControlServer, says_why_it_cannot_listen) {
    ControlServer::Config config;
    config.address = "not an address";
    const auto wrong = ControlServer::start(config, route);
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error(), HasSubstr("an address of this machine"));
    config.address = "127.0.0.1";
    const auto first = ControlServer::start(config, route);
    ASSERT_TRUE(first);
    config.port = (*first)->port();
    const auto second = ControlServer::start(config, route);
    ASSERT_FALSE(second) << "the port is taken";
}

}  // namespace
}  // namespace tamis::daemon
