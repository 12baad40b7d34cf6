#include "daemon/worker_stage.hpp"

#include "daemon/index_ring.hpp"

namespace tamis::daemon {
namespace {

constexpr std::uint64_t kBellWaitNs = 50'000'000;  // the bell rings long before

}  // namespace

WorkerStage::WorkerStage(std::size_t batch, const streams::PayloadLimits& limits,
                         const Parts& parts)
    : parts_(parts),
      decider_(parts.menu, batch, limits),
      in_hand_(batch),
      events_(batch),
      decisions_(batch) {}

std::size_t WorkerStage::poll(std::uint64_t now_ns) noexcept { return hand_on(now_ns) + decide(); }

std::size_t WorkerStage::decide() noexcept {
    Expects(in_hand_count_ == 0);
    in_hand_count_ = parts_.inbox.pop(in_hand_.data(), in_hand_.size());
    if (in_hand_count_ == 0) {
        return 0;
    }
    for (std::size_t i = 0; i < in_hand_count_; ++i) {
        events_[i] = &parts_.pool[in_hand_[i]];
        decisions_[i] = &parts_.tickets[in_hand_[i]].decision;
    }
    decider_.decide(std::span(events_).first(in_hand_count_),
                    std::span(decisions_).first(in_hand_count_));
    counters_.events += in_hand_count_;
    ++counters_.batches;
    published_.publish(counters_);
    return in_hand_count_;
}

std::size_t WorkerStage::hand_on(std::uint64_t now_ns) noexcept {
    const std::size_t count = in_hand_count_;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t arrival_ns = events_[i]->last_arrival_ns;
        decisions_[i]->latency_ns = now_ns > arrival_ns ? now_ns - arrival_ns : 0;
        parts_.outbox.push(in_hand_[i]);
    }
    in_hand_count_ = 0;
    if (count > 0) {
        parts_.sender_bell.ring();
    }
    return count;
}

WaitPoint WorkerStage::wait_point() const noexcept {
    return {.bell = &parts_.bell, .limit_ns = kBellWaitNs};
}

}  // namespace tamis::daemon
