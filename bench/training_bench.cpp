// Training of the engine beside libtorch: samples per second of the VAE and of both seed filters,
// one thread, in blocks of steps that alternate in one process, by processor time. Ratios are what
// to quote: of each pair of neighbouring blocks, so that a clock that wanders meets both.
#include <fmt/core.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "bench/training_jobs.hpp"
#include "engine/random.hpp"

namespace {

using tamis::bench::SeedFilterJob;
using tamis::bench::TrainingBatch;
using tamis::bench::TrainingPeer;
using tamis::bench::VaeJob;

constexpr std::size_t kBatches = 16;  // different ones, so that caches see varied rows

struct Options {
    std::size_t rounds = 15;
    double seconds_per_block = 0.15;
    std::string json;  // file; empty: none
    std::string only;  // a network's short name; empty: all
};

// Rows of one job, mini-batch by mini-batch.
class Rows {
 public:
    Rows(std::size_t mini_batch, std::int64_t row, std::int64_t features)
        : batch_(mini_batch),
          rows_(mini_batch * kBatches * static_cast<std::size_t>(row)),
          features_(mini_batch * kBatches * static_cast<std::size_t>(features)),
          labels_(features > 0 ? mini_batch * kBatches : 0) {
        for (std::size_t i = 0; i < labels_.size(); ++i) {
            labels_[i] = tamis::engine::random_uniform(3, 1, i) < 0.5F ? 0.F : 1.F;
        }
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            rows_[i] = tamis::engine::random_normal(3, 2, i);
        }
        for (std::size_t i = 0; i < features_.size(); ++i) {
            features_[i] = tamis::engine::random_normal(3, 3, i) +
                           labels_[i / static_cast<std::size_t>(features)];
        }
    }

    [[nodiscard]] TrainingBatch next() {
        const std::size_t at = next_++ % kBatches;
        const auto part = [at](const std::vector<float>& of) {
            const std::size_t size = of.size() / kBatches;
            return std::span(of).subspan(at * size, size);
        };
        return {part(rows_), part(features_), part(labels_)};
    }
    [[nodiscard]] std::size_t mini_batch() const { return batch_; }

 private:
    std::size_t batch_;
    std::vector<float> rows_, features_, labels_;
    std::size_t next_ = 0;
};

// Of this process: one thread works, and a neighbour on its core must not count.
double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double samples_per_second(TrainingPeer& peer, Rows& rows, std::size_t steps) {
    const double start = processor_seconds();
    for (std::size_t i = 0; i < steps; ++i) (void)peer.step(rows.next());
    const double spent = processor_seconds() - start;
    return static_cast<double>(steps * rows.mini_batch()) / spent;
}

// As many steps as fill a block, at least one; also the warm-up.
std::size_t steps_of_block(TrainingPeer& peer, Rows& rows, double seconds) {
    (void)samples_per_second(peer, rows, 3);
    const double rate = samples_per_second(peer, rows, 3);
    const double steps = seconds * rate / static_cast<double>(rows.mini_batch());
    return std::max<std::size_t>(1, static_cast<std::size_t>(steps));
}

double quantile(std::vector<double> values, double at) {
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(
        std::llround(at * static_cast<double>(values.size() - 1)))];
}

struct Measured {
    std::string name;
    std::size_t mini_batch = 0;
    std::vector<double> ours, theirs;  // per round
    double our_loss = 0.0, their_loss = 0.0;

    [[nodiscard]] std::vector<double> ratios() const {
        std::vector<double> all;
        for (std::size_t i = 0; i < theirs.size(); ++i) all.push_back(ours[i] / theirs[i]);
        return all;
    }
};

template <class Job>
Measured measure(const std::string& name, const Job& job, Rows rows, const Options& options) {
    const auto ours = tamis::bench::engine_peer(job, rows.mini_batch());
    const auto theirs = tamis::bench::torch_peer(job, rows.mini_batch());
    Measured measured;
    measured.name = name;
    measured.mini_batch = rows.mini_batch();
    const std::size_t our_steps = steps_of_block(*ours, rows, options.seconds_per_block);
    const std::size_t their_steps =
        theirs ? steps_of_block(*theirs, rows, options.seconds_per_block) : 0;
    for (std::size_t round = 0; round < options.rounds; ++round) {
        measured.ours.push_back(samples_per_second(*ours, rows, our_steps));
        if (theirs) measured.theirs.push_back(samples_per_second(*theirs, rows, their_steps));
    }
    measured.our_loss = ours->step(rows.next());
    if (theirs) measured.their_loss = theirs->step(rows.next());
    return measured;
}

