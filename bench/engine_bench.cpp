// The engine beside its peers (oneDNN's executors alone, ONNX Runtime where there is one) on every
// shipped network and on the shapes of trigger networks: latency hot and cold, throughput, load,
// two workers, the ringer's banks. Peers that disagree make it fail.
#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/network_shapes.hpp"
#include "bench/ringer_bank_bench.hpp"
#include "daemon/network_timing/comparison_report.hpp"
#include "daemon/network_timing/network_files.hpp"
#include "daemon/network_timing/onnxruntime_peer.hpp"

namespace {

using namespace tamis;  // NOLINT(google-build-using-namespace): a program of its own
using daemon::NamedNetwork;
using daemon::NetworkReport;
using daemon::PeerKind;

constexpr const char* kUsage =
    "usage: engine_bench --models FOLDER [--data FOLDER] [--only TEXT] [--seconds S] [--json "
    "FILE]\n"
    "                    [--commit NAME] [--smoke]\n"
    "  --models   the shipped models\n"
    "  --data     recorded data; its published pixel-seed network takes part where it is there\n"
    "  --only     networks whose name has TEXT in it\n"
    "  --seconds  for each network, batch and state of the caches; default 0.5\n"
    "  --commit   written into the result\n"
    "  --smoke    few repetitions: shows that it runs\n";

struct BenchOptions {
    std::filesystem::path models;
    std::filesystem::path data;
    std::filesystem::path json;
    std::string only;
    std::string commit = "unknown";
    double seconds = 0.5;
    bool smoke = false;

