// Counts of a menu on a sample of events: how often each path accepts, alone and together with
// others. One thread at a time; the sample is what was shown to add().
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/trigger_menu.hpp"
#include "streams/decision.hpp"

namespace tamis::daemon {

class RateStudy {
 public:
    // The menu must outlive the study.
    explicit RateStudy(const TriggerMenu& menu);

    void add(const streams::Decision& decision) noexcept;

    struct PathRate {
        std::uint64_t seeded = 0;          // seed passed
        std::uint64_t accepted = 0;        // after model and prescale
        std::uint64_t unique = 0;          // accepted by no other path
        std::uint64_t prescaled_away = 0;  // would have been accepted
    };

    [[nodiscard]] const TriggerMenu& menu() const noexcept { return *menu_; }
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }      // decided
    [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }  // by any path
    [[nodiscard]] std::uint64_t debug() const noexcept { return debug_; }        // not decidable
    [[nodiscard]] const PathRate& path(std::size_t index) const noexcept { return paths_[index]; }
    [[nodiscard]] std::uint64_t stream(std::size_t index) const noexcept { return streams_[index]; }
    // Events accepted by both; for equal indices those accepted by the path.
    [[nodiscard]] std::uint64_t overlap(std::size_t one, std::size_t other) const noexcept {
        return overlaps_[one * paths_.size() + other];
    }

 private:
    const TriggerMenu* menu_;
    std::uint64_t events_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t debug_ = 0;
    std::vector<PathRate> paths_;
    std::vector<std::uint64_t> streams_;
    std::vector<std::uint64_t> overlaps_;
    std::vector<std::uint32_t> passing_;  // of the event being added
};

}  // namespace tamis::daemon
