// A node report in the text format of Prometheus (exposition format 0.0.4). Every metric carries a
// sentence that says what it counts. Cold path.
#pragma once

#include <string>

#include "daemon/node_report.hpp"

namespace tamis::daemon {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string metrics_text(const NodeReport& report);

}  // namespace tamis::daemon
