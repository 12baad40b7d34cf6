// tamis demo: the main job on one machine. Four source processes, the node and a recorder, on real
// sockets; ends by itself with a summary.
#include <fmt/core.h>
#include <sysexits.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "daemon/commands/child_process.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/demo_report.hpp"
#include "daemon/commands/node_status.hpp"
#include "daemon/commands/progress.hpp"
#include "daemon/commands/shared_files.hpp"
#include "daemon/commands/stop_signal.hpp"

namespace tamis::daemon {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct DemoOptions {
    std::uint64_t events = 50'000;
    double rate = 2500;
    std::uint64_t seed = 1;
    double signals = 0.02;
    std::filesystem::path directory = "run/demo";
};

constexpr const char* kSelected = "selected.mcap";
constexpr const char* kSummary = "run_summary.json";

struct DemoProcesses {
    std::vector<ChildProcess> sources;
    std::unique_ptr<ChildProcess> node;
    std::unique_ptr<ChildProcess> recorder;
};

tl::expected<std::unique_ptr<ChildProcess>, std::string> start(
    const std::string& name, const std::vector<std::string>& arguments,
    const std::filesystem::path& directory) {
    auto child = ChildProcess::start(name, arguments, directory);
    if (!child) {
        return tl::unexpected(child.error());
    }
    return std::make_unique<ChildProcess>(*std::move(child));
}

// Waits until a process has written its ready file.
bool wait_until_ready(ChildProcess& child, const std::filesystem::path& file) {
    for (int tries = 0; tries < 3000; ++tries) {
        if (std::filesystem::exists(file)) {
            return true;
        }
        if (child.wait_for(milliseconds(0)) || stop_requested()) {
            return false;
        }
        std::this_thread::sleep_for(milliseconds(10));
    }
    return false;
}

tl::expected<void, std::string> start_node(DemoProcesses& processes,
                                           const std::filesystem::path& shared,
                                           const std::filesystem::path& directory) {
    const auto log_of = [&directory](const std::string& name) {
        return fmt::format("{} did not start; {} says why", name,
                           (directory / (name + ".log")).string());
    };
    const std::string menu = (shared / "config" / "menus" / "physics.pbtxt").string();
    auto recorder =
        start("recorder",
              {program_path().string(), "record", "--bind", "ipc://selected.ipc", "--menu", menu,
               "--output", kSelected, "--replace", "--ready-file", "recorder.ready"},
              directory);
    if (!recorder) {
        return tl::unexpected(recorder.error());
    }
    processes.recorder = *std::move(recorder);
    auto node = start(
        "tamisd",
        {sibling_program("tamisd").string(),
         (shared / "config" / "deployments" / "demo.pbtxt").string(), "--ready-file", "node.ready"},
        directory);
    if (!node) {
        return tl::unexpected(node.error());
    }
    processes.node = *std::move(node);
    if (!wait_until_ready(*processes.recorder, directory / "recorder.ready")) {
        return tl::unexpected(log_of("recorder"));
    }
    if (!wait_until_ready(*processes.node, directory / "node.ready")) {
        return tl::unexpected(log_of("tamisd"));
    }
    return {};
}

tl::expected<void, std::string> start_sources(DemoProcesses& processes, const DemoOptions& options,
                                              const std::filesystem::path& directory) {
    const auto start_at = std::chrono::system_clock::now() + milliseconds(400);
    for (const std::string source : {"calorimeter", "muon", "tracker", "pixel"}) {
        auto child = ChildProcess::start(
            source,
            {program_path().string(), "generate", "--source", source, "--events",
             std::to_string(options.events), "--seed", std::to_string(options.seed), "--signals",
             fmt::format("{}", options.signals), "--rate", fmt::format("{}", options.rate),
             "--start-at", std::to_string(start_at.time_since_epoch().count()), "--connect",
             "ipc://fragments.ipc"},
            directory);
        if (!child) {
            return tl::unexpected(child.error());
        }
        processes.sources.push_back(*std::move(child));
    }
    return {};
}

tl::expected<void, std::string> wait_for_sources(DemoProcesses& processes,
                                                 const DemoOptions& options) {
    Progress progress("running", "events", options.events);
    const auto begin = std::chrono::steady_clock::now();
    for (auto& source : processes.sources) {
        while (!source.wait_for(milliseconds(100))) {
            if (stop_requested()) {
                return tl::unexpected(std::string("stopped"));
            }
            if (processes.node->wait_for(milliseconds(0))) {
                return tl::unexpected(std::string("the node ended; tamisd.log says why"));
            }
            const double elapsed =
                std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
            progress.update(
                std::min(options.events, static_cast<std::uint64_t>(elapsed * options.rate)));
        }
        if (source.wait_for(milliseconds(0)) != EX_OK) {
            return tl::unexpected(
                fmt::format("source {} failed; {}.log says why", source.name(), source.name()));
        }
    }
    return {};
}

// A stopped node reads no more: it is stopped when it has read all that was sent. What was lost on
// the way would keep it waiting; then it is enough that nothing has come for five seconds.
void wait_until_read(const DemoOptions& options, const std::filesystem::path& directory) {
    std::ifstream file(directory / "node.ready");
    const auto ready = nlohmann::json::parse(file, nullptr, false);
    std::uint64_t before = 0;
    for (int quiet = 0; quiet < 50 && !stop_requested(); ++quiet) {
        const auto status = read_node_status(ready.value("metrics_port", std::uint16_t{0}));
        if (!status) {
            return;
        }
        const auto received =
            status->at("books").at("fragments").at("received").get<std::uint64_t>();
        if (received >= 4 * options.events) {
            return;
        }
        quiet = received > before ? 0 : quiet;
        before = received;
        std::this_thread::sleep_for(milliseconds(100));
    }
}

tl::expected<void, std::string> stop_node(DemoProcesses& processes) {
    for (ChildProcess* child : {processes.node.get(), processes.recorder.get()}) {
        child->terminate();
        const auto status = child->wait_for(seconds(75));
        if (status != EX_OK) {
            return tl::unexpected(fmt::format(
                "{} {}; {}.log says why", child->name(),
                status ? fmt::format("ended with status {}", *status) : "did not end in 15 s",
                child->name()));
        }
    }
    return {};
}

tl::expected<void, std::string> run_processes(const DemoOptions& options,
                                              const std::filesystem::path& shared,
                                              const std::filesystem::path& directory) {
    DemoProcesses processes;
    return start_node(processes, shared, directory)
        .and_then([&] { return start_sources(processes, options, directory); })
        .and_then([&] { return wait_for_sources(processes, options); })
        .and_then([&] {
            wait_until_read(options, directory);
            return stop_node(processes);
        });
}

ExitStatus demo(const DemoOptions& options) {
    const auto shared = shared_files();
    if (!shared) {
        return fail(EX_NOINPUT, shared.error());
    }
    catch_stop_signals();
    std::error_code error;
    std::filesystem::create_directories(options.directory, error);
    const auto directory = std::filesystem::canonical(options.directory, error);
    if (error) {
        return fail(EX_CANTCREAT,
                    fmt::format("{}: {}", options.directory.string(), error.message()));
    }
    for (const char* file : {"node.ready", "recorder.ready", kSelected, kSummary}) {
        std::filesystem::remove(directory / file, error);
    }
    fmt::print(
        "Tamis demo: {} synthetic events at {:.0f} Hz as {} fragments from four source\n"
        "processes, one node with menu physics, one recorder; {:.0f} % of each signal; "
        "seed {}\n\n",
        options.events, options.rate, 4 * options.events, 100 * options.signals, options.seed);
    std::fflush(stdout);
    if (const auto ran = run_processes(options, *shared, directory); !ran) {
        return fail(EX_SOFTWARE,
                    fmt::format("{} (in {})", ran.error(), options.directory.string()));
    }
    const auto report = make_demo_report({.run_summary = options.directory / kSummary,
                                          .recording = options.directory / kSelected,
                                          .events = options.events,
                                          .run = 1,
                                          .seed = options.seed,
                                          .rate_hz = options.rate,
                                          .mix = streams::EventMix::with_signals(options.signals)});
    if (!report) {
        return fail(EX_SOFTWARE, report.error());
    }
    fmt::print("{}\n  decide it again: tamis replay {} --compare\n\ndemo: {}\n", report->text,
               (options.directory / kSelected).string(), report->is_good ? "ok" : "FAILED");
    return report->is_good ? EX_OK : EX_SOFTWARE;
}

}  // namespace

void add_demo(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "demo", "The whole path once: four sources, a node, a recorder, and a summary");
    auto options = std::make_shared<DemoOptions>();
    command->add_option("--events", options->events, "Events to send")->capture_default_str();
    command->add_option("--rate", options->rate, "Events per second")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command->add_option("--seed", options->seed, "Of the generator")->capture_default_str();
    command->add_option("--signals", options->signals, "Fraction of each signal")
        ->check(CLI::Range(0.0, 0.25))
        ->capture_default_str();
    command->add_option("--directory", options->directory, "Where logs, summary and recording go")
        ->capture_default_str();
    command->footer("Example:\n  tamis demo --events 5000");
    command->callback([options, &status] { status = demo(*options); });
}

}  // namespace tamis::daemon
