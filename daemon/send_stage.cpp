#include "daemon/send_stage.hpp"

#include <algorithm>
#include <gsl/assert>

#include "daemon/index_ring.hpp"
#include "streams/selected_event.hpp"

namespace tamis::daemon {
namespace {

using config::FullPolicy;
using streams::SendResult;

constexpr std::size_t kEventsPerPoll = 64;
// Outputs that say nothing are looked at so often: while it sends, the library may take notice of
// what comes in its own way, and the descriptor then stays silent.
constexpr std::uint64_t kLookAgainNs = 1'000'000;
constexpr std::uint64_t kOutputWaitNs = 5'000'000;  // outputs are polled so often
constexpr std::uint64_t kBlockedWaitNs = 200'000;   // one that cannot wake anybody, so often

std::vector<int> descriptors_of(const std::vector<OutputRoute>& outputs) {
    std::vector<int> descriptors;
    descriptors.reserve(outputs.size());
    for (const OutputRoute& route : outputs) {
        descriptors.push_back(route.output->wait_descriptor());
    }
    return descriptors;
}

}  // namespace

SendStage::SendStage(Parts parts)
    : parts_(std::move(parts)),
      taken_(kEventsPerPoll),
      unconfirmed_(parts_.pool.slot_count()),
      taken_by_(parts_.outputs.size()),
      confirmed_at_(parts_.pool.slot_count() * parts_.outputs.size()),
      descriptors_(descriptors_of(parts_.outputs)),
      descriptor_(descriptors_),
      counters_(parts_.outputs.size()),
      published_(parts_.outputs.size()) {
    Expects(parts_.outputs.size() <= 64 && !parts_.decided.empty());
}

std::size_t SendStage::poll(std::uint64_t now_ns) noexcept {
    std::size_t finished = 0;
    for (std::size_t events = 0; events < kEventsPerPoll; ++events) {
        if (!is_sending_) {
            if (taken_next_ == taken_count_ && take_next() == 0) {
                break;
            }
            begin(taken_[taken_next_++]);
        }
        offer(now_ns);
        if (waiting_ != 0) {
            break;  // blocked: later events wait behind this one
        }
        finish();
        ++finished;
    }
    // Looking for what is safe costs two system calls for each link.
    std::size_t work = 0;
    has_sent_ = has_sent_ || finished > 0;
    if (is_called_ || must_look() || now_ns >= looked_ns_ + kLookAgainNs) {
        is_called_ = false;
        has_sent_ = false;
        looked_ns_ = now_ns;
        work = poll_outputs(now_ns);
    }
    finished += take_confirmed(now_ns);
    if (finished > 0) {
        parts_.receiver_bell.ring();  // it listens only when it has no room
    }
    return work + finished;
}

std::size_t SendStage::poll_outputs(std::uint64_t now_ns) noexcept {
    std::size_t work = 0;
    for (const OutputRoute& route : parts_.outputs) {
        work += route.output->poll(now_ns);
    }
    return work;
}

// The workers' rings in turn.
std::size_t SendStage::take_next() noexcept {
    taken_next_ = 0;
    taken_count_ = 0;
    for (std::size_t tries = 0; tries < parts_.decided.size() && taken_count_ == 0; ++tries) {
        taken_count_ = parts_.decided[next_worker_]->pop(taken_.data(), taken_.size());
        next_worker_ = (next_worker_ + 1) % parts_.decided.size();
    }
    return taken_count_;
}

void SendStage::begin(streams::EventIndex index) noexcept {
    is_sending_ = true;
    current_ = index;
    waiting_ = 0;
    Ticket& ticket = parts_.tickets[index];
    if (ticket.decision.streams == 0) {
        ticket.delivery = Delivery::not_selected;
        return;
    }
    for (std::size_t i = 0; i < parts_.outputs.size(); ++i) {
        if ((parts_.outputs[i].streams & ticket.decision.streams) != 0) {
            waiting_ |= std::uint64_t{1} << i;
        }
    }
    std::fill_n(confirmed_at_.begin() + static_cast<std::ptrdiff_t>(index * parts_.outputs.size()),
                parts_.outputs.size(), 0);
    ticket.delivery = waiting_ == 0 ? Delivery::dropped_no_output : Delivery::delivered;
    if (waiting_ != 0) {
        streams::encode_selected_event(parts_.pool[index], ticket.decision, parts_.context,
                                       selected_);
    }
}

void SendStage::offer(std::uint64_t now_ns) noexcept {
    if (waiting_ == 0) {
        return;
    }
    const auto bytes = std::as_bytes(std::span(selected_));
    const streams::StreamMask streams = parts_.tickets[current_].decision.streams;
    for (std::size_t i = 0; i < parts_.outputs.size(); ++i) {
        if ((waiting_ >> i & 1U) != 0) {
            const OutputRoute& route = parts_.outputs[i];
            settle(i, route.output->send(bytes, streams & route.streams, now_ns), now_ns);
        }
    }
}

void SendStage::settle(std::size_t output, SendResult result, std::uint64_t now_ns) noexcept {
    OutputCounters& counters = counters_[output];
    Delivery loss = Delivery::delivered;
    if (result == SendResult::delivered) {
        ++counters.delivered;
        confirmed_at_[current_ * parts_.outputs.size() + output] = ++taken_by_[output];
        counters.delivered_bytes += selected_.size();
    } else if (result == SendResult::failed) {
        ++counters.dropped_failed;
        loss = Delivery::dropped_failed;
    } else if (may_drop(output)) {
        ++counters.dropped_full;
        loss = Delivery::dropped_full;
    } else if (now_ns >= give_up_at_ns_.load(std::memory_order_relaxed)) {
        ++counters.dropped_draining;
        loss = Delivery::dropped_draining;
    } else {
        ++counters.blocked;
        published_[output].publish(counters);
        return;
    }
    published_[output].publish(counters);
    waiting_ &= ~(std::uint64_t{1} << output);
    Delivery& delivery = parts_.tickets[current_].delivery;
    if (loss != Delivery::delivered && (delivery == Delivery::delivered || loss < delivery)) {
        delivery = loss;
    }
}

bool SendStage::may_drop(std::size_t output) const noexcept {
    const OutputRoute& route = parts_.outputs[output];
    const streams::StreamMask streams = parts_.tickets[current_].decision.streams & route.streams;
    return route.full == FullPolicy::drop || (streams & ~route.droppable) == 0;
}

void SendStage::finish() noexcept {
    is_sending_ = false;
    const Ticket& ticket = parts_.tickets[current_];
    const bool was_sent = ticket.delivery != Delivery::not_selected;
    if (was_sent && (unconfirmed_count_ > 0 || !is_confirmed(current_))) {
        await_confirmation();
    } else {
        end(current_);
    }
}

void SendStage::await_confirmation() noexcept {
    unconfirmed_[(unconfirmed_first_ + unconfirmed_count_) % unconfirmed_.size()] = current_;
    ++unconfirmed_count_;
    parts_.sent.push(current_);
}

bool SendStage::awaits(streams::EventIndex index, std::size_t output) const noexcept {
    const std::uint64_t at = confirmed_at_[index * parts_.outputs.size() + output];
    return at != 0 && parts_.outputs[output].output->durable_count() < at;
}

bool SendStage::is_confirmed(streams::EventIndex index) const noexcept {
    for (std::size_t i = 0; i < parts_.outputs.size(); ++i) {
        if (awaits(index, i)) {
            return false;
        }
    }
    return true;
}

// The oldest event waits for an output that cannot wake anybody.
bool SendStage::must_look() const noexcept {
    if (is_sending_) {
        return true;
    }
    for (std::size_t i = 0; i < parts_.outputs.size() && unconfirmed_count_ > 0; ++i) {
        if (descriptors_[i] < 0 && awaits(unconfirmed_[unconfirmed_first_], i)) {
            return true;
        }
    }
    return false;
}

std::size_t SendStage::take_confirmed(std::uint64_t now_ns) noexcept {
    const bool gives_up = now_ns >= give_up_at_ns_.load(std::memory_order_relaxed);
    std::size_t confirmed = 0;
    for (; unconfirmed_count_ > 0; --unconfirmed_count_, ++confirmed) {
        const streams::EventIndex index = unconfirmed_[unconfirmed_first_];
        if (!is_confirmed(index)) {
            if (!gives_up) {
                break;
            }
            parts_.tickets[index].delivery = Delivery::dropped_draining;
        }
        unconfirmed_first_ = (unconfirmed_first_ + 1) % unconfirmed_.size();
        end(index);
    }
    return confirmed;
}

void SendStage::end(streams::EventIndex index) noexcept {
    const Ticket& ticket = parts_.tickets[index];
    if (parts_.observer != nullptr) {
        parts_.observer->on_decision(parts_.pool[index], ticket.decision, ticket.delivery);
    }
    parts_.returned.push(index);
}

WaitPoint SendStage::wait_point() const noexcept {
    return {.bell = &parts_.bell,
            .output_descriptor = descriptor_.get(),
            .limit_ns = must_look() ? kBlockedWaitNs
                        : has_sent_ ? kLookAgainNs
                                    : kOutputWaitNs};
}

void SendStage::on_wake(Wake wake) noexcept { is_called_ = is_called_ || wake.by_output; }

void SendStage::give_up_at(std::uint64_t now_ns) noexcept {
    give_up_at_ns_.store(now_ns, std::memory_order_relaxed);
    parts_.bell.ring();
}

}  // namespace tamis::daemon
