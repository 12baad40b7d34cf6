// One number for the decisions of a whole run: equal exactly when every event has the same outcome,
// streams, path verdicts, score bits and threshold bits, in whatever order they were decided (up to
// the odds of a 64-bit hash). How replays are compared without keeping every decision.
#pragma once

#include <cstdint>

#include "streams/decision.hpp"

namespace tamis::daemon {

class DecisionDigest {
 public:
    void add(const streams::Decision& decision) noexcept;
    [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

 private:
    std::uint64_t sum_ = 0;  // of the hashes of single decisions: addition forgets the order
    std::uint64_t events_ = 0;
};

}  // namespace tamis::daemon
