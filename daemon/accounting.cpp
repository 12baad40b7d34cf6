#include "daemon/accounting.hpp"

#include <numeric>

namespace tamis::daemon {
namespace {

using streams::Outcome;

template <class... Terms>
std::int64_t difference(std::uint64_t left, Terms... right) noexcept {
    return static_cast<std::int64_t>(left) - (static_cast<std::int64_t>(right) + ...);
}

}  // namespace

std::string_view to_string(Delivery delivery) noexcept {
    switch (delivery) {
        case Delivery::not_selected:
            return "not_selected";
        case Delivery::delivered:
            return "delivered";
        case Delivery::dropped_full:
            return "dropped_full";
        case Delivery::dropped_failed:
            return "dropped_failed";
        case Delivery::dropped_draining:
            return "dropped_draining";
        case Delivery::dropped_no_output:
            return "dropped_no_output";
    }
    return "unknown";
}

std::uint64_t Books::debug() const noexcept {
    return of(Outcome::debug_incomplete) + of(Outcome::debug_timeout) +
           of(Outcome::debug_malformed) + of(Outcome::debug_crash);
}

std::uint64_t Books::dropped() const noexcept {
    return of(Delivery::dropped_full) + of(Delivery::dropped_failed) +
           of(Delivery::dropped_draining) + of(Delivery::dropped_no_output);
}

Imbalance Books::imbalance() const noexcept {
    // `unspecified` is no outcome: an event booked so is missing from the right-hand side.
    return {.fragments = fragments.imbalance(),
            .events = difference(builder.opened, of(Outcome::accepted), of(Outcome::rejected),
                                 debug(), of(Outcome::shed), of(Outcome::abandoned), in_flight),
            .deliveries =
                difference(of(Outcome::accepted) + debug(), of(Delivery::delivered), dropped())};
}

double TimeAccount::fraction(std::uint64_t part_ns) const noexcept {
    return total_ns() == 0 ? 0.0 : static_cast<double>(part_ns) / static_cast<double>(total_ns());
}

Accounting::Accounting(std::size_t paths, std::size_t streams, std::size_t sources) {
    running_.paths.resize(paths);
    running_.streams.resize(streams);
    running_.sources.resize(sources);
}

void Accounting::book(const streams::Decision& decision, Delivery delivery) noexcept {
    ++running_.books.outcomes[static_cast<std::size_t>(decision.outcome)];
    ++running_.books.deliveries[static_cast<std::size_t>(delivery)];
    for (const streams::PathResult& result : decision.paths) {
        PathCounters& path = running_.paths[result.path];
        ++path.seeded;
        path.accepted += result.accepted ? 1 : 0;
        path.prescaled_away += result.prescaled_away ? 1 : 0;
        if (result.threshold != 0) {
            path.last_threshold = result.threshold;
        }
    }
    for (std::size_t i = 0; i < running_.streams.size(); ++i) {
        running_.streams[i].events += decision.streams >> i & 1U;
    }
    if (!decision.is_incomplete) {
        running_.decision_latency.record(decision.latency_ns);
    }
}

void Accounting::spend(std::uint64_t now_ns, Interval interval) noexcept {
    const std::uint64_t spent = last_ns_ == 0 || now_ns < last_ns_ ? 0 : now_ns - last_ns_;
    last_ns_ = now_ns;
    switch (interval) {
        case Interval::live:
            running_.time.live_ns += spent;
            break;
        case Interval::busy:
            running_.time.busy_ns += spent;
            break;
        case Interval::dead:
            running_.time.dead_ns += spent;
            break;
    }
}

void Accounting::copy_to(RunSnapshot& target) const noexcept {
    target.run = running_.run;
    target.taken_ns = running_.taken_ns;
    target.books = running_.books;
    target.time = running_.time;
    target.paths = running_.paths;
    target.streams = running_.streams;
    target.sources = running_.sources;
    target.decision_latency.assign(running_.decision_latency);
}

}  // namespace tamis::daemon
