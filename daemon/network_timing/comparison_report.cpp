#include "daemon/network_timing/comparison_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "daemon/build_facts.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kCallsOfThousandth = 1000;

nlohmann::ordered_json times_json(const PeerTimes& peer, const PeerTimes& first, std::size_t rows) {
    return {{"peer", peer.peer},
            {"calls", peer.times.calls},
            {"fastest_us", peer.times.fastest_us},
            {"p50_us", peer.times.p50_us},
            {"p99_us", peer.times.p99_us},
            {"p999_us", peer.times.p999_us},
            {"rows_per_s", 1e6 * static_cast<double>(rows) / peer.times.mean_us},
            {"ratio_fastest", peer.times.fastest_us / first.times.fastest_us},
            {"ratio_p50", peer.times.p50_us / first.times.p50_us},
            {"ratio_p99", peer.times.p99_us / first.times.p99_us}};
}

nlohmann::ordered_json row_json(const NetworkComparison& comparison, const ComparisonRow& row) {
    nlohmann::ordered_json json{
        {"rows", row.rows},
        {"caches", to_string(row.caches)},
        {"fma_peak_gflops", 2 * row.fma_peak / 1e9},
        {"floor_us", floor_us(comparison, row)},
        {"percent_of_peak", 100 * floor_us(comparison, row) / row.peers.front().times.p50_us},
        {"peers", nlohmann::ordered_json::array()}};
    for (const PeerTimes& peer : row.peers) {
        json["peers"].push_back(times_json(peer, row.peers.front(), row.rows));
    }
    return json;
}

std::string tail(const CallTimes& times) {
    return times.calls < kCallsOfThousandth ? "-" : fmt::format("{:.2f}", times.p999_us);
}

std::string row_text(const NetworkComparison& comparison, const ComparisonRow& row) {
    const CallTimes& own = row.peers.front().times;
    const double least = floor_us(comparison, row);
    std::string text = fmt::format(
        "  {:>5} {:<4} {:>10.2f} {:>10.2f} {:>10} {:>12.0f} {:>9.2f} {:>6.1f}", row.rows,
        to_string(row.caches), own.p50_us, own.p99_us, tail(own),
        1e6 * static_cast<double>(row.rows) / own.mean_us, least, 100 * least / own.p50_us);
    for (std::size_t one = 1; one < row.peers.size(); ++one) {
        const CallTimes& peer = row.peers[one].times;
        text += fmt::format(" | {:>10.2f} {:>6.2f} {:>6.2f} {:>6.2f}", peer.p50_us,
                            peer.p50_us / own.p50_us, peer.p99_us / own.p99_us,
                            peer.fastest_us / own.fastest_us);
    }
    return text + "\n";
}

std::string header_text(const ComparisonRow& row) {
    std::string above = fmt::format("  {:>10}  {:<62}", "", row.peers.front().peer);
    std::string text =
        fmt::format("  {:>5} {:<4} {:>10} {:>10} {:>10} {:>12} {:>9} {:>6}", "rows", "", "p50 us",
                    "p99 us", "p99.9 us", "rows/s", "floor us", "% peak");
    for (std::size_t one = 1; one < row.peers.size(); ++one) {
        above += fmt::format(" | {:<31}", row.peers[one].peer);
        text += fmt::format(" | {:>10} {:>6} {:>6} {:>6}", "p50 us", "x p50", "x p99", "x best");
    }
    while (above.ends_with(' ')) {
        above.pop_back();
    }
    return above + "\n" + text + "\n";
}

std::string loads_text(const std::vector<LoadTime>& loads) {
    std::string text = "  file to first score:";
    for (const LoadTime& load : loads) {
        text += load.median_ms > 0
                    ? fmt::format(" {} {:.2f} ms ({:.2f} x);", load.peer, load.median_ms,
                                  load.median_ms / loads.front().median_ms)
                    : fmt::format(" {} refused;", load.peer);
    }
    text.back() = '\n';
    return text;
}

}  // namespace

double floor_us(const NetworkComparison& comparison, const ComparisonRow& row) noexcept {
    return static_cast<double>(comparison.multiply_adds * row.rows) / row.fma_peak * 1e6;
}

nlohmann::ordered_json to_json(const NetworkReport& report) {
    const NetworkComparison& comparison = report.comparison;
    nlohmann::ordered_json json{{"network", comparison.name},
                                {"multiply_adds", comparison.multiply_adds},
                                {"digest", fmt::format("{:016x}", comparison.digest)},
                                {"largest_difference", comparison.difference},
                                {"disagreements", comparison.disagreements},
                                {"notes", comparison.notes},
                                {"rows", nlohmann::ordered_json::array()}};
    for (const ComparisonRow& row : comparison.rows) {
        json["rows"].push_back(row_json(comparison, row));
    }
    for (const LoadTime& load : report.loads) {
        json["load_ms"][load.peer] = load.median_ms;
    }
    if (report.scaling.two_rows_per_s > 0) {
        json["workers"] = {
            {"batch", report.scaling_batch},
            {"one_rows_per_s", report.scaling.one_rows_per_s},
            {"two_rows_per_s", report.scaling.two_rows_per_s},
            {"ratio", report.scaling.two_rows_per_s / report.scaling.one_rows_per_s}};
    }
    return json;
}

std::string to_text(const NetworkReport& report) {
    const NetworkComparison& comparison = report.comparison;
    std::string text = fmt::format(
        "{}: {} multiply-adds a row; answers agree to {:.1g}, digest {:016x}\n", comparison.name,
        comparison.multiply_adds, comparison.difference, comparison.digest);
    if (!comparison.rows.empty()) {
        text += header_text(comparison.rows.front());
    }
    for (const ComparisonRow& row : comparison.rows) {
        text += row_text(comparison, row);
    }
    if (!report.loads.empty()) {
        text += loads_text(report.loads);
    }
    if (report.scaling.two_rows_per_s > 0) {
        text += fmt::format("  two workers, batches of {}: {:.2f} x one ({:.0f} rows/s)\n",
                            report.scaling_batch,
                            report.scaling.two_rows_per_s / report.scaling.one_rows_per_s,
                            report.scaling.two_rows_per_s);
    }
    for (const std::string& note : comparison.notes) {
        text += "  " + note + "\n";
    }
    for (const std::string& disagreement : comparison.disagreements) {
        text += "  DISAGREEMENT: " + disagreement + "\n";
    }
    return text;
}

nlohmann::ordered_json machine_facts() {
    return {{"processor", processor_name()},
            {"cores", allowed_cores().size()},
            {"compiler", build_compiler()},
            {"build", build_type()},
            {"version", build_version()}};
}

std::string machine_line() {
    return fmt::format("{}, {} cores; {} {}; tamis {}", processor_name(), allowed_cores().size(),
                       build_compiler(), build_type(), build_version());
}

std::string_view legend() noexcept {
    return "one thread, pinned; peers in one process take turns. hot: up to 20 calls in a row; "
           "cold: "
           "after 50 us of sleep\nand a walk through four times the second-level cache. x: a "
           "peer's "
           "time over ours, above 1 ours is faster; best: of the\nfastest calls, which neighbours "
           "disturb least. floor: the multiply-adds at the peak measured beside them; % "
           "peak:\nfloor "
           "over p50.\n";
}

}  // namespace tamis::daemon
