#include "daemon/commands/bench_engine.hpp"

#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/commands/progress.hpp"
#include "daemon/network_timing/comparison_report.hpp"
#include "daemon/network_timing/network_files.hpp"
#include "daemon/network_timing/onnxruntime_peer.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kLoads = 5;
constexpr std::size_t kScalingBatch = 64;

struct BenchEngineOptions {
    std::filesystem::path network;
    std::vector<std::size_t> batches = {1, 8, 64, 512};
    double seconds = 0.5;
    bool json = false;
};

tl::expected<NetworkReport, std::string> measure_network(const NamedNetwork& network,
                                                         const std::vector<PeerKind>& peers,
                                                         const BenchEngineOptions& options) {
    NetworkReport report;
    const auto compiled = engine::Network::compile(network.graph, {.max_batch = kScalingBatch});
    if (!compiled) {
        return tl::unexpected(compiled.error());
    }
    report.scaling_batch = kScalingBatch;
    report.scaling = measure_workers(*compiled, kScalingBatch, options.seconds);
    auto comparison = compare_network(network.name, network.graph, peers,
                                      {.batches = options.batches,
                                       .hot_seconds = options.seconds,
                                       .cold_seconds = options.seconds});
    if (!comparison) {
        return tl::unexpected(comparison.error());
    }
    report.comparison = std::move(*comparison);
    return report;
}

// EX_SOFTWARE where peers give different answers: then no time of theirs means anything.
ExitStatus print_reports(const std::vector<NetworkReport>& reports, const std::string& left_out,
                         bool as_json) {
    bool agreed = true;
    nlohmann::ordered_json json{{"machine", machine_facts()},
                                {"networks", nlohmann::ordered_json::array()}};
    if (!as_json) {
        fmt::print("{}\n{}{}", machine_line(), legend(), left_out);
    }
    for (const NetworkReport& report : reports) {
        agreed = agreed && report.comparison.disagreements.empty();
        if (as_json) {
            json["networks"].push_back(to_json(report));
        } else {
            fmt::print("\n{}", to_text(report));
        }
    }
    if (as_json) {
        fmt::print("{}\n", json.dump());
    }
    return agreed ? EX_OK : fail(EX_SOFTWARE, "the peers' answers disagree; see above");
}

ExitStatus bench_engine(const BenchEngineOptions& options) {
    if (!std::filesystem::exists(options.network)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", options.network.string()));
    }
    auto read = read_networks(options.network);
    if (!read) {
        return fail(EX_DATAERR, read.error());
    }
    const auto networks = one_of_each_shape(std::move(*read));
    std::vector<PeerKind> peers = engine_peers();
    std::string left_out;
    if (auto runtime = onnxruntime_peer()) {
        peers.push_back(std::move(*runtime));
    } else {
        left_out = fmt::format("ONNX Runtime takes no part: {}\n", runtime.error());
    }
    // First of all: a load is measured in children of a process that has run nothing yet.
    std::vector<std::vector<LoadTime>> loads;
    loads.reserve(networks.size());
    for (const NamedNetwork& network : networks) {
        loads.push_back(measure_load(network.graph, peers, kLoads));
    }
    Progress progress("timing networks", "networks", networks.size());
    std::vector<NetworkReport> reports;
    for (std::size_t one = 0; one < networks.size(); ++one) {
        progress.update(one);
        auto report = measure_network(networks[one], peers, options);
        if (!report) {
            return fail(EX_DATAERR, fmt::format("{}: {}", networks[one].name, report.error()));
        }
        report->loads = loads[one];
        reports.push_back(std::move(*report));
    }
    progress.finish();
    return print_reports(reports, left_out, options.json);
}

}  // namespace

void add_bench_engine(CLI::App& bench, ExitStatus& status) {
    auto* command = bench.add_subcommand(
        "engine", "Time a network beside oneDNN alone and, where built with it, ONNX Runtime");
    auto options = std::make_shared<BenchEngineOptions>();
    command->add_option("network", options->network, ".onnx file or model directory")->required();
    command->add_option("--batch", options->batches, "Rows per call; several may be given")
        ->check(CLI::Range(1, 65'536))
        ->capture_default_str();
    command->add_option("--seconds", options->seconds, "For each batch, caches hot and cold")
        ->check(CLI::Range(0.001, 600.0))
        ->capture_default_str();
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer("Example:\n  tamis bench engine models/shipped/vae --batch 1 --batch 64");
    command->callback([options, &status] { status = bench_engine(*options); });
}

}  // namespace tamis::daemon
