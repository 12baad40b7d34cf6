// An event of 10,000 pixel doublets through the seed filter, with its pre-filter and without, in
// turns on one thread: the shipped light network and, where its file is there, the published one
// behind the same pre-filter. By processor time. Ratios are of neighbouring turns.
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/manifest_file.hpp"
#include "daemon/build_facts.hpp"
#include "engine/onnx_reader.hpp"
#include "models/seed_filter/doublet_runner.hpp"
#include "streams/synthetic/pixel_doublets.hpp"

namespace {

namespace models = tamis::models;

constexpr std::size_t kDoublets = 10'000;
constexpr double kTrueFraction = 0.026;  // of the published data set
constexpr std::uint32_t kRun = 990'100;  // no recipe trains on it

struct Options {
    std::filesystem::path model, data;
    std::size_t turns = 15;
};

struct Event {
    std::vector<tamis::streams::PixelDoubletView> parts;  // the source gives at most 64 at once
    std::vector<models::DoubletView> doublets;
};

Event make_event() {
    Event event;
    std::size_t count = 0;
    for (std::uint64_t number = 1; count < kDoublets; ++number) {
        auto& part = event.parts.emplace_back();
        tamis::streams::generate_doublets(
            7, kRun, number, {.mean_count = 40.0, .true_fraction = kTrueFraction}, part);
        count += part.is_true.size();
    }
    for (const auto& part : event.parts) {
        const auto view = part.view();
        for (std::size_t i = 0; i < view.count && event.doublets.size() < kDoublets; ++i) {
            event.doublets.push_back(models::doublet_at(view, i));
        }
    }
    return event;
}

double processor_ms() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

class TimedFilter {
 public:
    explicit TimedFilter(models::DoubletNetwork network)
        : network_(std::move(network)), runner_(network_), scores_(kDoublets) {}

    double run(const Event& event) {
        const double start = processor_ms();
        for (std::size_t i = 0; i < kDoublets; ++i) {
            runner_.add(event.doublets[i], &scores_[i]);
        }
        runner_.flush();
        return processor_ms() - start;
    }
    // Of the last run.
    [[nodiscard]] std::size_t rejected_in_front() const {
        return static_cast<std::size_t>(
            std::count_if(scores_.begin(), scores_.end(), [](float score) { return score < 0; }));
    }

 private:
    models::DoubletNetwork network_;
    models::DoubletRunner runner_;
    std::vector<float> scores_;
};

double quantile(std::vector<double> values, double at) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(at * static_cast<double>(values.size() - 1))];
}

void compare(std::string_view name, const models::DoubletNetwork& network, const Event& event,
             std::size_t turns) {
    models::DoubletNetwork bare = network;
    bare.prefilter = std::nullopt;
    TimedFilter with(network);
    TimedFilter without(bare);
    (void)with.run(event);
    (void)without.run(event);
    std::vector<double> with_ms, without_ms, ratios;
    for (std::size_t turn = 0; turn < turns; ++turn) {
        if (turn % 2 == 0) {
            with_ms.push_back(with.run(event));
            without_ms.push_back(without.run(event));
        } else {
            without_ms.push_back(without.run(event));
            with_ms.push_back(with.run(event));
        }
        ratios.push_back(without_ms.back() / with_ms.back());
    }
    fmt::print("{}, ms per {} doublets, median (10 %..90 %)\n", name, kDoublets);
    fmt::print("  without pre-filter {:8.2f} ({:.2f}..{:.2f})\n", quantile(without_ms, 0.5),
               quantile(without_ms, 0.1), quantile(without_ms, 0.9));
    fmt::print("  with pre-filter    {:8.2f} ({:.2f}..{:.2f}), {} of {} doublets rejected by it\n",
               quantile(with_ms, 0.5), quantile(with_ms, 0.1), quantile(with_ms, 0.9),
               with.rejected_in_front(), kDoublets);
    fmt::print("  faster by          {:8.2f} ({:.2f}..{:.2f})\n", quantile(ratios, 0.5),
               quantile(ratios, 0.1), quantile(ratios, 0.9));
}

// The shipped filter and its pre-filter.
std::optional<models::DoubletNetwork> read_shipped(const std::filesystem::path& directory) {
    const auto manifest = tamis::config::read_model_directory(directory);
    if (!manifest) {
        fmt::print(stderr, "{}", tamis::config::to_string(manifest.error()));
        return std::nullopt;
    }
    const auto settings = models::read_seed_filter_settings(*manifest);
    if (!settings || !settings->prefilter_threshold) {
        fmt::print(stderr, "{}: {}\n", directory.string(),
                   settings ? "no pre-filter; give a seed filter that has one" : settings.error());
        return std::nullopt;
    }
    std::vector<tamis::engine::Graph> graphs;
    for (const auto& entry : manifest->networks) {
        auto graph = tamis::engine::read_onnx_file(directory / entry.file);
        if (!graph) {
            fmt::print(stderr, "{}\n", graph.error());
            return std::nullopt;
        }
        graphs.push_back(*std::move(graph));
    }
    auto network = models::make_doublet_network(*settings, graphs);
    if (!network) {
        fmt::print(stderr, "{}\n", network.error());
        return std::nullopt;
    }
    return *std::move(network);
}

std::optional<models::DoubletNetwork> read_published(const std::filesystem::path& file) {
    const auto graph = tamis::engine::read_onnx_file(file);
    if (!graph) {
        return std::nullopt;
    }
    models::SeedFilterSettings settings;
    settings.layout = models::DoubletLayout::layer_map;
    auto network = models::make_doublet_network(settings, std::span(&*graph, 1));
    return network ? std::optional(*std::move(network)) : std::nullopt;
}

int run(const Options& options) {
    fmt::print("{}; {} {}; one thread, {} turns; {:.1f} % of the doublets are true\n",
               tamis::daemon::processor_name(), tamis::daemon::build_compiler(),
               tamis::daemon::build_type(), options.turns, 100 * kTrueFraction);
    const auto shipped = read_shipped(options.model);
    if (!shipped) {
        return 1;
    }
    const Event event = make_event();
    compare("shipped light network", *shipped, event, options.turns);
    auto published = read_published(options.data / "models" / "layer_map_model.onnx");
    if (!published) {
        fmt::print("published layer map: not at {}\n", options.data.string());
        return 0;
    }
    published->prefilter = shipped->prefilter;
    compare("published layer map", *published, event, std::max<std::size_t>(1, options.turns / 5));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3 || argc > 4) {
        fmt::print(stderr,
                   "usage: seed_filter_bench MODEL_DIR DATA_DIR [TURNS]\n"
                   "  seed_filter_bench models/shipped/seed_filter ../shared/data 15\n");
        return 64;
    }
    Options options{argv[1], argv[2]};
    if (argc == 4) {
        options.turns = std::max<std::size_t>(1, std::strtoul(argv[3], nullptr, 10));
    }
    return run(options);
}
