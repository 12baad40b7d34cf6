// What the operator reads on standard error: one line an event of the node's life, as
// `time level name key=value ...`, spdlog underneath. Cold path only: nothing of the event path
// logs. Lines of the same name and kind are limited; how many were left out is told with the next
// one.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace tamis::daemon {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogField {
    std::string_view key;
    std::string value;
};

// level: "debug", "info", "warning" or "error", as the deployment reader has checked; anything else
// is "info". Before the first call "info" holds.
void set_log_level(std::string_view level);

// name: what happened, in words_with_underscores. kind: one of a few, where many lines of one kind
// must not hide those of another. Any thread.
void log(LogLevel level, std::string_view name, std::initializer_list<LogField> fields = {},
         std::string_view kind = {});

// `name key=value ...`; a value with anything but letters, digits and plain punctuation is quoted,
// its control characters, quotes and backslashes escaped.
[[nodiscard]] std::string format_line(std::string_view name,
                                      std::initializer_list<LogField> fields);

// At most `lines` of one name in each period. Any thread.
class LogLimiter {
 public:
    LogLimiter(std::uint32_t lines, std::uint64_t period_ns);

    // How many lines of that name were left out before this one; nothing when this one is too.
    [[nodiscard]] std::optional<std::uint64_t> admit(std::string_view name, std::uint64_t now_ns);

 private:
    struct Period {
        std::uint64_t begin_ns = 0;
        std::uint32_t lines = 0;
        std::uint64_t left_out = 0;
    };

    std::uint32_t lines_;
    std::uint64_t period_ns_;
    std::mutex mutex_;
    std::map<std::string, Period, std::less<>> periods_;
};

}  // namespace tamis::daemon
