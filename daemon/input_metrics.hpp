// Metrics of what comes in: how each source behaves, and what its links have seen. Cold path.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "daemon/node_report.hpp"

namespace tamis::daemon {

[[nodiscard]] std::vector<prometheus::MetricFamily> input_metrics(const NodeReport& report);

}  // namespace tamis::daemon
