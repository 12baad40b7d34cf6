// The books of a run (design 3.3). One writer, the receiving thread: it opens events and gets every
// one of them back, so what it counts closes at any instant. Other threads read a copy that it
// publishes whole. Nothing is allocated after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/latency_histogram.hpp"
#include "streams/decision.hpp"
#include "streams/fragment_counters.hpp"

namespace tamis::daemon {

// What became of an event after its decision. Of an event with several outputs: the first of the
// losses below that one of them had.
enum class Delivery : std::uint8_t {
    not_selected,       // rejected: it goes nowhere
    delivered,          // every output that wants one of its streams took it
    dropped_full,       // an output was full and its policy is `drop`
    dropped_failed,     // an output said that it will never take it
    dropped_draining,   // an output still blocked when the time to drain was over
    dropped_no_output,  // no output is configured for its streams
};
inline constexpr std::size_t kDeliveryCount = 6;

[[nodiscard]] std::string_view to_string(Delivery delivery) noexcept;

struct Imbalance {
    std::int64_t fragments = 0;   // received minus every class of fragment
    std::int64_t events = 0;      // opened minus outcomes and in flight
    std::int64_t deliveries = 0;  // accepted and debug minus delivered and dropped

    [[nodiscard]] bool is_zero() const noexcept {
        return fragments == 0 && events == 0 && deliveries == 0;
    }
};

struct Books {
    streams::FragmentCounters fragments;
    streams::BuilderEventCounters builder;
    std::array<std::uint64_t, streams::kOutcomeCount> outcomes{};  // by Outcome
    std::array<std::uint64_t, kDeliveryCount> deliveries{};        // by Delivery
    std::uint64_t in_flight = 0;  // slots of the pool that are taken: counted there, not here

    [[nodiscard]] std::uint64_t of(streams::Outcome outcome) const noexcept {
        return outcomes[static_cast<std::size_t>(outcome)];
    }
    [[nodiscard]] std::uint64_t of(Delivery delivery) const noexcept {
        return deliveries[static_cast<std::size_t>(delivery)];
    }
    [[nodiscard]] std::uint64_t debug() const noexcept;
    [[nodiscard]] std::uint64_t dropped() const noexcept;
    [[nodiscard]] Imbalance imbalance() const noexcept;
};

struct PathCounters {
    std::uint64_t seeded = 0;          // events whose seed passed
    std::uint64_t accepted = 0;        // for a veto: events it stopped
    std::uint64_t prescaled_away = 0;  // would have been accepted
    float last_threshold = 0;  // of the last event with a score: thresholds may depend on it
};

struct StreamCounters {
    std::uint64_t events = 0;
};

// Every interval of the receiving thread is one of three; they add up to the run.
struct TimeAccount {
    std::uint64_t live_ns = 0;  // ready, nothing to do
    std::uint64_t busy_ns = 0;  // ready and working
    std::uint64_t dead_ns = 0;  // no room for another event: input waits or is shed

    [[nodiscard]] std::uint64_t total_ns() const noexcept { return live_ns + busy_ns + dead_ns; }
    [[nodiscard]] double fraction(std::uint64_t part_ns) const noexcept;
};

struct RunSnapshot {
    std::uint32_t run = 0;       // 0: no fragment yet
    std::uint64_t taken_ns = 0;  // steady clock
    Books books;
    TimeAccount time;
    std::vector<PathCounters> paths;               // by path of the menu
    std::vector<StreamCounters> streams;           // by stream of the menu
    std::vector<streams::SourceCounters> sources;  // by source of the deployment
    // Last fragment's arrival to decision; without incomplete events, which waited for their
    // window.
    LatencyHistogram decision_latency;
};

// The counting of what comes back. The builder's counters are copied in when a snapshot is taken.
class Accounting {
 public:
    Accounting(std::size_t paths, std::size_t streams, std::size_t sources);

    void book(const streams::Decision& decision, Delivery delivery) noexcept;
    // The interval since the call before; the first call starts the account.
    enum class Interval : std::uint8_t { live, busy, dead };
    void spend(std::uint64_t now_ns, Interval interval) noexcept;

    [[nodiscard]] RunSnapshot& running() noexcept { return running_; }
    // Copies without allocating; `target` was made by the same sizes.
    void copy_to(RunSnapshot& target) const noexcept;

 private:
    RunSnapshot running_;
    std::uint64_t last_ns_ = 0;
};

}  // namespace tamis::daemon
