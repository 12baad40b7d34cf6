// tamis bench engine: a network of one's own beside the engine's peers.
#pragma once

#include "daemon/commands/command.hpp"

namespace tamis::daemon {

// Adds itself to `tamis bench`.
void add_bench_engine(CLI::App& bench, ExitStatus& status);

}  // namespace tamis::daemon