void print(const Measured& measured) {
    fmt::print("{:<20} batch {:>4}: {:>10.0f} samples/s", measured.name, measured.mini_batch,
               quantile(measured.ours, 0.5));
    if (!measured.theirs.empty()) {
        const auto ratios = measured.ratios();
        fmt::print(", libtorch {:>9.0f}, ratio {:.2f} ({:.2f} to {:.2f})",
                   quantile(measured.theirs, 0.5), quantile(ratios, 0.5), quantile(ratios, 0.1),
                   quantile(ratios, 0.9));
        fmt::print("; losses at the end {:.4f} and {:.4f}", measured.our_loss, measured.their_loss);
    }
    fmt::print("\n");
}

std::string processor() {
    std::ifstream stream("/proc/cpuinfo");
    for (std::string line; std::getline(stream, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown processor";
}

nlohmann::json as_json(const std::vector<Measured>& all) {
    nlohmann::json list = nlohmann::json::array();
    for (const Measured& measured : all) {
        nlohmann::json entry = {{"network", measured.name},
                                {"mini_batch", measured.mini_batch},
                                {"samples_per_second", quantile(measured.ours, 0.5)},
                                {"rounds", measured.ours.size()}};
        if (!measured.theirs.empty()) {
            const auto ratios = measured.ratios();
            entry["libtorch_samples_per_second"] = quantile(measured.theirs, 0.5);
            entry["ratio"] = quantile(ratios, 0.5);
            entry["ratio_p10"] = quantile(ratios, 0.1);
            entry["ratio_p90"] = quantile(ratios, 0.9);
        }
        list.push_back(std::move(entry));
    }
    return {{"bench", "training"},
            {"threads", 1},
            {"processor", processor()},
            {"compiler", __VERSION__},
            {"libtorch", tamis::bench::torch_description()},
            {"results", std::move(list)}};
}

// OpenBLAS, which libtorch multiplies with, reads its number of threads when it is loaded.
void restart_with_one_thread(char** arguments) {
    if (std::getenv("OPENBLAS_NUM_THREADS") != nullptr) return;  // NOLINT: no thread yet
    ::setenv("OPENBLAS_NUM_THREADS", "1", 1);                    // NOLINT
    ::setenv("OMP_NUM_THREADS", "1", 1);                         // NOLINT
    ::execv("/proc/self/exe", arguments);
}

void pin_to_last_core() {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
    for (int core = CPU_SETSIZE; core-- > 0;) {
        if (!CPU_ISSET(core, &allowed)) continue;
        CPU_ZERO(&allowed);
        CPU_SET(core, &allowed);
        sched_setaffinity(0, sizeof(allowed), &allowed);
        return;
    }
}

std::optional<Options> read_options(int count, char** arguments) {
    Options options;
    for (int i = 1; i < count; i += 2) {
        const std::string name = arguments[i];
        if (i + 1 == count) return {};
        if (name == "--rounds") {
            options.rounds = std::strtoul(arguments[i + 1], nullptr, 10);
        } else if (name == "--seconds-per-block") {
            options.seconds_per_block = std::strtod(arguments[i + 1], nullptr);
        } else if (name == "--json") {
            options.json = arguments[i + 1];
        } else if (name == "--only") {
            options.only = arguments[i + 1];
        } else {
            return {};
        }
    }
    if (options.rounds == 0) return {};
    return options;
}

std::vector<Measured> measure_all(const Options& options) {
    std::vector<Measured> all;
    const auto add = [&](Measured measured) {
        print(measured);
        all.push_back(std::move(measured));
    };
    const auto wanted = [&](const char* name) {
        return options.only.empty() || options.only == name;
    };
    const VaeJob vae;
    if (wanted("vae")) {
        add(measure("VAE 21-50-50-8", vae, Rows(128, vae.features, 0), options));
    }
    const auto images = [] {
        return Rows(64, tamis::bench::kImageSize, tamis::bench::kExpertFeatures);
    };
    if (wanted("light")) {
        add(measure("seed filter light", SeedFilterJob{{{16}, {32}}}, images(), options));
    }
    if (wanted("heavy")) {
        add(measure("seed filter heavy", SeedFilterJob{{{64, 64}, {128, 128}}}, images(), options));
    }
    return all;
}

}  // namespace

int main(int count, char** arguments) {
    restart_with_one_thread(arguments);
    const auto options = read_options(count, arguments);
    if (!options) {
        fmt::print(stderr,
                   "training_bench [--rounds N] [--seconds-per-block S] [--json FILE] [--only "
                   "vae|light|heavy]\n");
        return 64;
    }
    pin_to_last_core();
    fmt::print("{}, GNU {}, one thread, {} rounds, libtorch: {}\n", processor(), __VERSION__,
               options->rounds, tamis::bench::torch_description());
    try {
        const auto all = measure_all(*options);
        if (!options->json.empty()) std::ofstream(options->json) << as_json(all).dump(2) << "\n";
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
    return 0;
}
