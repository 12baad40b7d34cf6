// SIGINT and SIGTERM as a flag, for commands that end tidily when they are told to stop.
#pragma once

namespace tamis::daemon {

// From now on the two signals only set the flag. Call once, before threads are started.
void catch_stop_signals();
[[nodiscard]] bool stop_requested() noexcept;

}  // namespace tamis::daemon
