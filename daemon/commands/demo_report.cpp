#include "daemon/commands/demo_report.hpp"

#include <fmt/core.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "daemon/commands/text_table.hpp"
#include "models/calibration.hpp"
#include "streams/recording/recorded_decision.hpp"

namespace tamis::daemon {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, streams::kSyntheticProcesses> kProcessTitles = {
    "W", "QCD", "Z", "top pairs", "A -> 4l", "LQ -> b tau", "h0 -> tau tau", "h+- -> tau nu"};

std::uint64_t count(const Json& json, const char* key) { return json.at(key).get<std::uint64_t>(); }

std::string outcome_table(const Json& summary) {
    const Json& events = summary.at("books").at("events");
    TextTable table({"events", "count", "share"});
    const double opened = static_cast<double>(count(events, "opened"));
    for (const auto& [outcome, number] : events.items()) {
        const auto value = number.get<std::uint64_t>();
        if (value > 0 || outcome == "accepted" || outcome == "rejected") {
            table.add_row({outcome, std::to_string(value),
                           fmt::format("{:.2f} %", 100.0 * static_cast<double>(value) /
                                                       (opened > 0 ? opened : 1.0))});
        }
    }
    return table.to_string();
}

std::string path_table(const Json& summary, double seconds) {
    TextTable table({"path", "kind", "prescale", "seeded", "accepted", "rate Hz", "model",
                     "working point", "threshold"});
    for (const auto& path : summary.at("paths")) {
        table.add_row(
            {path.at("name").get<std::string>(), path.at("kind").get<std::string>(),
             std::to_string(count(path, "prescale")), std::to_string(count(path, "seeded")),
             std::to_string(count(path, "accepted")),
             fmt::format("{:.2f}", static_cast<double>(count(path, "accepted")) / seconds),
             path.value("model", ""), path.value("working_point", ""),
             path.contains("threshold") ? fmt::format("{:.5g}", path.at("threshold").get<double>())
                                        : ""});
    }
    return table.to_string();
}

std::string latency_line(const Json& summary) {
    const Json& latency = summary.at("latency_ns");
    const auto us = [&latency](const char* key) { return latency.at(key).get<double>() / 1000.0; };
    return fmt::format(
        "  latency, last fragment in to decision: p50 {:.0f} us, p90 {:.0f} us, p99 {:.0f} us, "
        "p99.9 {:.0f} us, max {:.0f} us\n",
        us("p50"), us("p90"), us("p99"), us("p99_9"), us("max"));
}

// Events of each process that were generated, and that a path accepted.
struct ProcessCounts {
    std::array<std::uint64_t, streams::kSyntheticProcesses> generated{};
    std::array<std::uint64_t, streams::kSyntheticProcesses> accepted{};
};

ProcessCounts count_processes(const DemoFacts& facts, const streams::RecordedDecisions& recorded,
                              std::uint32_t path) {
    ProcessCounts counts;
    const auto process_index = [&facts](std::uint64_t event) {
        return static_cast<std::size_t>(
            streams::process_of(facts.seed, facts.run, event, facts.mix));
    };
    for (std::uint64_t event = 1; event <= facts.events; ++event) {
        ++counts.generated[process_index(event)];
    }
    for (const auto& decision : recorded.decisions) {
        for (const auto& result : decision.paths) {
            if (result.path == path && result.accepted) {
                ++counts.accepted[process_index(decision.event)];
            }
        }
    }
    return counts;
}

std::string fraction_text(std::uint64_t passed, std::uint64_t total) {
    if (total == 0) {
        return "no events";
    }
    const auto interval = models::clopper_pearson(passed, total);
    return fmt::format("{:.2e} ({:.1e} .. {:.1e})",
                       static_cast<double>(passed) / static_cast<double>(total), interval.low,
                       interval.high);
}

// False-positive fraction on the Standard Model and efficiency of each signal, for every
// unprescaled path that asks the VAE.
std::string anomaly_table(const DemoFacts& facts, const Json& summary,
                          const streams::RecordedDecisions& recorded) {
    std::vector<std::string> header{"anomaly path", "false-positive fraction"};
    for (std::size_t process = streams::kStandardModelProcesses;
         process < streams::kSyntheticProcesses; ++process) {
        header.emplace_back(kProcessTitles[process]);
    }
    TextTable table(header);
    std::uint32_t index = 0;
    for (const auto& path : summary.at("paths")) {
        const std::uint32_t path_index = index++;
        if (path.value("model", "") != "vae" || count(path, "prescale") != 1) {
            continue;
        }
        const auto counts = count_processes(facts, recorded, path_index);
        std::uint64_t background = 0;
        std::uint64_t false_positives = 0;
        for (std::size_t process = 0; process < streams::kStandardModelProcesses; ++process) {
            background += counts.generated[process];
            false_positives += counts.accepted[process];
        }
        std::vector<std::string> row{path.at("name").get<std::string>(),
                                     fraction_text(false_positives, background)};
        for (std::size_t process = streams::kStandardModelProcesses;
             process < streams::kSyntheticProcesses; ++process) {
            row.push_back(fraction_text(counts.accepted[process], counts.generated[process]));
        }
        table.add_row(row);
    }
    return table.to_string();
}

// What a run that went well must show; what does not is said.
std::string complaints(const DemoFacts& facts, const Json& summary,
                       const streams::RecordedDecisions& recorded) {
    const Json& events = summary.at("books").at("events");
    std::string text;
    const auto complain = [&text](bool holds, const std::string& what) {
        text += holds ? "" : "  NOT AS IT SHOULD BE: " + what + "\n";
    };
    complain(summary.at("books").at("closed").get<bool>(), "the books are not closed");
    complain(count(events, "opened") == facts.events,
             fmt::format("{} events opened of {} sent", count(events, "opened"), facts.events));
    complain(count(events, "accepted") + count(events, "rejected") == facts.events,
             "not every event was decided");
    complain(recorded.decisions.size() == count(events, "accepted"),
             fmt::format("{} events in the recording, {} accepted", recorded.decisions.size(),
                         count(events, "accepted")));
    complain(recorded.end == streams::ReadEnd::complete, "the recording is not whole");
    return text;
}

}  // namespace

