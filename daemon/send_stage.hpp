// Takes decided events from the workers, serialises those that were selected, gives them to every
// output that wants one of their streams, shows each to the observer, and returns it to the
// receiver: when every output holds it durably, as far as the output can say. An output that is
// full and whose policy is `block` stops this stage: then events stay with the workers, the pool
// runs out, and the input is read no more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/deployment.hpp"
#include "daemon/decision_observer.hpp"
#include "daemon/doorbell.hpp"
#include "daemon/joined_descriptor.hpp"
#include "daemon/stage.hpp"
#include "daemon/ticket.hpp"
#include "streams/event_output.hpp"
#include "streams/event_pool.hpp"
#include "streams/published_snapshot.hpp"

namespace tamis::daemon {

class IndexRing;

// One output and the events it is to get.
struct OutputRoute {
    std::string name;
    streams::EventOutput* output = nullptr;
    streams::StreamMask streams = 0;  // wanted
    config::FullPolicy full = config::FullPolicy::block;
    // Events of no other stream are dropped where the output is full, whatever `full` says.
    streams::StreamMask droppable = 0;
};

struct OutputCounters {
    std::uint64_t delivered = 0;  // events this output took
    std::uint64_t delivered_bytes = 0;
    std::uint64_t dropped_full = 0;
    std::uint64_t dropped_failed = 0;
    std::uint64_t dropped_draining = 0;
    std::uint64_t blocked = 0;  // sends that found it full and waited
};

class SendStage final : public Stage {
 public:
    struct Parts {
        const streams::DecisionContext& context;
        const streams::EventPool& pool;
        std::span<Ticket> tickets;        // by slot of the pool
        std::vector<IndexRing*> decided;  // one of each worker
        Doorbell& bell;
        IndexRing& sent;
        IndexRing& returned;
        Doorbell& receiver_bell;
        std::vector<OutputRoute> outputs;  // at most 64
        DecisionObserver* observer = nullptr;
    };

    explicit SendStage(Parts parts);

    std::size_t poll(std::uint64_t now_ns) noexcept override;
    [[nodiscard]] WaitPoint wait_point() const noexcept override;
    void on_wake(Wake wake) noexcept override;

    // Any thread: from this time on nothing waits for a blocked output.
    void give_up_at(std::uint64_t now_ns) noexcept;
    // Any thread.
    [[nodiscard]] OutputCounters counters(std::size_t output) const noexcept {
        return published_[output].read();
    }
    [[nodiscard]] const std::vector<OutputRoute>& outputs() const noexcept {
        return parts_.outputs;
    }

 private:
    std::size_t poll_outputs(std::uint64_t now_ns) noexcept;
    std::size_t take_next() noexcept;
    void begin(streams::EventIndex index) noexcept;
    void offer(std::uint64_t now_ns) noexcept;
    void settle(std::size_t output, streams::SendResult result, std::uint64_t now_ns) noexcept;
    [[nodiscard]] bool may_drop(std::size_t output) const noexcept;
    void finish() noexcept;
    void await_confirmation() noexcept;
    std::size_t take_confirmed(std::uint64_t now_ns) noexcept;
    [[nodiscard]] bool awaits(streams::EventIndex index, std::size_t output) const noexcept;
    [[nodiscard]] bool is_confirmed(streams::EventIndex index) const noexcept;
    [[nodiscard]] bool must_look() const noexcept;
    void end(streams::EventIndex index) noexcept;

    Parts parts_;
    std::atomic<std::uint64_t> give_up_at_ns_ = UINT64_MAX;

    std::vector<streams::EventIndex> taken_;  // popped, not yet begun
    std::size_t taken_count_ = 0;
    std::size_t taken_next_ = 0;
    std::size_t next_worker_ = 0;

    bool is_sending_ = false;  // `current_` waits for the outputs in `waiting_`
    streams::EventIndex current_ = 0;
    std::uint64_t waiting_ = 0;  // bit i: output i has not taken it
    std::string selected_;       // current_, serialised

    // Sent, not yet confirmed, in the order of sending: a ring of the pool's size.
    std::vector<streams::EventIndex> unconfirmed_;
    std::size_t unconfirmed_first_ = 0;
    std::size_t unconfirmed_count_ = 0;
    std::uint64_t looked_ns_ = 0;          // at the outputs
    bool is_called_ = true;                // an output has something to say
    bool has_sent_ = false;                // since then
    std::vector<std::uint64_t> taken_by_;  // by output: events it has taken
    // By event and output: it is durable when so many are; 0: this output did not take it.
    std::vector<std::uint64_t> confirmed_at_;

    std::vector<int> descriptors_;  // by output
    JoinedDescriptor descriptor_;

    std::vector<OutputCounters> counters_;
    std::vector<streams::PublishedSnapshot<OutputCounters>> published_;
};

}  // namespace tamis::daemon
