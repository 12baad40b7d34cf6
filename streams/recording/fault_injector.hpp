// Does to the fragments of a replay what the plan says, tells every fault, and says what the books
// of a node must then read. Fragments go in by offer() in the order of the recording and come out
// by next() when their time has come; each source's come out in an order that depends on the plan
// alone as long as no time passes between them. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "streams/fragment.hpp"
#include "streams/recording/fault_plan.hpp"

namespace tamis::streams {

struct InjectedFault {
    Fault fault = Fault::none;
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    std::uint32_t source = 0;
    std::uint64_t sequence = 0;
};

struct SourceFaults {
    std::uint64_t offered = 0;
    std::uint64_t sent = 0;                           // messages, copies too
    std::array<std::uint64_t, kFaultCount> faults{};  // by Fault
    std::uint64_t out_of_order = 0;    // sent after a higher sequence number, for the first time
    std::uint64_t first_sequence = 0;  // lowest and highest that were sent whole
    std::uint64_t last_sequence = 0;
    std::uint64_t lost = 0;  // numbers between them that were never sent whole
};

// What a node's books must read, if the window lies between delay and late.
struct ExpectedBooks {
    std::uint64_t received = 0;
    std::uint64_t used = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t late = 0;
    std::uint64_t bad_checksum = 0;
    std::uint64_t opened = 0;      // events
    std::uint64_t incomplete = 0;  // of them
};

class FaultInjector {
 public:
    using Told = std::function<void(const InjectedFault&)>;
    FaultInjector(const FaultOptions& options, Told told);

    // One serialised wire.Fragment that is due now. What is none goes out as it is.
    void offer(std::span<const std::byte> message, std::uint64_t now_ns);
    // The input is over: what waits for later fragments of its source waits no longer.
    void release_reordered(std::uint64_t now_ns);

    struct Outgoing {
        std::uint32_t source = 0;
        std::span<const std::byte> message;  // valid until the next call
    };
    [[nodiscard]] std::optional<Outgoing> next(std::uint64_t now_ns);
    // When the next one is due; nothing when none is held.
    [[nodiscard]] std::optional<std::uint64_t> next_due_ns() const;

    // Valid when everything has gone out.
    [[nodiscard]] std::map<std::uint32_t, SourceFaults> sources() const;
    [[nodiscard]] ExpectedBooks expected() const;

 private:
    enum class Content : std::uint8_t { whole, damaged, foreign };
    struct Held {
        std::uint64_t due_ns = 0;
        std::uint64_t order = 0;  // among equal times
        std::uint32_t source = 0;
        std::uint64_t sequence = 0;
        Content content = Content::whole;
        std::string bytes;

        friend bool operator>(const Held& left, const Held& right) {
            return std::pair(left.due_ns, left.order) > std::pair(right.due_ns, right.order);
        }
    };
    struct Reordered {
        std::uint64_t after = 0;  // fragments of the source that still go first
        Held held;
    };
    struct Source {
        SourceFaults counts;
        std::vector<Reordered> reordered;
        std::vector<std::uint64_t> unsent;  // numbers that are never sent whole
    };
    // One event, as the plan leaves it.
    struct EventPlan {
        std::uint32_t in_time = 0;
        std::uint32_t late = 0;
        std::uint32_t missing = 0;  // never whole
    };

    void hold(Held held, std::uint64_t due_ns);
    void pass_reordered(Source& source, std::uint64_t now_ns);
    [[nodiscard]] std::string corrupted(const Fragment& fragment, std::uint64_t choice,
                                        std::span<const std::byte> message) const;

    FaultOptions options_;
    Told told_;
    FragmentDecoder decoder_;
    std::priority_queue<Held, std::vector<Held>, std::greater<>> queue_;
    std::uint64_t order_ = 0;
    Held outgoing_;
    std::map<std::uint32_t, Source> sources_;
    std::map<std::pair<std::uint32_t, std::uint64_t>, EventPlan> events_;
    std::uint64_t damaged_sent_ = 0;
};

}  // namespace tamis::streams
