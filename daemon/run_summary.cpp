#include "daemon/run_summary.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "daemon/build_facts.hpp"

namespace tamis::daemon {
namespace {

using Json = nlohmann::ordered_json;
using streams::Outcome;

std::string hexadecimal(std::uint64_t value) { return fmt::format("{:016x}", value); }

std::string iso_time(std::int64_t unix_ns) {
    if (unix_ns == 0) {
        return {};
    }
    const std::time_t seconds = unix_ns / 1'000'000'000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds),
                       unix_ns / 1'000'000 % 1000);
}

std::string_view to_string(config::PathKind kind) {
    constexpr std::array<std::string_view, 4> kNames = {"select", "pass_through", "force_accept",
                                                        "veto"};
    return kNames[static_cast<std::size_t>(kind)];
}

Json books(const Books& books) {
    const streams::FragmentCounters& fragments = books.fragments;
    const streams::BuilderEventCounters& builder = books.builder;
    const Imbalance imbalance = books.imbalance();
    Json json;
    json["fragments"] = {{"received", fragments.received},
                         {"used", fragments.used},
                         {"duplicate_same", fragments.duplicate_same},
                         {"duplicate_different", fragments.duplicate_different},
                         {"duplicate_late", fragments.duplicate_late},
                         {"late", fragments.late},
                         {"malformed", fragments.malformed},
                         {"bad_checksum", fragments.bad_checksum},
                         {"unknown_source", fragments.unknown_source},
                         {"wrong_run", fragments.wrong_run},
                         {"oversize", fragments.oversize},
                         {"received_bytes", fragments.received_bytes},
                         {"used_bytes", fragments.used_bytes}};
    json["events"] = {{"opened", builder.opened},
                      {"accepted", books.of(Outcome::accepted)},
                      {"rejected", books.of(Outcome::rejected)},
                      {"debug_incomplete", books.of(Outcome::debug_incomplete)},
                      {"debug_timeout", books.of(Outcome::debug_timeout)},
                      {"debug_malformed", books.of(Outcome::debug_malformed)},
                      {"debug_crash", books.of(Outcome::debug_crash)},
                      {"shed", books.of(Outcome::shed)},
                      {"abandoned", books.of(Outcome::abandoned)},
                      {"in_flight", books.in_flight}};
    json["complete_without_masked_sources"] = builder.complete_masked;
    json["taken_back"] = builder.taken_back;
    json["window_ns"] = builder.window_ns;
    json["incomplete_because"] = {{"window_time", builder.incomplete_time},
                                  {"window_bytes", builder.incomplete_bytes},
                                  {"pool_slots", builder.incomplete_slots},
                                  {"end_of_input", builder.incomplete_end}};
    // Nothing is spooled on best-effort links, and an event that waits for an output is in flight.
    json["deliveries"] = {{"delivered", books.of(Delivery::delivered)},
                          {"spooled", 0},
                          {"dropped_full", books.of(Delivery::dropped_full)},
                          {"dropped_failed", books.of(Delivery::dropped_failed)},
                          {"dropped_draining", books.of(Delivery::dropped_draining)},
                          {"dropped_no_output", books.of(Delivery::dropped_no_output)},
                          {"pending", 0}};
    json["imbalance"] = {{"fragments", imbalance.fragments},
                         {"events", imbalance.events},
                         {"deliveries", imbalance.deliveries}};
    json["closed"] = imbalance.is_zero();
    return json;
}

Json paths(const NodeReport& report) {
    Json list = Json::array();
    const Books& books = report.pipeline.run.books;
    const std::uint64_t seen = books.of(Outcome::accepted) + books.of(Outcome::rejected);
    for (std::size_t i = 0; i < report.menu->paths().size(); ++i) {
        const TriggerPath& path = report.menu->paths()[i];
        const PathCounters& counters = report.pipeline.run.paths[i];
        Json json = {{"name", path.name},
                     {"kind", to_string(path.kind)},
                     {"seen", seen},
                     {"seeded", counters.seeded},
                     {"accepted", counters.accepted},
                     {"prescaled_away", counters.prescaled_away},
                     {"prescale", path.prescale.factor()}};
        if (path.cut) {
            json["model"] = report.menu->context().model_names[path.cut->model];
            json["threshold"] =
                path.cut->working_point ? counters.last_threshold : path.cut->threshold;
            if (path.cut->working_point) {
                json["working_point"] = report.menu->models()[path.cut->model]
                                            ->manifest()
                                            .working_points[*path.cut->working_point]
                                            .name;
            }
        }
        list.push_back(std::move(json));
    }
    return list;
}

Json streams_json(const NodeReport& report) {
    Json list = Json::array();
    for (std::size_t i = 0; i < report.pipeline.run.streams.size(); ++i) {
        list.push_back({{"name", report.menu->context().stream_names[i]},
                        {"events", report.pipeline.run.streams[i].events}});
    }
    return list;
}

Json sources(const NodeReport& report) {
    Json list = Json::array();
    for (std::size_t i = 0; i < report.pipeline.run.sources.size(); ++i) {
        const config::SourceConfig& source = report.deployment->input.sources[i];
        const streams::SourceCounters& counters = report.pipeline.run.sources[i];
        list.push_back(
            {{"id", source.id},
             {"name", source.name},
             {"received", counters.received},
             {"used", counters.used},
             {"duplicates", counters.duplicates},
             {"late", counters.late},
             {"sequence_missing", counters.sequence_missing},
             {"sequence_reordered", counters.sequence_reordered},
             {"sequence_repeated", counters.sequence_repeated},
             {"sequence_first", counters.sequence_first},
             {"sequence_last", counters.sequence_last},
             {"lost", counters.lost()},
             {"gaps", counters.gaps},
             {"longest_gap", counters.longest_gap},
             {"absent_events", counters.absent},
             {"excused_events", counters.excused},
             {"fell_silent", counters.masked},
             {"delay_mean_ns", counters.used == 0 ? 0 : counters.delay_sum_ns / counters.used},
             {"delay_max_ns", counters.delay_max_ns}});
    }
    return list;
}

Json links(const NodeReport& report) {
    Json list = Json::array();
    for (std::size_t i = 0; i < report.input_links.size(); ++i) {
        const streams::LinkReceiverCounters& link = report.input_links[i];
        list.push_back({{"endpoint", report.input_endpoints[i]},
                        {"received", link.received},
                        {"delivered", link.delivered},
                        {"duplicates", link.duplicates},
                        {"beyond", link.beyond},
                        {"damaged", link.damaged},
                        {"malformed", link.malformed},
                        {"unknown_peer", link.unknown_peer},
                        {"refused", link.refused},
                        {"resend_requests", link.resend_requests},
                        {"opened", link.opened}});
    }
    return list;
}

Json admissions(const NodeReport& report) {
    Json list = Json::array();
    for (const streams::LinkAdmissions& link : report.admissions) {
        Json json = {{"endpoint", link.endpoint}, {"admitted", link.admitted}};
        for (std::size_t i = 0; i < streams::kRefusals; ++i) {
            json[std::string(to_string(static_cast<streams::Refusal>(i)))] = link.refused[i];
        }
        list.push_back(std::move(json));
    }
    return list;
}

Json outputs(const NodeReport& report) {
    Json list = Json::array();
    for (std::size_t i = 0; i < report.pipeline.outputs.size(); ++i) {
        const OutputCounters& counters = report.pipeline.outputs[i];
        list.push_back({{"name", report.deployment->outputs[i].name},
                        {"endpoint", report.output_endpoints[i]},
                        {"delivered", counters.delivered},
                        {"delivered_bytes", counters.delivered_bytes},
                        {"dropped_full", counters.dropped_full},
                        {"dropped_failed", counters.dropped_failed},
                        {"dropped_draining", counters.dropped_draining},
                        {"blocked", counters.blocked}});
    }
    return list;
}

Json latency(const LatencyHistogram& histogram) {
    return {{"count", histogram.count()},
            {"min", histogram.min_ns()},
            {"mean", histogram.mean_ns()},
            {"p50", histogram.percentile_ns(50)},
            {"p90", histogram.percentile_ns(90)},
            {"p99", histogram.percentile_ns(99)},
            {"p99_9", histogram.percentile_ns(99.9)},
            {"max", histogram.max_ns()}};
}

Json threads(const NodeReport& report) {
    Json json;
    const config::ThreadConfig& config = report.deployment->threads;
    json["mode"] = config.mode == config::ThreadMode::shared ? "shared" : "dedicated";
    json["batch"] = config.batch;
    json["workers"] = Json::array();
    for (const WorkerCounters& worker : report.pipeline.workers) {
        json["workers"].push_back({{"events", worker.events}, {"batches", worker.batches}});
    }
    json["threads"] = Json::array();
    for (const ThreadReport& thread : report.threads) {
        json["threads"].push_back({{"name", thread.name},
                                   {"cycles", thread.cycles.cycles},
                                   {"busy_ns", thread.cycles.busy_ns},
                                   {"longest_cycle_ns", thread.cycles.longest_ns}});
    }
    return json;
}

}  // namespace

