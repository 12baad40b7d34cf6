// What the menu and the models may ask of one event, each computed at most once: payloads, the 21
// high-level features, and the named quantities of seeds. One object per place in a worker's batch,
// reused; the worker's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "models/event_features.hpp"
#include "streams/payloads.hpp"

namespace tamis::models {

// A number that a seed may cut on; names are those of quantity_names(): the 21 features, counts and
// leading values of objects, clusters and doublets, and what the event carries (has_...).
enum class QuantityId : std::uint16_t {};

[[nodiscard]] std::span<const std::string_view> quantity_names() noexcept;
[[nodiscard]] std::optional<QuantityId> find_quantity(std::string_view name) noexcept;

class EventInputs {
 public:
    explicit EventInputs(const streams::PayloadLimits& limits = {});

    // `event` must outlive the queries that follow.
    void attach(const streams::Event& event) noexcept;

    [[nodiscard]] const streams::Event& event() const noexcept { return *event_; }
    [[nodiscard]] streams::Payloads& payloads() noexcept { return payloads_; }

    // An event without a lepton has features too: those of the trigger lepton are 0 (LepIsEle tells
    // nothing then).
    [[nodiscard]] tl::expected<const HighLevelFeatures*, streams::PayloadFault>
    high_level_features() noexcept;

    [[nodiscard]] tl::expected<float, streams::PayloadFault> quantity(QuantityId id) noexcept;

 private:
    streams::Payloads payloads_;
    const streams::Event* event_ = nullptr;
    std::optional<tl::expected<HighLevelFeatures, streams::PayloadFault>> features_;
};

}  // namespace tamis::models
