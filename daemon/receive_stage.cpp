#include "daemon/receive_stage.hpp"

#include <array>

#include "daemon/index_ring.hpp"

namespace tamis::daemon {
namespace {

using Interval = Accounting::Interval;

constexpr std::size_t kReturnsPerPop = 64;
constexpr std::uint64_t kNsPerUs = 1000;
// Long enough to cost nothing, short against every window and every interval of publication.
constexpr std::uint64_t kInputWaitNs = 5'000'000;
// An input without a descriptor cannot wake anybody.
constexpr std::uint64_t kBlindWaitNs = 50'000;

// Takes what the builder takes, until an event is closed.
class UntilWhole final : public streams::MessageSink {
 public:
    explicit UntilWhole(streams::EventBuilder& builder) : builder_(builder) {}
    [[nodiscard]] bool is_ready() const noexcept override {
        return builder_.closed_count() == 0 && builder_.is_ready();
    }
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t arrival_ns) noexcept override {
        return builder_.on_message(message, arrival_ns);
    }
    bool on_taken_back(streams::Hold hold) noexcept override {
        return builder_.on_taken_back(hold);
    }
    void on_refused(std::uint64_t arrival_ns) noexcept override { builder_.on_refused(arrival_ns); }

 private:
    streams::EventBuilder& builder_;
};

}  // namespace

ReceiveStage::ReceiveStage(const Config& config, const Parts& parts)
    : config_(config), parts_(parts), snapshots_(parts.accounting.running()) {
    entered_.reserve(parts_.pool.slot_count());
    Expects(!parts_.workers.empty() && parts_.tickets.size() == parts_.pool.slot_count());
}

std::size_t ReceiveStage::poll(std::uint64_t now_ns) noexcept {
    if (is_finished()) {
        return 0;
    }
    parts_.accounting.spend(now_ns, interval_);
    const std::size_t booked = book_returned();
    std::size_t work = read_input(now_ns);
    work += parts_.builder.poll(parts_.input.heard_until(now_ns));
    work += hand_out();

    const bool has_room = reading_ && this->has_room();
    interval_ = !has_room ? Interval::dead : work + booked > 0 ? Interval::busy : Interval::live;
    const bool is_over = !reading_ && parts_.pool.free_count() == parts_.pool.slot_count();
    if (is_over || now_ns >= published_ns_ + config_.publish_interval_ns) {
        publish(now_ns);
    }
    if (is_over) {
        parts_.input.flush(now_ns);
        finished_.store(true, std::memory_order_release);
    }
    return work;
}

std::size_t ReceiveStage::book_returned() noexcept {
    std::array<streams::EventIndex, kReturnsPerPop> indices;
    std::size_t count = 0;
    do {
        count = parts_.returned.pop(indices.data(), indices.size());
        settle_sent();  // what was sent before it ended: its index must not come up later
        for (std::size_t i = 0; i < count; ++i) {
            entered_.push_back(indices[i]);
        }
    } while (count == indices.size());
    return end_entered();
}

// False: the ledger takes nothing now.
bool ReceiveStage::enter(streams::EventIndex index) noexcept {
    const Ticket& ticket = parts_.tickets[index];
    const streams::Decision& decision = ticket.decision;
    if (parts_.ledger == nullptr || ticket.delivery == Delivery::dropped_draining) {
        return true;
    }
    using streams::VerdictDelivery;
    const VerdictDelivery delivery =
        ticket.delivery == Delivery::not_selected ? VerdictDelivery::not_selected
        : ticket.delivery == Delivery::delivered  ? VerdictDelivery::delivered
                                                  : VerdictDelivery::dropped;
    return parts_.ledger->add({.run = decision.run,
                               .event = decision.event,
                               .outcome = decision.outcome,
                               .delivery = delivery,
                               .streams = static_cast<std::uint16_t>(decision.streams),
                               .latency_us = decision.latency_ns / kNsPerUs});
}

// An event's senders hear of its end when the ledger holds it, and not before.
std::size_t ReceiveStage::end_entered() noexcept {
    while (added_ < entered_.size() && enter(entered_[added_])) {
        ++added_;
    }
    if (parts_.ledger != nullptr && !parts_.ledger->flush()) {
        return 0;
    }
    const std::size_t ended = added_;
    for (std::size_t i = 0; i < ended; ++i) {
        const streams::EventIndex index = entered_[i];
        const Ticket& ticket = parts_.tickets[index];
        parts_.accounting.book(ticket.decision, ticket.delivery);
        // An event that could not be delivered before the end of the drain is its sender's yet.
        if (ticket.delivery != Delivery::dropped_draining) {
            parts_.input.settle(index, streams::LinkLevel::durable);
        }
        parts_.builder.release(index);
    }
    entered_.erase(entered_.begin(), entered_.begin() + static_cast<std::ptrdiff_t>(ended));
    added_ = 0;
    return ended;
}

