// What travels beside an event through the stages: one ticket for each slot of the pool, reused
// with it. The worker writes the decision, the sender the delivery, the receiver books both.
#pragma once

#include "daemon/accounting.hpp"
#include "streams/decision.hpp"

namespace tamis::daemon {

struct Ticket {
    streams::Decision decision;
    Delivery delivery = Delivery::not_selected;
};

}  // namespace tamis::daemon
