#include "daemon/run_control.hpp"

#include <array>

namespace tamis::daemon {
namespace {

struct Transition {
    RunState from;
    RunTrigger trigger;
    RunState to;
    RunCondition condition;
};

constexpr std::array kTransitions = {
    Transition{RunState::configured, RunTrigger::start, RunState::running, RunCondition::not_ended},
    Transition{RunState::configured, RunTrigger::stop_asked, RunState::stopped,
               RunCondition::complete},
    Transition{RunState::running, RunTrigger::stop_asked, RunState::draining,
               RunCondition::not_ended},
    Transition{RunState::running, RunTrigger::input_ended, RunState::stopped,
               RunCondition::complete},
    Transition{RunState::draining, RunTrigger::drained, RunState::stopped, RunCondition::complete},
    Transition{RunState::draining, RunTrigger::time_over, RunState::stopped,
               RunCondition::incomplete},
};

}  // namespace

bool RunControl::apply(RunTrigger trigger) noexcept {
    for (const Transition& transition : kTransitions) {
        if (transition.from == state_ && transition.trigger == trigger) {
            state_ = transition.to;
            condition_ = transition.condition;
            return true;
        }
    }
    return false;
}

std::string_view to_string(RunState state) noexcept {
    constexpr std::array<std::string_view, 4> kNames = {"configured", "running", "draining",
                                                        "stopped"};
    return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(RunTrigger trigger) noexcept {
    constexpr std::array<std::string_view, 5> kNames = {"start", "stop_asked", "input_ended",
                                                        "drained", "time_over"};
    return kNames[static_cast<std::size_t>(trigger)];
}

std::string_view to_string(RunCondition condition) noexcept {
    constexpr std::array<std::string_view, 3> kNames = {"complete", "incomplete", "not_ended"};
    return kNames[static_cast<std::size_t>(condition)];
}

}  // namespace tamis::daemon
