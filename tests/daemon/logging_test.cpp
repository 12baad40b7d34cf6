#include "daemon/logging.hpp"

#include <gtest/gtest.h>

namespace tamis::daemon {
namespace {

TEST(FormatLine, leaves_plain_values_and_quotes_the_others) {
    EXPECT_EQ(format_line("running", {{"input", "tcp://127.0.0.1:5555"}, {"events", "12"}}),
              "running input=tcp://127.0.0.1:5555 events=12");
    EXPECT_EQ(format_line("x", {{"a", "two words"}, {"b", ""}}), "x a=\"two words\" b=\"\"");
}

// What comes from outside cannot forge a line or a field.
TEST(FormatLine, escapes_what_would_end_the_line_or_the_value) {
    EXPECT_EQ(format_line("x", {{"a", "one\n2026 info fake=1\"\\\x1b"}}),
              "x a=\"one\\n2026 info fake=1\\\"\\\\\\x1b\"");
}

TEST(LogLimiter, admits_so_many_of_a_name_and_tells_how_many_it_left_out) {
    LogLimiter limiter(2, 1000);
    EXPECT_EQ(limiter.admit("a", 0), 0U);
    EXPECT_EQ(limiter.admit("a", 1), 0U);
    EXPECT_FALSE(limiter.admit("a", 2));
    EXPECT_FALSE(limiter.admit("a", 999));
    EXPECT_EQ(limiter.admit("b", 999), 0U) << "another name has its own count";
    EXPECT_EQ(limiter.admit("a", 1000), 2U);
    EXPECT_EQ(limiter.admit("a", 1001), 0U);
}

}  // namespace
}  // namespace tamis::daemon
