// All that a node tells about itself at one moment: the source of the metrics, the status page and
// the run summary, so that the three can never disagree. Plain data, cold path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/deployment.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/run_control.hpp"
#include "daemon/stage_thread.hpp"
#include "daemon/trigger_menu.hpp"
#include "streams/admission.hpp"
#include "streams/reliable/link_receiver.hpp"

namespace tamis::daemon {

struct ThreadReport {
    std::string name;
    CycleCounters cycles;
};

struct NodeReport {
    const config::Deployment* deployment = nullptr;
    const TriggerMenu* menu = nullptr;
    RunState state = RunState::configured;
    RunCondition condition = RunCondition::not_ended;
    std::int64_t started_unix_ns = 0;                        // wall clock, for people
    std::int64_t stopped_unix_ns = 0;                        // 0: runs
    std::vector<std::string> input_endpoints;                // with the ports that the system chose
    std::vector<streams::LinkReceiverCounters> input_links;  // by endpoint; none on best effort
    std::vector<streams::LinkAdmissions> admissions;         // of bound endpoints with keys
    std::vector<std::uint64_t> cut_connections;              // by endpoint
    std::vector<std::string> output_endpoints;               // by output; of a recording its file
    std::uint16_t monitoring_port = 0;                       // 0: no monitoring
    Pipeline::Snapshot pipeline;
    std::vector<ThreadReport> threads;
};

}  // namespace tamis::daemon
