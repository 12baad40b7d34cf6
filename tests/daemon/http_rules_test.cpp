#include "daemon/http_rules.hpp"

#include <gtest/gtest.h>

namespace tamis::daemon {
namespace {

namespace http = boost::beast::http;

HttpRequest good_request() {
    HttpRequest request(http::verb::get, "/metrics", 11);
    request.set(http::field::host, "127.0.0.1:8080");
    return request;
}

unsigned status_of(const HttpRequest& request) { return refuse(request, "10.0.0.7").status; }

TEST(HttpRules, answer_a_plain_request) {
    EXPECT_EQ(status_of(good_request()), 0U);
    for (const char* host : {"localhost", "localhost:80", "[::1]:80", "10.0.0.7:1"}) {
        HttpRequest request = good_request();
        request.set(http::field::host, host);
        EXPECT_EQ(status_of(request), 0U) << host;
    }
}

TEST(HttpRules, refuse_every_transfer_encoding) {
    for (const char* coding : {"chunked", "xchunked", "chunked, identity", "identity", ""}) {
        HttpRequest request = good_request();
        request.insert(http::field::transfer_encoding, coding);
        EXPECT_EQ(status_of(request), 501U) << coding;
    }
}

TEST(HttpRules, refuse_a_body_however_its_length_is_written) {
    for (const char* length : {"1", "00", "0, 0", "+0", "-1", "18446744073709551616"}) {
        HttpRequest request = good_request();
        request.insert(http::field::content_length, length);
        EXPECT_EQ(status_of(request), 413U) << length;
    }
    HttpRequest request = good_request();
    request.insert(http::field::content_length, "0");
    EXPECT_EQ(status_of(request), 0U);
    request.insert(http::field::content_length, "5");
    EXPECT_EQ(status_of(request), 413U) << "the second one counts too";
}

TEST(HttpRules, refuse_methods_that_could_change_something) {
    for (const http::verb verb : {http::verb::post, http::verb::put, http::verb::delete_,
                                  http::verb::options, http::verb::connect, http::verb::trace}) {
        HttpRequest request = good_request();
        request.method(verb);
        EXPECT_EQ(status_of(request), 405U);
    }
    HttpRequest request = good_request();
    request.method_string("get");
    EXPECT_EQ(status_of(request), 405U);
    request.method(http::verb::head);
    EXPECT_EQ(status_of(request), 0U);
}

TEST(HttpRules, need_exactly_one_host_and_one_of_this_machine) {
    HttpRequest request = good_request();
    request.erase(http::field::host);
    EXPECT_EQ(status_of(request), 400U);
    request = good_request();
    request.insert(http::field::host, "127.0.0.1");
    EXPECT_EQ(status_of(request), 400U);
    for (const char* host : {"attacker.example", "127.0.0.1.attacker.example", "localhost.x", "",
                             "[::1", "[::2]:80"}) {
        request = good_request();
        request.set(http::field::host, host);
        EXPECT_EQ(status_of(request), 403U) << host;
    }
}

TEST(HttpRules, refuse_pages_of_other_sites) {
    HttpRequest request = good_request();
    request.set(http::field::origin, "http://attacker.example");
    EXPECT_EQ(status_of(request), 403U);
    request = good_request();
    request.set("Sec-Fetch-Site", "cross-site");
    EXPECT_EQ(status_of(request), 403U);
}

TEST(HttpRules, need_a_path_for_a_target) {
    for (const char* target : {"http://127.0.0.1/metrics", "*", "metrics", "127.0.0.1:80"}) {
        HttpRequest request = good_request();
        request.target(target);
        EXPECT_EQ(status_of(request), 400U) << target;
    }
}

TEST(HttpRules, take_the_query_from_the_path) {
    HttpRequest request = good_request();
    request.target("/metrics?name=x");
    EXPECT_EQ(path_of(request), "/metrics");
}

}  // namespace
}  // namespace tamis::daemon
