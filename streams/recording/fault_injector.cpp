#include "streams/recording/fault_injector.hpp"

#include <algorithm>

namespace tamis::streams {
namespace {

std::string copy_of(std::span<const std::byte> message) {
    return {reinterpret_cast<const char*>(message.data()), message.size()};
}

}  // namespace

FaultInjector::FaultInjector(const FaultOptions& options, Told told)
    : options_(options), told_(std::move(told)) {}

// The flipped bit is one of the payload or of the checksum itself, so that nothing but the checksum
// can tell; a fragment that carries none gets one.
std::string FaultInjector::corrupted(const Fragment& fragment, std::uint64_t choice,
                                     std::span<const std::byte> message) const {
    constexpr std::uint64_t kChecksumBits = 32;
    const std::uint64_t bit = choice % (fragment.payload.size() * 8 + kChecksumBits);
    if (bit >= kChecksumBits && fragment.crc32c) {
        std::string bytes = copy_of(message);
        const auto payload_at = static_cast<std::size_t>(fragment.payload.data() - message.data());
        bytes[payload_at + (bit - kChecksumBits) / 8] ^= static_cast<char>(1U << bit % 8);
        return bytes;
    }
    Fragment wrong = fragment;
    wrong.crc32c = fragment_checksum(fragment) ^ 1U << bit % kChecksumBits;
    std::string bytes;
    encode_fragment(wrong, Checksum::as_given, bytes);
    return bytes;
}

void FaultInjector::hold(Held held, std::uint64_t due_ns) {
    held.due_ns = due_ns;
    held.order = order_++;
    queue_.push(std::move(held));
}

void FaultInjector::offer(std::span<const std::byte> message, std::uint64_t now_ns) {
    const auto fragment = decoder_.decode(message);
    if (!fragment) {
        hold({.content = Content::foreign, .bytes = copy_of(message)}, now_ns);
        return;
    }
    Source& source = sources_[fragment->source];
    EventPlan& event = events_[{fragment->run, fragment->event}];
    const PlannedFault plan = plan_fault(options_, *fragment);
    ++source.counts.offered;
    ++source.counts.faults[static_cast<std::size_t>(plan.fault)];
    if (plan.fault != Fault::none) {
        told_({plan.fault, fragment->run, fragment->event, fragment->source, fragment->sequence});
    }
    Held held{
        .source = fragment->source, .sequence = fragment->sequence, .bytes = copy_of(message)};
    std::optional<Reordered> reordered;
    switch (plan.fault) {
        case Fault::silence:
        case Fault::loss:
            ++event.missing;
            source.unsent.push_back(fragment->sequence);
            return;
        case Fault::corrupt:
            ++event.missing;
            source.unsent.push_back(fragment->sequence);
            held.content = Content::damaged;
            held.bytes = corrupted(*fragment, plan.choice, message);
            hold(std::move(held), now_ns);
            break;
        case Fault::late:
            ++event.late;
            hold(std::move(held), now_ns + options_.late_ns);
            return;
        case Fault::delay:
            ++event.in_time;
            hold(std::move(held), now_ns + options_.delay_ns);
            return;
        case Fault::reorder:
            ++event.in_time;
            reordered = Reordered{.after = plan.after, .held = std::move(held)};
            break;
        case Fault::duplicate:
            ++event.in_time;
            hold(held, now_ns);
            hold(std::move(held), now_ns);
            break;
        case Fault::none:
            ++event.in_time;
            hold(std::move(held), now_ns);
            break;
    }
    if (reordered) {
        source.reordered.push_back(*std::move(reordered));
    } else {
        pass_reordered(source, now_ns);
    }
}

// A fragment of the source has gone out at its place.
void FaultInjector::pass_reordered(Source& source, std::uint64_t now_ns) {
    for (Reordered& waiting : source.reordered) {
        if (--waiting.after == 0) {
            hold(std::move(waiting.held), now_ns);
        }
    }
    std::erase_if(source.reordered, [](const Reordered& waiting) { return waiting.after == 0; });
}

void FaultInjector::release_reordered(std::uint64_t now_ns) {
    for (auto& [id, source] : sources_) {
        for (Reordered& waiting : source.reordered) {
            hold(std::move(waiting.held), now_ns);
        }
        source.reordered.clear();
    }
}

std::optional<FaultInjector::Outgoing> FaultInjector::next(std::uint64_t now_ns) {
    if (queue_.empty() || queue_.top().due_ns > now_ns) {
        return std::nullopt;
    }
    outgoing_ = queue_.top();
    queue_.pop();
    SourceFaults& counts = sources_[outgoing_.source].counts;
    ++counts.sent;
    if (outgoing_.content == Content::whole && outgoing_.sequence != 0) {
        const std::uint64_t first = counts.first_sequence;
        counts.out_of_order += outgoing_.sequence < counts.last_sequence ? 1 : 0;
        counts.first_sequence = std::min(first == 0 ? UINT64_MAX : first, outgoing_.sequence);
        counts.last_sequence = std::max(counts.last_sequence, outgoing_.sequence);
    }
    damaged_sent_ += outgoing_.content == Content::damaged ? 1 : 0;
    return Outgoing{.source = outgoing_.source,
                    .message = std::as_bytes(std::span(outgoing_.bytes))};
}

std::optional<std::uint64_t> FaultInjector::next_due_ns() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.top().due_ns);
}

std::map<std::uint32_t, SourceFaults> FaultInjector::sources() const {
    std::map<std::uint32_t, SourceFaults> result;
    for (const auto& [id, source] : sources_) {
        SourceFaults counts = source.counts;
        counts.lost = static_cast<std::uint64_t>(
            std::ranges::count_if(source.unsent, [&](std::uint64_t sequence) {
                return sequence > counts.first_sequence && sequence < counts.last_sequence;
            }));
        result.emplace(id, counts);
    }
    return result;
}

ExpectedBooks FaultInjector::expected() const {
    ExpectedBooks books;
    books.bad_checksum = damaged_sent_;
    for (const auto& [id, source] : sources_) {
        books.received += source.counts.sent;
        books.duplicates += source.counts.faults[static_cast<std::size_t>(Fault::duplicate)];
    }
    for (const auto& [key, event] : events_) {
        // What comes late opens an event of which nothing else came.
        const bool is_late_only = event.in_time == 0;
        books.used += is_late_only ? event.late : event.in_time;
        books.late += is_late_only ? 0 : event.late;
        const bool is_opened = event.in_time + event.late > 0;
        const bool is_whole = event.missing == 0 && (is_late_only || event.late == 0);
        books.opened += is_opened ? 1 : 0;
        books.incomplete += is_opened && !is_whole ? 1 : 0;
    }
    return books;
}

}  // namespace tamis::streams