tl::expected<DemoReport, std::string> make_demo_report(const DemoFacts& facts) {
    std::ifstream file(facts.run_summary);
    const Json summary = Json::parse(file, nullptr, false);
    if (summary.is_discarded()) {
        return tl::unexpected(
            fmt::format("{}: no run summary; the node's log says why", facts.run_summary.string()));
    }
    const auto recorded = streams::read_recorded_decisions(facts.recording.string());
    if (!recorded) {
        return tl::unexpected(recorded.error());
    }
    const double seconds = static_cast<double>(facts.events) / facts.rate_hz;
    const Json& fragments = summary.at("books").at("fragments");
    DemoReport report;
    report.text = outcome_table(summary);
    report.text += fmt::format(
        "  fragments: {} received, {} used; books {} (imbalance of fragments {}, events {}, "
        "deliveries {})\n\n",
        count(fragments, "received"), count(fragments, "used"),
        summary.at("books").at("closed").get<bool>() ? "closed" : "OPEN",
        summary.at("books").at("imbalance").at("fragments").get<std::int64_t>(),
        summary.at("books").at("imbalance").at("events").get<std::int64_t>(),
        summary.at("books").at("imbalance").at("deliveries").get<std::int64_t>());
    report.text += path_table(summary, seconds) + "\n";
    TextTable streams_table({"stream", "events"});
    for (const auto& stream : summary.at("streams")) {
        streams_table.add_row(
            {stream.at("name").get<std::string>(), std::to_string(count(stream, "events"))});
    }
    report.text += streams_table.to_string() + "\n" + latency_line(summary) + "\n";
    report.text += anomaly_table(facts, summary, *recorded);
    report.text += "  (efficiencies of the four signals beside it; 95 % intervals)\n\n";
    report.text += fmt::format("  run summary: {}\n  recording:   {} ({} events)\n",
                               facts.run_summary.string(), facts.recording.string(),
                               recorded->decisions.size());
    const std::string wrong = complaints(facts, summary, *recorded);
    report.text += wrong;
    report.is_good = wrong.empty();
    return report;
}

}  // namespace tamis::daemon
