// One line on a terminal that says how far a long command is: done, share, rate, time left. Silent
// when standard error is no terminal. Written to standard error, so that results can be piped.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tamis::daemon {

// A line on standard error.
void say(const std::string& line);

class Progress {
 public:
    // unit: what is counted ("events"). total 0: unknown.
    Progress(std::string what, std::string unit, std::uint64_t total);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Redraws at most ten times a second.
    void update(std::uint64_t done);
    void finish();

 private:
    using Clock = std::chrono::steady_clock;

    void draw(std::uint64_t done, Clock::time_point now) const;

    std::string what_;
    std::string unit_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    bool on_terminal_;
    bool drawn_ = false;
    Clock::time_point start_;
    Clock::time_point last_;
};

}  // namespace tamis::daemon
