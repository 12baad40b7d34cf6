// A port for those who want to see every decision, rejected events too: replay comparison, rate
// study. Called by the sending stage, after the outputs; what it costs is part of the event path.
#pragma once

#include "daemon/accounting.hpp"
#include "streams/decision.hpp"
#include "streams/event.hpp"

namespace tamis::daemon {

class DecisionObserver {
 public:
    virtual ~DecisionObserver() = default;
    // Both are valid during the call.
    virtual void on_decision(const streams::Event& event, const streams::Decision& decision,
                             Delivery delivery) noexcept = 0;
};

}  // namespace tamis::daemon