void ReceiveStage::settle_sent() noexcept {
    std::array<streams::EventIndex, kReturnsPerPop> indices;
    std::size_t count = 0;
    do {
        count = parts_.sent.pop(indices.data(), indices.size());
        for (std::size_t i = 0; i < count; ++i) {
            parts_.input.settle(indices[i], streams::LinkLevel::decided);
        }
    } while (count == indices.size());
}

std::size_t ReceiveStage::read_input(std::uint64_t now_ns) noexcept {
    if (!reading_) {
        return parts_.input.poll(parts_.builder, now_ns, 0);
    }
    if (stop_requested_.load(std::memory_order_acquire)) {
        reading_ = false;
        parts_.input.stop();
        return parts_.builder.abandon_all();
    }
    if (is_drained_) {
        // What comes after a look that found nothing ends the sleep: no second look before it.
        is_drained_ = false;
        parts_.input.poll(parts_.builder, now_ns, 0);
        return parts_.input.is_drained() ? 0 : 1;
    }
    const std::size_t messages = read_messages(now_ns);
    is_behind_ = messages > 0 && !parts_.input.is_drained();
    is_drained_ = messages > 0 && !is_behind_;
    if (messages == 0 && parts_.input.is_exhausted()) {
        reading_ = false;
        return parts_.builder.close_all();
    }
    return messages;
}

// Who has fallen behind reads as much as there is, for large batches. Who has not hands on the
// first whole event before it looks for more: that look costs two system calls.
std::size_t ReceiveStage::read_messages(std::uint64_t now_ns) noexcept {
    UntilWhole first_event(parts_.builder);
    streams::MessageSink& all = parts_.builder;
    return parts_.input.poll(is_behind_ ? all : first_event, now_ns, config_.messages_per_poll);
}

std::size_t ReceiveStage::hand_out() noexcept {
    std::size_t handed = 0;
    while (const auto index = parts_.builder.next_closed()) {
        const WorkerInbox& worker = least_loaded();
        worker.ring->push(*index);
        worker.bell->ring();
        ++handed;
    }
    return handed;
}

// Which worker decides an event changes nothing about the decision.
const WorkerInbox& ReceiveStage::least_loaded() noexcept {
    std::size_t best = next_worker_;
    for (std::size_t step = 1; step < parts_.workers.size(); ++step) {
        const std::size_t other = (next_worker_ + step) % parts_.workers.size();
        if (parts_.workers[other].ring->free_room() > parts_.workers[best].ring->free_room()) {
            best = other;
        }
    }
    next_worker_ = (best + 1) % parts_.workers.size();
    return parts_.workers[best];
}

bool ReceiveStage::has_room() const noexcept {
    return parts_.builder.is_ready() && parts_.pool.free_count() > 0;
}

WaitPoint ReceiveStage::wait_point() const noexcept {
    if (interval_ == Interval::dead) {
        return {.bell = &parts_.bell, .limit_ns = kInputWaitNs};
    }
    // Returned events are not urgent while there is room and no sender waits to hear of them: no
    // bell, so that booking them wakes nobody.
    const int descriptor = parts_.input.wait_descriptor();
    return {.bell = parts_.input.wants_settling() ? &parts_.bell : nullptr,
            .input_descriptor = descriptor,
            .limit_ns = descriptor >= 0 ? kInputWaitNs : kBlindWaitNs};
}

void ReceiveStage::on_wake(Wake wake) noexcept {
    is_drained_ = !wake.by_input && parts_.input.is_drained();
}

void ReceiveStage::stop_reading() noexcept {
    stop_requested_.store(true, std::memory_order_release);
    parts_.bell.ring();
}

void ReceiveStage::publish(std::uint64_t now_ns) noexcept {
    published_ns_ = now_ns;
    RunSnapshot& running = parts_.accounting.running();
    running.run = parts_.builder.run().value_or(0);
    running.taken_ns = now_ns;
    running.books.fragments = parts_.builder.fragments();
    running.books.builder = parts_.builder.events();
    const auto outcome = [&](streams::Outcome of) -> std::uint64_t& {
        return running.books.outcomes[static_cast<std::size_t>(of)];
    };
    outcome(streams::Outcome::shed) = running.books.builder.shed;
    outcome(streams::Outcome::abandoned) = running.books.builder.abandoned;
    running.books.in_flight = parts_.pool.slot_count() - parts_.pool.free_count();
    for (std::size_t i = 0; i < running.sources.size(); ++i) {
        running.sources[i] = parts_.builder.source(static_cast<streams::SourceIndex>(i));
    }
    parts_.accounting.copy_to(snapshots_.draft());
    snapshots_.publish();
}

}  // namespace tamis::daemon