std::string summary_text(const NodeReport& report) {
    const RunSnapshot& run = report.pipeline.run;
    const streams::DecisionContext& context = report.menu->context();
    Json json;
    json["node"] = report.deployment->name;
    json["run"] = run.run;
    json["state"] = to_string(report.state);
    json["condition"] = to_string(report.condition);
    json["started"] = iso_time(report.started_unix_ns);
    json["stopped"] = iso_time(report.stopped_unix_ns);
    json["build"] = {
        {"version", build_version()}, {"compiler", build_compiler()}, {"type", build_type()}};
    json["menu"] = {{"name", report.menu->name()},
                    {"version", report.menu->version()},
                    {"hash", hexadecimal(context.menu_hash)}};
    json["models"] = Json::array();
    for (std::size_t i = 0; i < context.model_names.size(); ++i) {
        const models::Manifest& manifest = report.menu->models()[i]->manifest();
        json["models"].push_back({{"name", context.model_names[i]},
                                  {"kind", manifest.kind},
                                  {"version", manifest.version},
                                  {"hash", hexadecimal(context.model_hashes[i])}});
    }
    json["input"] = {{"endpoints", report.input_endpoints},
                     {"cut_connections", report.cut_connections},
                     {"links", links(report)}};
    json["connections"] = admissions(report);
    json["monitoring_port"] = report.monitoring_port;
    json["books"] = books(run.books);
    json["paths"] = paths(report);
    json["streams"] = streams_json(report);
    json["sources"] = sources(report);
    json["outputs"] = outputs(report);
    json["latency_ns"] = latency(run.decision_latency);
    json["time"] = {{"total_ns", run.time.total_ns()},
                    {"live_fraction", run.time.fraction(run.time.live_ns)},
                    {"busy_fraction", run.time.fraction(run.time.busy_ns)},
                    {"dead_fraction", run.time.fraction(run.time.dead_ns)}};
    json["threads"] = threads(report);
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ready_text(const NodeReport& report) {
    const Json json = {{"metrics_port", report.monitoring_port},
                       {"endpoints", report.input_endpoints},
                       {"outputs", report.output_endpoints}};
    return json.dump() + "\n";
}

}  // namespace tamis::daemon
