// A node report as JSON: the status page while a run lasts, the run summary at its end. The keys
// are a contract with programs that read it: add, never rename.
#pragma once

#include <string>

#include "daemon/node_report.hpp"

namespace tamis::daemon {

// Indented, ended by a newline. Hashes are 16 hexadecimal digits, times ISO 8601 in UTC.
[[nodiscard]] std::string summary_text(const NodeReport& report);

// {"metrics_port": ..., "endpoints": [...], "outputs": [...]}: what a program that started the node
// needs to know to talk to it.
[[nodiscard]] std::string ready_text(const NodeReport& report);

}  // namespace tamis::daemon
