#include "daemon/network_timing/call_timer.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "daemon/stage_thread.hpp"
#include "daemon/steady_time.hpp"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace tamis::daemon {

namespace {

constexpr std::size_t kCallsPerTurn = 20;
constexpr double kLongTurnUs = 20'000;  // a turn ends after that, be it with one call
constexpr auto kColdSleep = std::chrono::microseconds(50);

// The processor's counter where there is one that user code may read, else nanoseconds.
std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
    unsigned aux = 0;
    const std::uint64_t now = __rdtscp(&aux);
    _mm_lfence();
    return now;
#else
    return steady_clock_ns();
#endif
}

struct TickScale {
    double us_per_tick = 1e-3;
    std::uint64_t overhead_ticks = 0;  // of a timed call that does nothing
};

TickScale calibrate() {
    const std::uint64_t start_ns = steady_clock_ns();
    const std::uint64_t start = ticks();
    while (steady_clock_ns() - start_ns < 5'000'000) {
    }
    const std::uint64_t spent_ns = steady_clock_ns() - start_ns;
    TickScale scale;
    scale.us_per_tick = static_cast<double>(spent_ns) / 1e3 / static_cast<double>(ticks() - start);
    const std::function<void()> nothing = [] {};
    std::vector<std::uint64_t> empty(1001);
    for (std::uint64_t& spent : empty) {
        const std::uint64_t before = ticks();
        nothing();
        spent = ticks() - before;
    }
    std::nth_element(empty.begin(), empty.begin() + 500, empty.end());
    scale.overhead_ticks = empty[500];
    return scale;
}

// Walks through memory until nothing of before is left in the first two caches.
class CacheFlush {
 public:
    CacheFlush() : memory_(flushed_bytes() / sizeof(std::uint64_t), 1) {}
    void walk() noexcept {
        constexpr std::size_t kLine = 64 / sizeof(std::uint64_t);
        for (std::size_t at = 0; at < memory_.size(); at += kLine) {
            memory_[at] += 1;
        }
    }

 private:
    static std::size_t flushed_bytes() {
        const long second_level = sysconf(_SC_LEVEL2_CACHE_SIZE);
        const std::size_t known = second_level > 0 ? static_cast<std::size_t>(second_level) : 0;
        return std::clamp(4 * known, std::size_t{2} << 20, std::size_t{16} << 20);
    }
    std::vector<std::uint64_t> memory_;
};

std::uint64_t timed(const std::function<void()>& call) {
    const std::uint64_t start = ticks();
    call();
    return ticks() - start;
}

CallTimes summary(std::vector<std::uint64_t>& samples, const TickScale& scale) {
    std::ranges::sort(samples);
    const auto us = [&scale](std::uint64_t spent) {
        return static_cast<double>(spent - std::min(spent, scale.overhead_ticks)) *
               scale.us_per_tick;
    };
    const auto percentile = [&](double fraction) {
        return us(
            samples[static_cast<std::size_t>(fraction * static_cast<double>(samples.size() - 1))]);
    };
    const double mean =
        std::accumulate(samples.begin(), samples.end(), 0.0,
                        [&](double sum, std::uint64_t spent) { return sum + us(spent); });
    return {.calls = samples.size(),
            .fastest_us = us(samples.front()),
            .mean_us = mean / static_cast<double>(samples.size()),
            .p50_us = percentile(0.5),
            .p99_us = percentile(0.99),
            .p999_us = samples.size() < 1000 ? us(samples.back()) : percentile(0.999)};
}

void hot_turn(const Contender& contender, std::size_t turn, const TickScale& scale,
              std::vector<std::uint64_t>& samples) {
    contender.renew(turn);
    contender.call();
    double spent_us = 0;
    for (std::size_t call = 0; call < kCallsPerTurn && spent_us < kLongTurnUs; ++call) {
        samples.push_back(timed(contender.call));
        spent_us += static_cast<double>(samples.back()) * scale.us_per_tick;
    }
}

void cold_turn(const Contender& contender, std::size_t turn, CacheFlush& flush,
               std::vector<std::uint64_t>& samples) {
    contender.renew(turn);
    std::this_thread::sleep_for(kColdSleep);
    flush.walk();
    samples.push_back(timed(contender.call));
}

void set_cores(const std::vector<std::uint32_t>& cores) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const std::uint32_t core : cores) {
        CPU_SET(core, &set);
    }
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace

std::string_view to_string(CacheState caches) noexcept {
    return caches == CacheState::hot ? "hot" : "cold";
}

std::vector<CallTimes> time_in_turns(std::span<const Contender> contenders, CacheState caches,
                                     const TimingBudget& budget) {
    const TickScale scale = calibrate();
    CacheFlush flush;
    std::vector<std::vector<std::uint64_t>> samples(contenders.size());
    for (auto& of_one : samples) {
        of_one.reserve(std::min<std::size_t>(budget.most_turns, 4'000) * kCallsPerTurn);
    }
    const std::uint64_t end_ns =
        steady_clock_ns() + static_cast<std::uint64_t>(budget.seconds * 1e9);
    for (std::size_t turn = 0; turn < budget.most_turns; ++turn) {
        if (turn >= budget.fewest_turns && steady_clock_ns() > end_ns) {
            break;
        }
        for (std::size_t place = 0; place < contenders.size(); ++place) {
            // Nobody always follows the same neighbour's traces in the caches.
            const std::size_t one = (place + turn) % contenders.size();
            if (caches == CacheState::hot) {
                hot_turn(contenders[one], turn, scale, samples[one]);
            } else {
                cold_turn(contenders[one], turn, flush, samples[one]);
            }
        }
    }
    std::vector<CallTimes> times;
    times.reserve(samples.size());
    for (auto& of_one : samples) {
        times.push_back(summary(of_one, scale));
    }
    return times;
}

std::vector<std::uint32_t> allowed_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<std::uint32_t> cores;
    if (pthread_getaffinity_np(pthread_self(), sizeof set, &set) != 0) {
        return cores;
    }
    for (std::uint32_t core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &set)) {
            cores.push_back(core);
        }
    }
    return cores;
}

PinnedToLastCore::PinnedToLastCore() : before_(allowed_cores()) {
    if (!before_.empty()) {
        static_cast<void>(pin_this_thread(before_.back()));
    }
}

PinnedToLastCore::~PinnedToLastCore() {
    if (!before_.empty()) {
        set_cores(before_);
    }
}

}  // namespace tamis::daemon
