#include "daemon/commands/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <utility>

namespace tamis::daemon {

void say(const std::string& line) { fmt::print(stderr, "{}\n", line); }

Progress::Progress(std::string what, std::string unit, std::uint64_t total)
    : what_(std::move(what)),
      unit_(std::move(unit)),
      total_(total),
      on_terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { finish(); }

void Progress::update(std::uint64_t done) {
    done_ = done;
    if (!on_terminal_) {
        return;
    }
    const auto now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) {
        return;
    }
    last_ = now;
    drawn_ = true;
    draw(done, now);
}

void Progress::draw(std::uint64_t done, Clock::time_point now) const {
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    std::string line = fmt::format("{}: {}", what_, done);
    if (total_ > 0) {
        const double share = 100.0 * static_cast<double>(done) / static_cast<double>(total_);
        line += fmt::format(" of {} {} ({:.0f} %)", total_, unit_, share);
        if (rate > 0 && done <= total_) {
            line += fmt::format(", {:.0f} s left", static_cast<double>(total_ - done) / rate);
        }
    } else {
        line += " " + unit_;
    }
    fmt::print(stderr, "\r\x1b[K{}, {:.0f} {}/s", line, rate, unit_);
    std::fflush(stderr);
}

void Progress::finish() {
    if (drawn_) {
        fmt::print(stderr, "\r\x1b[K");
        std::fflush(stderr);
        drawn_ = false;
    }
}

}  // namespace tamis::daemon
