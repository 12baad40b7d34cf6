// Decides events: takes what has queued, up to a batch, never waits for more, and hands each on
// with its decision. In two steps, so that the time of the decision is read after the decision:
// decide() leaves a batch in hand, hand_on(now) stamps and passes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "daemon/doorbell.hpp"
#include "daemon/menu_decider.hpp"
#include "daemon/stage.hpp"
#include "daemon/ticket.hpp"
#include "streams/event_pool.hpp"
#include "streams/published_snapshot.hpp"

namespace tamis::daemon {

class IndexRing;

struct WorkerCounters {
    std::uint64_t events = 0;
    std::uint64_t batches = 0;  // events / batches: how much queued while the one before was scored
};

class WorkerStage final : public Stage {
 public:
    struct Parts {
        const TriggerMenu& menu;
        const streams::EventPool& pool;
        std::span<Ticket> tickets;  // by slot of the pool
        IndexRing& inbox;
        Doorbell& bell;
        IndexRing& outbox;
        Doorbell& sender_bell;
    };

    // batch: 1 and more, events scored together at most.
    WorkerStage(std::size_t batch, const streams::PayloadLimits& limits, const Parts& parts);

    // Events decided; they stay in hand until hand_on().
    std::size_t decide() noexcept;
    std::size_t hand_on(std::uint64_t now_ns) noexcept;

    // On a thread of its own, one clock read a cycle serves both: the time at which a cycle begins
    // is the time at which the decisions of the one before were made.
    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] WaitPoint wait_point() const noexcept override;

    // Any thread.
    [[nodiscard]] WorkerCounters counters() const noexcept { return published_.read(); }

 private:
    Parts parts_;
    MenuDecider decider_;
    std::vector<streams::EventIndex> in_hand_;
    std::size_t in_hand_count_ = 0;
    std::vector<const streams::Event*> events_;
    std::vector<streams::Decision*> decisions_;
    WorkerCounters counters_;
    streams::PublishedSnapshot<WorkerCounters> published_;
};

}  // namespace tamis::daemon
