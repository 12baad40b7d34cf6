#include "streams/endpoint.hpp"

#include <gtest/gtest.h>

#include "streams/socket_options.hpp"

namespace tamis::streams {
namespace {

Endpoint parsed(std::string_view text, Attachment attachment = Attachment::bind) {
    const auto endpoint = parse_endpoint(text, attachment);
    EXPECT_TRUE(endpoint) << (endpoint ? "" : endpoint.error());
    return endpoint.value_or(Endpoint{});
}

std::string mistake(std::string_view text, Attachment attachment = Attachment::bind) {
    const auto endpoint = parse_endpoint(text, attachment);
    return endpoint ? "accepted: " + std::string(text) : endpoint.error();
}

TEST(Endpoint, reads_each_transport) {
    const Endpoint tcp = parsed("tcp://192.168.1.20:5600");
    EXPECT_EQ(tcp.transport, Transport::tcp);
    EXPECT_EQ(tcp.host, "192.168.1.20");
    EXPECT_EQ(tcp.port, 5600);
    EXPECT_EQ(parsed("tcp://[fe80::1]:1").host, "fe80::1");
    EXPECT_EQ(parsed("tcp://node-1.hlt.example:65535").port, 65535);
    EXPECT_EQ(parsed("tcp://*:*").port, 0);
    EXPECT_EQ(parsed("tcp://127.0.0.1:0").port, 0);
    EXPECT_EQ(parsed("ipc:///run/tamis/in").transport, Transport::ipc);
    EXPECT_EQ(parsed("inproc://stage").transport, Transport::inproc);
}

TEST(Endpoint, knows_what_stays_on_this_machine) {
    for (const char* local : {"tcp://127.0.0.1:1", "tcp://127.8.9.10:1", "tcp://[::1]:1",
                              "tcp://localhost:1", "ipc:///tmp/x", "inproc://x"}) {
        EXPECT_TRUE(parsed(local).is_local()) << local;
    }
    for (const char* remote :
         {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1",
          "tcp://127.example.org:1", "tcp://127.0.0.1.example:1", "tcp://eth0:1"}) {
        EXPECT_FALSE(parsed(remote).is_local()) << remote;
    }
}

TEST(Endpoint, says_what_is_wrong_and_what_would_be_right) {
    using testing::HasSubstr;
    EXPECT_THAT(mistake("127.0.0.1:5600"), HasSubstr("no transport"));
    EXPECT_THAT(mistake("tpc://127.0.0.1:5600"), HasSubstr("\"tpc\" is not supported"));
    EXPECT_THAT(mistake("udp://127.0.0.1:5600"), HasSubstr("write tcp://HOST:PORT"));
    EXPECT_THAT(mistake("tcp://127.0.0.1"), HasSubstr("no port"));
    EXPECT_THAT(mistake("tcp://:5600"), HasSubstr("no port"));
    EXPECT_THAT(mistake("tcp://"), HasSubstr("no address"));
    EXPECT_THAT(mistake("tcp://127.0.0.1:65536"), HasSubstr("1 to 65535"));
    EXPECT_THAT(mistake("tcp://127.0.0.1:56o0"), HasSubstr("1 to 65535"));
    EXPECT_THAT(mistake("tcp://a;b:5600"), HasSubstr("no name and no address"));
    EXPECT_THAT(mistake("tcp://[fe80::xyz]:5600"), HasSubstr("IPv6"));
    EXPECT_THAT(mistake("tcp://127.0.0.1: 5600"), HasSubstr("space"));
    EXPECT_THAT(mistake("tcp://127.0.0.1:*", Attachment::connect), HasSubstr("not connect"));
    EXPECT_THAT(mistake("tcp://*:5600", Attachment::connect), HasSubstr("not connect"));
    EXPECT_THAT(mistake("ipc://" + std::string(108, 'x')), HasSubstr("107 bytes"));
}

TEST(SocketOptions, refuse_an_endpoint_outside_this_machine_unless_told_that_it_is_insecure) {
    SocketOptions options;
    const Endpoint endpoint = parsed("tcp://0.0.0.0:5600");
    const auto refused = check_socket_options(options, endpoint);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), testing::HasSubstr("insecure: true"));
    options.insecure = true;
    EXPECT_TRUE(check_socket_options(options, endpoint));
    options.insecure = false;
    options.security = CurveServer{};
    EXPECT_TRUE(check_socket_options(options, endpoint));
}

TEST(SocketOptions, refuse_values_that_would_switch_a_protection_off) {
    const Endpoint endpoint = parsed("inproc://x");
    EXPECT_TRUE(check_socket_options({}, endpoint));
    for (const auto change : {+[](SocketOptions& o) { o.max_message_bytes = -1; },
                              +[](SocketOptions& o) { o.unread_bytes = 1000; },
                              +[](SocketOptions& o) { o.receive_high_water_mark = 0; },
                              +[](SocketOptions& o) { o.linger_ms = -1; },
                              +[](SocketOptions& o) { o.handshake_ms = 30'000; },
                              +[](SocketOptions& o) { o.heartbeat_interval_ms = -1; },
                              +[](SocketOptions& o) { o.heartbeat_interval_ms = 200; },
                              +[](SocketOptions& o) { o.backlog = 0; }}) {
        SocketOptions options;
        change(options);
        EXPECT_FALSE(check_socket_options(options, endpoint));
    }
}

}  // namespace
}  // namespace tamis::streams
