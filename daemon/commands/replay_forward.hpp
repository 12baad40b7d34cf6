// tamis replay --connect: the fragments of a recording to a running node, each source over its own
// connection, with injected faults where they are asked for.
#pragma once

#include <cstdint>

#include "daemon/commands/command.hpp"
#include "daemon/commands/fault_log.hpp"
#include "daemon/commands/fragment_sender.hpp"
#include "streams/recording/recording_input.hpp"

namespace tamis::daemon {

struct ForwardCommand {
    streams::RecordingInputOptions input;
    std::uint64_t passes = 1;
    SenderOptions to;
    FaultCommand faults;
};

[[nodiscard]] ExitStatus forward_recording(ForwardCommand command);

}  // namespace tamis::daemon
