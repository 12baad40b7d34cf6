// tamis bench: how fast this machine scores and decides: every model of a menu for one event and
// for batches, and the whole event path in memory. What a bare link would cost beside the node is
// measured by bench/node_bench.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/build_facts.hpp"
#include "daemon/commands/bench_engine.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/menu_file.hpp"
#include "daemon/commands/shared_files.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/decision_digest.hpp"
#include "daemon/latency_histogram.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/steady_time.hpp"
#include "models/event_inputs.hpp"
#include "streams/fragment.hpp"
#include "streams/synthetic/synthetic_source.hpp"

namespace tamis::daemon {

namespace {

struct BenchOptions {
    std::filesystem::path menu;
    std::size_t events = 4096;
    double seconds = 1;
    bool json = false;
};

// Synthetic fragments in memory: an input that is never late.
class MemoryInput final : public streams::FragmentInput {
 public:
    explicit MemoryInput(std::size_t events) {
        streams::SyntheticSource source(streams::SyntheticConfig{});
        for (std::uint64_t event = 1; event <= events; ++event) {
            for (std::size_t detector = 0; detector < streams::kSyntheticDetectors; ++detector) {
                messages_.emplace_back();
                source.encode_fragment(1, event, static_cast<streams::SyntheticDetector>(detector),
                                       messages_.back());
                bytes_ += messages_.back().size();
            }
        }
    }
    std::size_t poll(streams::MessageSink& sink, std::uint64_t now_ns,
                     std::size_t limit) noexcept override {
        std::size_t count = 0;
        for (; count < limit && next_ < messages_.size() && sink.is_ready(); ++count, ++next_) {
            sink.on_message(std::as_bytes(std::span(messages_[next_])), now_ns);
        }
        return count;
    }
    [[nodiscard]] bool is_exhausted() const noexcept override { return next_ == messages_.size(); }
    [[nodiscard]] const std::vector<std::string>& messages() const noexcept { return messages_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    void rewind() noexcept { next_ = 0; }

 private:
    std::vector<std::string> messages_;
    std::size_t next_ = 0;
    std::size_t bytes_ = 0;
};

std::vector<streams::Event> build_events(const MemoryInput& input, std::size_t count) {
    std::vector<streams::Event> events(count);
    streams::FragmentDecoder decoder;
    for (std::size_t index = 0; index < count; ++index) {
        events[index].run = 1;
        events[index].number = index + 1;
        for (std::size_t part = 0; part < streams::kSyntheticDetectors; ++part) {
            const auto& message = input.messages()[index * streams::kSyntheticDetectors + part];
            const auto fragment = decoder.decode(std::as_bytes(std::span(message)));
            streams::EventFragment& stored = events[index].fragments.emplace_back();
            stored.source = fragment->source;
            stored.payload_type = fragment->payload_type;
            stored.payload.assign(fragment->payload.begin(), fragment->payload.end());
            events[index].sources_seen |= std::uint64_t{1} << part;
        }
    }
    return events;
}

// Time of one call that scores `batch` events, payloads decoded anew as the node does.
LatencyHistogram time_model(const models::Model& model, const std::vector<streams::Event>& events,
                            std::size_t batch, double seconds) {
    const auto scorer = model.make_scorer(batch);
    std::vector<std::unique_ptr<models::EventInputs>> inputs;
    std::vector<models::EventInputs*> pointers;
    for (std::size_t index = 0; index < batch; ++index) {
        inputs.push_back(std::make_unique<models::EventInputs>());
        pointers.push_back(inputs.back().get());
    }
    LatencyHistogram times;
    const std::uint64_t end = steady_clock_ns() + static_cast<std::uint64_t>(seconds * 1e9);
    std::size_t next = 0;
    for (std::size_t call = 0; steady_clock_ns() < end; ++call) {
        for (std::size_t index = 0; index < batch; ++index) {
            inputs[index]->attach(events[next++ % events.size()]);
        }
        const std::uint64_t start = steady_clock_ns();
        scorer->score(pointers);
        if (call >= 20) {  // the first calls warm up
            times.record(steady_clock_ns() - start);
        }
    }
    return times;
}

nlohmann::ordered_json measure_models(const LoadedMenu& menu,
                                      const std::vector<streams::Event>& events, double seconds) {
    auto rows = nlohmann::ordered_json::array();
    for (std::size_t index = 0; index < menu.models.size(); ++index) {
        for (const std::size_t batch : {1, 8, 32}) {
            const auto times = time_model(*menu.models[index], events, batch, seconds / 3);
            rows.push_back({{"model", menu.text.models[index].name},
                            {"batch", batch},
                            {"p50_us", static_cast<double>(times.percentile_ns(50)) / 1e3},
                            {"p99_us", static_cast<double>(times.percentile_ns(99)) / 1e3},
                            {"events_per_s", 1e9 * static_cast<double>(batch) / times.mean_ns()}});
        }
    }
    return rows;
}

class DigestObserver final : public DecisionObserver {
 public:
    void on_decision(const streams::Event& /*event*/, const streams::Decision& decision,
                     Delivery /*delivery*/) noexcept override {
        digest_.add(decision);
    }
    [[nodiscard]] const DecisionDigest& digest() const noexcept { return digest_; }

