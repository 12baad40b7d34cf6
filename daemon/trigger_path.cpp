#include "daemon/trigger_path.hpp"

#include <algorithm>

namespace tamis::daemon {

bool holds(config::Comparison comparison, double left, double right) noexcept {
    switch (comparison) {
        case config::Comparison::above:
            return left > right;
        case config::Comparison::at_least:
            return left >= right;
        case config::Comparison::below:
            return left < right;
        case config::Comparison::at_most:
            return left <= right;
        case config::Comparison::equal:
            return left == right;
    }
    return false;
}

SeedVerdict evaluate_seed(const Seed& seed, models::EventInputs& inputs) noexcept {
    if (seed.empty()) {
        return {.passed = true, .broken_payload = std::nullopt};
    }
    for (const auto& alternative : seed) {
        bool all_hold = true;
        for (const SeedCondition& condition : alternative) {
            const auto quantity = inputs.quantity(condition.quantity);
            if (!quantity && quantity.error() != streams::PayloadFault::absent) {
                return {.passed = false, .broken_payload = quantity.error()};
            }
            all_hold = quantity && holds(condition.comparison, *quantity, condition.value);
            if (!all_hold) {
                break;
            }
        }
        if (all_hold) {
            return {.passed = true, .broken_payload = std::nullopt};
        }
    }
    return {};
}

}  // namespace tamis::daemon
