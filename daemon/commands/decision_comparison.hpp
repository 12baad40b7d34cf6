// What a replay decides, beside what was recorded: the digest of all decisions, and which events
// differ and why. The sending thread writes, the command reads afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/commands/feature_collector.hpp"
#include "daemon/decision_digest.hpp"
#include "daemon/decision_observer.hpp"
#include "daemon/trigger_menu.hpp"
#include "streams/recording/decision_difference.hpp"
#include "streams/recording/recorded_decision.hpp"

namespace tamis::daemon {

class DecisionComparison final : public DecisionObserver {
 public:
    struct Difference {
        std::uint32_t run = 0;
        std::uint64_t event = 0;
        streams::DecisionDifference what;
    };

    // recorded: null to compare nothing. show: differences to keep at most. features: null, or gets
    // those of every event.
    DecisionComparison(const TriggerMenu& menu, const streams::RecordedDecisions* recorded,
                       std::size_t show, FeatureCollector* features);

    void on_decision(const streams::Event& event, const streams::Decision& decision,
                     Delivery delivery) noexcept override;

    [[nodiscard]] const DecisionDigest& digest() const noexcept { return digest_; }
    [[nodiscard]] std::uint64_t compared() const noexcept { return compared_; }
    [[nodiscard]] std::uint64_t different() const noexcept { return different_; }
    [[nodiscard]] std::uint64_t different(streams::DifferenceCause cause) const noexcept {
        return causes_[static_cast<std::size_t>(cause)];
    }
    // Events that the recording has no decision of.
    [[nodiscard]] std::uint64_t missing() const noexcept { return missing_; }
    // Events that were decided by another menu, whether the decision differs or not.
    [[nodiscard]] std::uint64_t other_menu() const noexcept { return other_menu_; }
    [[nodiscard]] const std::vector<Difference>& shown() const noexcept { return shown_; }

 private:
    const TriggerMenu& menu_;
    const streams::RecordedDecisions* recorded_;
    std::size_t show_;
    FeatureCollector* features_;
    std::vector<streams::DecidingPath> paths_;
    DecisionDigest digest_;
    std::uint64_t compared_ = 0;
    std::uint64_t different_ = 0;
    std::uint64_t missing_ = 0;
    std::uint64_t other_menu_ = 0;
    std::array<std::uint64_t, streams::kDifferenceCauses> causes_{};
    std::vector<Difference> shown_;
};

}  // namespace tamis::daemon