    [[nodiscard]] daemon::ComparisonOptions comparison() const {
        if (smoke) {
            return {.batches = {1, 8}, .hot_seconds = 0, .cold_seconds = 0};
        }
        return {.hot_seconds = seconds, .cold_seconds = seconds};
    }
    [[nodiscard]] std::size_t loads() const { return smoke ? 1 : 7; }
    [[nodiscard]] bool wants(const std::string& name) const {
        return name.find(only) != std::string::npos;
    }
};

bool parse(std::span<char* const> arguments, BenchOptions& options) {
    std::map<std::string_view, std::string> values;
    for (std::size_t place = 1; place < arguments.size(); ++place) {
        const std::string_view name = arguments[place];
        if (name == "--smoke") {
            options.smoke = true;
            continue;
        }
        if (!name.starts_with("--") || place + 1 == arguments.size()) {
            return false;
        }
        values[name] = arguments[++place];
    }
    const auto take = [&values](std::string_view name, auto& into) {
        if (const auto found = values.extract(name); !found.empty()) {
            into = found.mapped();
        }
    };
    std::string seconds = "0.5";
    take("--models", options.models);
    take("--data", options.data);
    take("--json", options.json);
    take("--only", options.only);
    take("--commit", options.commit);
    take("--seconds", seconds);
    options.seconds = std::strtod(seconds.c_str(), nullptr);
    return values.empty() && !options.models.empty() && options.seconds > 0;
}

// A folder that cannot be read ends the program: a bench that leaves things out is no bench.
std::vector<NamedNetwork> read_or_exit(const std::filesystem::path& path) {
    auto networks = daemon::read_networks(path);
    if (!networks) {
        fmt::print(stderr, "engine_bench: {}\n", networks.error());
        std::exit(EXIT_FAILURE);  // NOLINT(concurrency-mt-unsafe): the only thread
    }
    return std::move(*networks);
}

std::vector<NamedNetwork> networks_of(const BenchOptions& options) {
    std::vector<NamedNetwork> networks;
    for (const char* model : {"vae", "ringer", "seed_filter"}) {
        for (auto& network : daemon::one_of_each_shape(read_or_exit(options.models / model))) {
            network.name = "shipped " + network.name;
            networks.push_back(std::move(network));
        }
    }
    for (auto& network : bench::trigger_shapes()) {
        networks.push_back(std::move(network));
    }
    const auto published = options.data / "models" / "layer_map_model.onnx";
    if (!options.data.empty() && std::filesystem::exists(published)) {
        networks.push_back(std::move(read_or_exit(published).front()));
        networks.back().name = "published pixel-seed layer map";
    } else {
        fmt::print("no recorded data: the published layer-map network takes no part\n");
    }
    std::erase_if(networks,
                  [&options](const NamedNetwork& one) { return !options.wants(one.name); });
    return networks;
}

struct NamedBank {
    std::string name;
    std::vector<engine::Graph> networks;
};

std::vector<NamedBank> banks_of(const BenchOptions& options) {
    std::vector<NamedBank> banks{{"ringer bank, 25 networks", bench::ringer_networks(25)},
                                 {"ringer bank, 40 networks", bench::ringer_networks(40)},
                                 {"ringer bank, shipped", {}}};
    for (auto& network : read_or_exit(options.models / "ringer")) {
        banks.back().networks.push_back(std::move(network.graph));
    }
    std::erase_if(banks, [&options](const NamedBank& one) { return !options.wants(one.name); });
    return banks;
}

std::vector<PeerKind> peers_with_note() {
    auto peers = daemon::engine_peers();
    auto runtime = daemon::onnxruntime_peer();
    if (runtime) {
        peers.push_back(std::move(*runtime));
    } else {
        fmt::print("ONNX Runtime takes no part: {}\n", runtime.error());
    }
    return peers;
}

// The last peer's ratios and, hot, the percent of peak; one line a network.
void print_summary(const std::vector<NetworkReport>& reports) {
    fmt::print(
        "\nrows: the last peer's p50 / p99 / best over ours; % of FMA peak (of p50); c: cold\n");
    for (const NetworkReport& report : reports) {
        std::string line;
        for (const auto& row : report.comparison.rows) {
            const auto& own = row.peers.front().times;
            const auto& last = row.peers.back().times;
            const bool is_hot = row.caches == daemon::CacheState::hot;
            line += fmt::format("  {}{}: {:.2f}/{:.2f}/{:.2f}", row.rows, is_hot ? "" : "c",
                                last.p50_us / own.p50_us, last.p99_us / own.p99_us,
                                last.fastest_us / own.fastest_us);
            if (is_hot) {
                line += fmt::format(" {:.0f}%",
                                    100 * daemon::floor_us(report.comparison, row) / own.p50_us);
            }
        }
        fmt::print("  {:<44}{}\n", report.comparison.name, line);
    }
}

// Two workers at the batch that a loaded node comes to.
void add_scaling(NetworkReport& report, const engine::Graph& graph, const BenchOptions& options) {
    constexpr std::size_t kBatch = 64;
    const auto network = engine::Network::compile(graph, {.max_batch = kBatch});
    if (network) {
        report.scaling_batch = kBatch;
        report.scaling = daemon::measure_workers(*network, kBatch, options.smoke ? 0.01 : 1.0);
    }
}

// Every network, then every bank; each is printed when it is done. Empty: one was refused.
std::vector<NetworkReport> measure(const BenchOptions& options) {
    const auto peers = peers_with_note();
    const auto networks = networks_of(options);
    std::vector<NetworkReport> reports(networks.size());
    // First of all: a load is measured in children of a process that has run nothing yet.
    for (std::size_t one = 0; one < networks.size(); ++one) {
        reports[one].loads = daemon::measure_load(networks[one].graph, peers, options.loads());
    }
    const auto finish = [](NetworkReport& report, auto comparison) {
        if (!comparison) {
            fmt::print(stderr, "engine_bench: {}\n", comparison.error());
            return false;
        }
        report.comparison = std::move(*comparison);
        fmt::print("\n{}", daemon::to_text(report));
        std::fflush(stdout);
        return true;
    };
    for (std::size_t one = 0; one < networks.size(); ++one) {
        add_scaling(reports[one], networks[one].graph, options);
        if (!finish(reports[one], daemon::compare_network(networks[one].name, networks[one].graph,
                                                          peers, options.comparison()))) {
            return {};
        }
    }
    for (const NamedBank& bank : banks_of(options)) {
        if (!finish(reports.emplace_back(),
                    bench::compare_banks(bank.name, bank.networks, peers, options.comparison()))) {
            return {};
        }
    }
    return reports;
}

nlohmann::ordered_json result_of(const BenchOptions& options,
                                 const std::vector<NetworkReport>& reports) {
    std::uint64_t digest = 0;
    nlohmann::ordered_json json{{"machine", daemon::machine_facts()},
                                {"commit", options.commit},
                                {"networks", nlohmann::ordered_json::array()}};
    for (const NetworkReport& report : reports) {
        digest = digest * 0x100000001b3U ^ report.comparison.digest;
        json["networks"].push_back(daemon::to_json(report));
    }
    json["digest"] = fmt::format("{:016x}", digest);
    return json;
}

bool write_json(const nlohmann::ordered_json& json, const std::filesystem::path& file) {
    std::ofstream stream(file, std::ios::trunc);
    stream << json.dump(1) << '\n';
    stream.close();
    if (!stream) {
        fmt::print(stderr, "engine_bench: {} cannot be written\n", file.string());
    }
    return static_cast<bool>(stream);
}

}  // namespace

int main(int argc, char** argv) {
    BenchOptions options;
    if (!parse(std::span(argv, static_cast<std::size_t>(argc)), options)) {
        fmt::print(stderr, "{}", kUsage);
        return 64;
    }
    fmt::print("{}; commit {}\n{}", daemon::machine_line(), options.commit, daemon::legend());
    const auto reports = measure(options);
    if (reports.empty()) {
        return EXIT_FAILURE;
    }
    print_summary(reports);
    const auto json = result_of(options, reports);
    fmt::print("digest of all results: {}\n", json["digest"].get<std::string>());
    bool good = options.json.empty() || write_json(json, options.json);
    for (const NetworkReport& report : reports) {
        good = good && report.comparison.disagreements.empty();
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
