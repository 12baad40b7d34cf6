// Times short calls of several contenders in turns, so that a clock that wanders and neighbours
// that disturb meet all of them alike: only ratios of one run mean something. A hot turn is one
// call without the clock and up to twenty with it; a cold call follows a sleep of 50 us and a walk
// through more memory than the second-level cache holds, which is how a trigger meets its next
// event. Times are of the processor's own counter, less what reading it costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::daemon {

struct Contender {
    std::string name;
    std::function<void(std::size_t turn)> renew;  // new inputs; not timed
    std::function<void()> call;
};

enum class CacheState : std::uint8_t { hot, cold };
[[nodiscard]] std::string_view to_string(CacheState caches) noexcept;

struct TimingBudget {
    double seconds = 0.5;            // for all contenders together
    std::size_t fewest_turns = 3;    // also beyond that time
    std::size_t most_turns = 4'000;  // bounds the memory of samples
};

struct CallTimes {
    std::size_t calls = 0;
    double fastest_us = 0;
    double mean_us = 0;
    double p50_us = 0;
    double p99_us = 0;
    double p999_us = 0;  // of fewer than a thousand calls: the slowest
};

// One entry per contender. Pin the thread first (PinnedToLastCore).
[[nodiscard]] std::vector<CallTimes> time_in_turns(std::span<const Contender> contenders,
                                                   CacheState caches, const TimingBudget& budget);

// The cores this process may use, ascending.
[[nodiscard]] std::vector<std::uint32_t> allowed_cores();

// Keeps the calling thread on the last core it may use while this lives, for interrupts and other
// programs like the first.
class PinnedToLastCore {
 public:
    PinnedToLastCore();
    ~PinnedToLastCore();
    PinnedToLastCore(const PinnedToLastCore&) = delete;
    PinnedToLastCore& operator=(const PinnedToLastCore&) = delete;

 private:
    std::vector<std::uint32_t> before_;
};

}  // namespace tamis::daemon
