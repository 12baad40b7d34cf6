// The way of an event (design 1), written once: the daemon runs it on live links, the replay on a
// recording, the rate study without an output, the benchmark with a clock around it. Owns the pool,
// the builder and the stages; threads are lent by pipeline_threads, or the caller turns the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "daemon/accounting.hpp"
#include "daemon/decision_observer.hpp"
#include "daemon/doorbell.hpp"
#include "daemon/receive_stage.hpp"
#include "daemon/send_stage.hpp"
#include "daemon/steady_time.hpp"
#include "daemon/trigger_menu.hpp"
#include "daemon/worker_stage.hpp"
#include "streams/event_builder.hpp"
#include "streams/event_pool.hpp"
#include "streams/event_table.hpp"
#include "streams/fragment_input.hpp"
#include "streams/ledger/verdict_ledger.hpp"

namespace tamis::daemon {

class Pipeline {
 public:
    struct Config {
        streams::EventPool::Config pool;
        streams::EventBuilder::Config builder;  // as many sources as the pool
        streams::PayloadLimits payloads;
        std::size_t workers = 1;
        std::size_t batch = 32;  // events scored together at most
    };
    // All must outlive the pipeline.
    struct Ports {
        const TriggerMenu& menu;
        streams::FragmentInput& input;
        std::vector<OutputRoute> outputs;
        DecisionObserver* observer = nullptr;
        streams::VerdictLedger* ledger = nullptr;
        // Ended by an earlier process: what comes of them is late.
        std::span<const streams::EventKey> ended = {};
    };

    Pipeline(const Config& config, Ports ports);
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    // The whole loop once, in the caller's thread; returns the work done. Not while threads run it.
    std::size_t turn(Clock clock = steady_clock_ns) noexcept;
    // Turns until the input is over and every event has come back.
    void run_to_end(Clock clock = steady_clock_ns) noexcept;

    // Any thread: reads no more; open events count as abandoned; what has queued is finished, but
    // from give_up_at_ns on nothing waits for a blocked output.
    void drain(std::uint64_t give_up_at_ns) noexcept;
    // Any thread.
    [[nodiscard]] bool is_finished() const noexcept { return receive_->is_finished(); }

    struct Snapshot {
        RunSnapshot run;
        std::vector<OutputCounters> outputs;
        std::vector<WorkerCounters> workers;
    };
    // Any thread, cold: as of at most 50 ms ago while it runs; exact when it has finished.
    [[nodiscard]] Snapshot snapshot() const;
    [[nodiscard]] const std::vector<OutputRoute>& outputs() const noexcept {
        return send_->outputs();
    }

    // For who lends threads: receive, each worker, send.
    [[nodiscard]] std::vector<Stage*> stages() noexcept;
    // What the one thread of the whole loop waits for.
    [[nodiscard]] WaitPoint wait_point() const noexcept;
    void on_wake(Wake wake) noexcept;

 private:
    struct Worker;

    streams::EventPool pool_;
    streams::EventBuilder builder_;
    std::vector<Ticket> tickets_;
    Accounting accounting_;
    Doorbell receive_bell_;
    Doorbell send_bell_;
    std::unique_ptr<IndexRing> sent_;
    std::unique_ptr<IndexRing> returned_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::unique_ptr<ReceiveStage> receive_;
    std::unique_ptr<SendStage> send_;
    mutable std::mutex reader_;  // of snapshots: cold
};

}  // namespace tamis::daemon
