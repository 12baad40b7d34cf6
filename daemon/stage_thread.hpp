// A named thread, pinned if wished, that polls one stage until it is told to stop, and idles by
// strategy. It times its own cycles: a long one is a stall of everything behind it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "config/deployment.hpp"
#include "daemon/stage.hpp"

namespace tamis::daemon {

// Cycles of one thread; any thread may read them.
struct CycleCounters {
    std::uint64_t cycles = 0;      // that found work
    std::uint64_t busy_ns = 0;     // spent in them
    std::uint64_t longest_ns = 0;  // since the start
};

class StageThread {
 public:
    struct Config {
        std::string name;  // at most 15 characters are shown by the system
        std::optional<std::uint32_t> cpu;
        config::IdleStrategy idle = config::IdleStrategy::park;
        config::Waking waking = config::Waking::give_way;
    };
    // The stage must outlive the thread.
    StageThread(Config config, Stage& stage);
    ~StageThread();  // stops and joins
    StageThread(const StageThread&) = delete;
    StageThread& operator=(const StageThread&) = delete;

    void request_stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] const std::string& name() const noexcept { return config_.name; }
    [[nodiscard]] CycleCounters counters() const noexcept;
    // False: the system refused to pin it (the core does not exist or is not ours).
    [[nodiscard]] bool is_pinned() const noexcept {
        return is_pinned_.load(std::memory_order_relaxed);
    }

 private:
    void run() noexcept;
    std::size_t timed_poll() noexcept;

    Config config_;
    Stage& stage_;
    std::atomic<bool> stop_ = false;
    std::atomic<bool> is_pinned_ = false;
    std::atomic<std::uint64_t> cycles_ = 0;
    std::atomic<std::uint64_t> busy_ns_ = 0;
    std::atomic<std::uint64_t> longest_ns_ = 0;
    std::uint64_t now_ns_ = 0;  // the thread's own
    std::thread thread_;        // last: it starts when everything else is there
};

// The calling thread no longer interrupts what runs on a core when it is woken (SCHED_BATCH). One
// that was given another policy than the normal one, of real time say, keeps it.
void give_way_when_woken() noexcept;
// Names the calling thread; pins it. False when the system refuses the core.
void name_this_thread(const std::string& name) noexcept;
[[nodiscard]] bool pin_this_thread(std::uint32_t cpu) noexcept;

}  // namespace tamis::daemon
