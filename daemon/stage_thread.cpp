#include "daemon/stage_thread.hpp"

#include <pthread.h>
#include <sched.h>

#include <utility>

#include "daemon/doorbell.hpp"
#include "daemon/idle_strategy.hpp"
#include "daemon/steady_time.hpp"

namespace tamis::daemon {
namespace {

constexpr std::size_t kSystemNameLength = 15;

// One writer, so no read-modify-write is needed.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

void name_this_thread(const std::string& name) noexcept {
    pthread_setname_np(pthread_self(), name.substr(0, kSystemNameLength).c_str());
}

void give_way_when_woken() noexcept {
    int policy = SCHED_OTHER;
    sched_param priority{};
    if (pthread_getschedparam(pthread_self(), &policy, &priority) == 0 && policy == SCHED_OTHER) {
        pthread_setschedparam(pthread_self(), SCHED_BATCH, &priority);
    }
}

bool pin_this_thread(std::uint32_t cpu) noexcept {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    if (cpu >= CPU_SETSIZE) {
        return false;
    }
    CPU_SET(cpu, &cpus);
    return pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus) == 0;
}

StageThread::StageThread(Config config, Stage& stage)
    : config_(std::move(config)), stage_(stage), thread_([this] { run(); }) {}

StageThread::~StageThread() {
    request_stop();
    thread_.join();
}

CycleCounters StageThread::counters() const noexcept {
    return {.cycles = cycles_.load(std::memory_order_relaxed),
            .busy_ns = busy_ns_.load(std::memory_order_relaxed),
            .longest_ns = longest_ns_.load(std::memory_order_relaxed)};
}

void StageThread::run() noexcept {
    name_this_thread(config_.name);
    if (config_.cpu) {
        is_pinned_.store(pin_this_thread(*config_.cpu), std::memory_order_relaxed);
    }
    if (config_.waking == config::Waking::give_way) {
        give_way_when_woken();
    }
    Idler idler(config_.idle);
    now_ns_ = steady_clock_ns();
    while (!stop_.load(std::memory_order_relaxed)) {
        if (timed_poll() > 0) {
            idler.reset();
            continue;
        }
        if (!idler.wants_sleep(now_ns_)) {
            continue;
        }
        const WaitPoint point = stage_.wait_point();
        if (point.bell == nullptr) {
            stage_.on_wake(Idler::sleep(point));  // nobody rings here, and it has just looked
        } else {
            point.bell->arm();
            // Once more: what came before the bell was armed rang nobody.
            if (timed_poll() == 0) {
                stage_.on_wake(Idler::sleep(point));
            }
            point.bell->disarm();
        }
        idler.reset();
        now_ns_ = steady_clock_ns();
    }
}

// The clock is read once a cycle: the end of one is the beginning of the next.
std::size_t StageThread::timed_poll() noexcept {
    const std::uint64_t begin_ns = now_ns_;
    const std::size_t work = stage_.poll(begin_ns);
    now_ns_ = steady_clock_ns();
    if (work > 0) {
        const std::uint64_t spent_ns = now_ns_ - begin_ns;
        add(cycles_, 1);
        add(busy_ns_, spent_ns);
        if (spent_ns > longest_ns_.load(std::memory_order_relaxed)) {
            longest_ns_.store(spent_ns, std::memory_order_relaxed);
        }
    }
    return work;
}

}  // namespace tamis::daemon
