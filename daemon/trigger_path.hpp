// One path of the menu, compiled: names have become indices, bits and numbers. Immutable; shared
// by all workers. The functions here are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/menu.hpp"
#include "daemon/prescale.hpp"
#include "models/event_inputs.hpp"
#include "streams/decision.hpp"

namespace tamis::daemon {

struct SeedCondition {
    models::QuantityId quantity{};
    config::Comparison comparison = config::Comparison::at_least;
    double value = 0;
};

// As config::Seed: all conditions of one alternative; one alternative is enough; none: always.
using Seed = std::vector<std::vector<SeedCondition>>;

struct ModelCut {
    std::size_t model = 0;                     // index in the menu's models
    std::optional<std::size_t> working_point;  // of the model's manifest; or
    float threshold = 0;                       // passes when score > threshold
};

struct TriggerPath {
    std::string name;
    config::PathKind kind = config::PathKind::select;
    Seed seed;
    std::optional<ModelCut> cut;
    Prescale prescale{"", 1};
    streams::StreamMask streams = 0;
    bool takes_incomplete = false;
    std::string veto_reason;  // what a veto writes into the decisions of events it stops
};

struct SeedVerdict {
    bool passed = false;
    // A payload that the seed asked for is broken: the event belongs to the debug stream.
    std::optional<streams::PayloadFault> broken_payload;
};

// A condition on a payload that the event does not carry fails; nothing else about it is wrong.
[[nodiscard]] SeedVerdict evaluate_seed(const Seed& seed, models::EventInputs& inputs) noexcept;

[[nodiscard]] bool holds(config::Comparison comparison, double left, double right) noexcept;

}  // namespace tamis::daemon