 private:
    DecisionDigest digest_;
};

// The event path in one thread from messages in memory to decisions.
nlohmann::ordered_json measure_path(const LoadedMenu& menu, MemoryInput& input,
                                    std::size_t events) {
    Pipeline::Config config;
    config.pool.events = 1024;
    config.pool.sources = streams::kSyntheticDetectors;
    config.builder.sources = {1, 2, 3, 4};
    config.builder.window_ns = std::uint64_t{1} << 62;
    double best_seconds = 1e30;
    std::uint64_t digest = 0;
    for (int repetition = 0; repetition < 3; ++repetition) {
        input.rewind();
        DigestObserver observer;
        Pipeline pipeline(
            config, {.menu = menu.compiled, .input = input, .outputs = {}, .observer = &observer});
        const auto start = std::chrono::steady_clock::now();
        pipeline.run_to_end();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        best_seconds = std::min(best_seconds, elapsed.count());
        digest = observer.digest().value();
    }
    return {{"events", events},
            {"events_per_s", static_cast<double>(events) / best_seconds},
            {"megabytes_per_s", static_cast<double>(input.bytes()) / 1e6 / best_seconds},
            {"digest", fmt::format("{:016x}", digest)}};
}

void print_bench(const nlohmann::ordered_json& json) {
    fmt::print("{}; {} {}; menu {}\n", json["machine"].get<std::string>(),
               json["compiler"].get<std::string>(), json["build"].get<std::string>(),
               json["menu"].get<std::string>());
    fmt::print("models, from payload bytes to score, one thread:\n");
    TextTable table({"model", "batch", "p50 us", "p99 us", "events/s"});
    for (const auto& row : json["models"]) {
        table.add_row({row["model"].get<std::string>(),
                       std::to_string(row["batch"].get<std::size_t>()),
                       fmt::format("{:.2f}", row["p50_us"].get<double>()),
                       fmt::format("{:.2f}", row["p99_us"].get<double>()),
                       fmt::format("{:.0f}", row["events_per_s"].get<double>())});
    }
    fmt::print("{}", table.to_string());
    const auto& path = json["event_path"];
    fmt::print(
        "event path in memory, one thread, {} events: {:.0f} events/s, {:.1f} MB/s "
        "(digest of decisions {})\n",
        path["events"].get<std::size_t>(), path["events_per_s"].get<double>(),
        path["megabytes_per_s"].get<double>(), path["digest"].get<std::string>());
}

ExitStatus bench(const BenchOptions& options) {
    std::filesystem::path file = options.menu;
    if (file.empty()) {
        const auto shared = shared_files();
        if (!shared) {
            return fail(EX_NOINPUT, shared.error());
        }
        file = *shared / "config" / "menus" / "physics.pbtxt";
    }
    const auto menu = open_menu(file);
    if (!menu) {
        return menu.error();
    }
    MemoryInput input(options.events);
    const auto events = build_events(input, std::min<std::size_t>(options.events, 512));
    const nlohmann::ordered_json json{{"machine", processor_name()},
                                      {"compiler", build_compiler()},
                                      {"build", build_type()},
                                      {"menu", menu->text.name},
                                      {"models", measure_models(*menu, events, options.seconds)},
                                      {"event_path", measure_path(*menu, input, options.events)}};
    if (options.json) {
        fmt::print("{}\n", json.dump());
    } else {
        print_bench(json);
    }
    return EX_OK;
}

}  // namespace

void add_bench(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("bench", "Time the models of a menu and the event path in memory");
    auto options = std::make_shared<BenchOptions>();
    command->add_option("--menu", options->menu, "Menu; default: the shipped physics menu");
    command->add_option("--events", options->events, "Synthetic events to decide")
        ->check(CLI::Range(32, 1'000'000))
        ->capture_default_str();
    command->add_option("--seconds", options->seconds, "For each model")->capture_default_str();
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer(
        "Example:\n  tamis bench --menu config/menus/physics.pbtxt --events 10000\n"
        "  tamis bench engine network.onnx");
    add_bench_engine(*command, status);
    command->callback([command, options, &status] {
        if (command->get_subcommands().empty()) {
            status = bench(*options);
        }
    });
}

}  // namespace tamis::daemon
