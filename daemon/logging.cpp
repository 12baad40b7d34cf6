#include "daemon/logging.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>

#include "daemon/steady_time.hpp"

namespace tamis::daemon {
namespace {

constexpr std::uint32_t kLinesPerPeriod = 10;
constexpr std::uint64_t kPeriodNs = 10'000'000'000;

spdlog::logger& logger() {
    static const auto instance = [] {
        auto made = spdlog::stderr_logger_mt("tamis");
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *instance;
}

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

bool is_plain(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-_.,:/+*%@#[]").find(c) != std::string_view::npos;
}

void append_value(std::string& line, std::string_view value) {
    if (!value.empty() && std::all_of(value.begin(), value.end(), is_plain)) {
        line.append(value);
        return;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    line.push_back('"');
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line.push_back('\\');
            line.push_back(c);
        } else if (c == '\n') {
            line.append("\\n");
        } else if (byte < 0x20 || byte == 0x7f) {
            line.append("\\x").push_back(kHex[byte >> 4]);
            line.push_back(kHex[byte & 15U]);
        } else {
            line.push_back(c);
        }
    }
    line.push_back('"');
}

}  // namespace

void set_log_level(std::string_view level) {
    logger().set_level(level == "debug"     ? spdlog::level::debug
                       : level == "warning" ? spdlog::level::warn
                       : level == "error"   ? spdlog::level::err
                                            : spdlog::level::info);
}

std::string format_line(std::string_view name, std::initializer_list<LogField> fields) {
    std::string line(name);
    for (const LogField& field : fields) {
        line.append(1, ' ').append(field.key).append(1, '=');
        append_value(line, field.value);
    }
    return line;
}

void log(LogLevel level, std::string_view name, std::initializer_list<LogField> fields,
         std::string_view kind) {
    static LogLimiter limiter(kLinesPerPeriod, kPeriodNs);
    if (!logger().should_log(level_of(level))) {
        return;
    }
    const auto left_out =
        limiter.admit(std::string(name).append(1, ' ').append(kind), steady_clock_ns());
    if (!left_out) {
        return;
    }
    std::string line = format_line(name, fields);
    if (*left_out > 0) {
        line.append(" left_out=").append(std::to_string(*left_out));
    }
    logger().log(level_of(level), "{}", line);
}

LogLimiter::LogLimiter(std::uint32_t lines, std::uint64_t period_ns)
    : lines_(lines), period_ns_(period_ns) {}

std::optional<std::uint64_t> LogLimiter::admit(std::string_view name, std::uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    auto found = periods_.find(name);
    if (found == periods_.end()) {
        found = periods_.emplace(std::string(name), Period{.begin_ns = now_ns}).first;
    }
    Period& period = found->second;
    if (now_ns - period.begin_ns >= period_ns_) {
        period.begin_ns = now_ns;
        period.lines = 0;
    }
    if (period.lines == lines_) {
        ++period.left_out;
        return std::nullopt;
    }
    ++period.lines;
    return std::exchange(period.left_out, 0);
}

}  // namespace tamis::daemon
