// First and last stage of the event path: reads the input into the event builder, hands closed
// events to the workers, and books every event that comes back: first in the ledger, then its
// senders hear that they may forget it. The only writer of the books.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "daemon/accounting.hpp"
#include "daemon/doorbell.hpp"
#include "daemon/snapshot_exchange.hpp"
#include "daemon/stage.hpp"
#include "daemon/ticket.hpp"
#include "streams/event_builder.hpp"
#include "streams/event_pool.hpp"
#include "streams/fragment_input.hpp"
#include "streams/ledger/verdict_ledger.hpp"

namespace tamis::daemon {

class IndexRing;

// Where one worker takes its events from.
struct WorkerInbox {
    IndexRing* ring = nullptr;
    Doorbell* bell = nullptr;
};

class ReceiveStage final : public Stage {
 public:
    struct Config {
        std::size_t messages_per_poll = 128;
        std::uint64_t publish_interval_ns = 50'000'000;
    };
    struct Parts {
        streams::FragmentInput& input;
        streams::EventBuilder& builder;
        streams::EventPool& pool;
        std::span<Ticket> tickets;  // by slot of the pool
        std::vector<WorkerInbox> workers;
        IndexRing& sent;      // with outputs that have yet to confirm them
        IndexRing& returned;  // at their end
        Doorbell& bell;
        Accounting& accounting;
        streams::VerdictLedger* ledger = nullptr;
    };

    ReceiveStage(const Config& config, const Parts& parts);

    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] WaitPoint wait_point() const noexcept override;
    void on_wake(Wake wake) noexcept override;

    // Any thread: read no more; events that are still open count as abandoned.
    void stop_reading() noexcept;
    // Any thread: the input is over and every event has come back. The last snapshot is published.
    [[nodiscard]] bool is_finished() const noexcept {
        return finished_.load(std::memory_order_acquire);
    }
    // One reading thread at a time: the books as of at most publish_interval_ns ago.
    [[nodiscard]] const RunSnapshot& latest() noexcept { return snapshots_.latest(); }

 private:
    std::size_t book_returned() noexcept;
    void settle_sent() noexcept;
    [[nodiscard]] bool enter(streams::EventIndex index) noexcept;
    std::size_t end_entered() noexcept;
    std::size_t read_input(std::uint64_t now_ns) noexcept;
    std::size_t read_messages(std::uint64_t now_ns) noexcept;
    std::size_t hand_out() noexcept;
    [[nodiscard]] const WorkerInbox& least_loaded() noexcept;
    [[nodiscard]] bool has_room() const noexcept;
    void publish(std::uint64_t now_ns) noexcept;

    Config config_;
    Parts parts_;
    SnapshotExchange<RunSnapshot> snapshots_;
    std::size_t next_worker_ = 0;
    std::vector<streams::EventIndex> entered_;  // in the ledger's block; room for every event
    std::size_t added_ = 0;                     // of them
    bool reading_ = true;
    bool is_drained_ = false;  // the next turn need not look at the input
    bool is_behind_ = false;   // the last look at the input left messages there
    Accounting::Interval interval_ = Accounting::Interval::live;
    std::uint64_t published_ns_ = 0;
    std::atomic<bool> stop_requested_ = false;
    std::atomic<bool> finished_ = false;
};

}  // namespace tamis::daemon
