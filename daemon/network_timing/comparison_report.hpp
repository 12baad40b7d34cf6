// Comparisons as JSON and as the table a person reads. Ratios are a peer's time over the first
// one's: above 1 the first one is faster.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/network_timing/network_comparison.hpp"
#include "daemon/network_timing/network_load.hpp"
#include "daemon/network_timing/worker_scaling.hpp"

namespace tamis::daemon {

struct NetworkReport {
    NetworkComparison comparison;
    std::vector<LoadTime> loads;  // empty: not measured
    std::size_t scaling_batch = 0;
    WorkerScaling scaling;  // 0: not measured
};

// The time the multiply-adds alone would take at the measured peak.
[[nodiscard]] double floor_us(const NetworkComparison& comparison,
                              const ComparisonRow& row) noexcept;
[[nodiscard]] nlohmann::ordered_json to_json(const NetworkReport& report);
// Times, floor, percent of peak, ratios: lines of text.
[[nodiscard]] std::string to_text(const NetworkReport& report);
// Processor, cores, compiler, version.
[[nodiscard]] nlohmann::ordered_json machine_facts();
[[nodiscard]] std::string machine_line();

// How the columns are to be read; once, above all tables.
[[nodiscard]] std::string_view legend() noexcept;

}  // namespace tamis::daemon
