// tamis novelty: how isolated accepted events are from a reference sample in the latent space of a
// model, how clustered among those accepted before them, and both (arXiv:1807.10261). Clustering
// depends on what came before, so this is for afterwards and no trigger decision.
#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/commands/evaluation_samples.hpp"
#include "daemon/commands/model_directory.hpp"
#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "models/novelty/novelty_evaluation.hpp"
#include "streams/csv_table.hpp"

namespace tamis::daemon {

namespace {

struct NoveltyOptions {
    std::filesystem::path model, reference, input, output;
    std::string latent = "mu";
    models::NoveltySettings settings;
    std::size_t most_named = 5;
    bool json = false;
};

// Where a network puts rows of features.
class LatentSpace {
 public:
    static tl::expected<LatentSpace, std::string> open(const NoveltyOptions& options,
                                                       const models::Manifest& manifest) {
        const auto file = options.model / manifest.networks[0].file;
        const auto graph = engine::read_onnx_file(file);
        if (!graph) {
            return tl::unexpected(graph.error());
        }
        auto network = engine::Network::compile(*graph, {.max_batch = kBatch});
        if (!network) {
            return tl::unexpected(network.error());
        }
        const auto outputs = (*network)->outputs();
        const auto port = std::ranges::find(outputs, options.latent, &engine::NetworkPort::name);
        const bool takes_features = (*network)->inputs().size() == 1 &&
                                    !manifest.features.empty() &&
                                    (*network)->inputs()[0].row_size == manifest.features.size();
        if (port == outputs.end() || !takes_features) {
            std::string names;
            for (const auto& output : outputs) {
                names += (names.empty() ? "" : ", ") + output.name;
            }
            return tl::unexpected(fmt::format(
                "{}: {} (its outputs are {}); give a model whose network turns its features into "
                "the output named by --latent",
                file.string(),
                port == outputs.end() ? "no output " + options.latent
                                      : std::string("its input is no row of the features"),
                names));
        }
        return LatentSpace(*std::move(network), static_cast<std::size_t>(port - outputs.begin()),
                           manifest.features);
    }

    [[nodiscard]] std::size_t width() const { return network_->outputs()[port_].row_size; }

    // Points of the rows, one after the other; the error names the first row without one.
    [[nodiscard]] tl::expected<std::vector<double>, std::string> points(
        const models::FeatureTable& table, const std::filesystem::path& file) const {
        engine::NetworkRunner runner(network_);
        std::vector<double> points;
        for (std::size_t first = 0; first < table.rows(); first += kBatch) {
            const std::size_t rows = std::min(kBatch, table.rows() - first);
            for (std::size_t row = 0; row < rows; ++row) {
                write_row(table.row(first + row), runner.input(0).subspan(row * features_.size()));
            }
            if (runner.run(rows) == engine::RunStatus::failed) {
                return tl::unexpected(std::string("the network cannot run here"));
            }
            for (std::size_t row = 0; row < rows; ++row) {
                if (!runner.row_is_finite(row)) {
                    return tl::unexpected(
                        fmt::format("{}:{}: has no finite place in the latent space; leave it out",
                                    file.string(), first + row + 2));
                }
            }
            const auto made = runner.output(port_).first(rows * width());
            points.insert(points.end(), made.begin(), made.end());
        }
        return points;
    }

 private:
    static constexpr std::size_t kBatch = 64;

    LatentSpace(std::shared_ptr<const engine::Network> network, std::size_t port,
                std::vector<models::FeatureSpec> features)
        : network_(std::move(network)), port_(port), features_(std::move(features)) {}

    void write_row(std::span<const float> row, std::span<float> input) const {
        for (std::size_t i = 0; i < features_.size(); ++i) {
            input[i] = static_cast<float>((row[i] - features_[i].offset) / features_[i].scale);
        }
    }

    std::shared_ptr<const engine::Network> network_;
    std::size_t port_;
    std::vector<models::FeatureSpec> features_;
};

tl::expected<models::NoveltyScores, std::string> judge(const NoveltyOptions& options,
                                                       const models::Model& model,
                                                       const LatentSpace& space) {
    const auto points_of = [&](const std::filesystem::path& file) {
        return read_model_inputs(model, file).and_then([&](const models::FeatureTable& table) {
            return space.points(table, file);
        });
    };
    auto known = points_of(options.reference);
    if (!known) {
        return tl::unexpected(known.error());
    }
    const auto accepted = points_of(options.input);
    if (!accepted) {
        return tl::unexpected(accepted.error());
    }
    const auto reference = models::IsolationReference::make(*std::move(known), space.width(),
                                                            options.settings.neighbours);
    if (!reference) {
        return tl::unexpected(fmt::format("{}: {}", options.reference.string(), reference.error()));
    }
    return models::evaluate_novelty(*reference, *accepted, options.settings);
}

tl::expected<void, std::string> write_scores(const models::NoveltyScores& scores,
                                             const std::filesystem::path& file) {
    const std::vector<std::string> columns = {"isolation", "clustering", "isolation_unit",
                                              "clustering_unit", "combined"};
    std::vector<float> values;
    for (std::size_t event = 0; event < scores.isolation.size(); ++event) {
        for (const auto* column : {&scores.isolation, &scores.clustering, &scores.isolation_unit,
                                   &scores.clustering_unit, &scores.combined}) {
            values.push_back(static_cast<float>((*column)[event]));
        }
    }
    return streams::write_csv_table(file, columns, values);
}

// Rows of the input, from 1, the largest combined score first.
std::vector<std::size_t> most_novel(const models::NoveltyScores& scores, std::size_t most) {
    std::vector<std::size_t> events;
    for (std::size_t event = 0; event < scores.combined.size(); ++event) {
        if (!std::isnan(scores.combined[event])) {
            events.push_back(event);
        }
    }
    std::ranges::stable_sort(events, [&](std::size_t a, std::size_t b) {
        return scores.combined[a] > scores.combined[b];
    });
    events.resize(std::min(most, events.size()));
    return events;
}

void print_result(const NoveltyOptions& options, const models::NoveltyScores& scores) {
    nlohmann::ordered_json json;
    json["events"] = scores.isolation.size();
    json["isolation_scale"] = scores.isolation_scale;
    json["clustering_scale"] = scores.clustering_scale;
    for (const std::size_t event : most_novel(scores, options.most_named)) {
        json["most_novel"].push_back({{"row", event + 1},
                                      {"isolation", scores.isolation[event]},
                                      {"clustering", scores.clustering[event]},
                                      {"combined", scores.combined[event]}});
    }
    if (options.json) {
        fmt::print("{}\n", json.dump());
        return;
    }
    fmt::print("{} events; root mean square of isolation {:.4g}, of clustering {:.4g}\n",
               scores.isolation.size(), scores.isolation_scale, scores.clustering_scale);
    for (const auto& event : json.value("most_novel", nlohmann::ordered_json::array())) {
        fmt::print("row {}: combined {:.4f}, isolation {:.4g}, clustering {:.4g}\n",
                   event["row"].get<std::size_t>(), event["combined"].get<double>(),
                   event["isolation"].get<double>(), event["clustering"].get<double>());
    }
}

ExitStatus novelty(const NoveltyOptions& options) {
    for (const auto& file : {options.reference, options.input}) {
        if (!std::filesystem::exists(file)) {
            return fail(EX_NOINPUT, fmt::format("{}: no such file", file.string()));
        }
    }
    const auto model = open_model(options.model);
    if (!model) {
        return model.error();
    }
    const auto space = LatentSpace::open(options, (*model)->manifest());
    if (!space) {
        return fail(EX_DATAERR, space.error());
    }
    const auto scores = judge(options, **model, *space);
    if (!scores) {
        return fail(EX_DATAERR, scores.error());
    }
    if (const auto written = write_scores(*scores, options.output); !written) {
        return fail(EX_IOERR, written.error());
    }
    print_result(options, *scores);
    return EX_OK;
}

}  // namespace

void add_novelty(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "novelty", "How isolated and how clustered accepted events are in a model's latent space");
    auto options = std::make_shared<NoveltyOptions>();
    command->add_option("model", options->model, "Directory of the model")->required();
    command
        ->add_option("--reference", options->reference,
                     "CSV file of inputs of ordinary events, some 10,000")
        ->required();
    command
        ->add_option("--input", options->input,
                     "CSV file of inputs of accepted events in the order of their acceptance")
        ->required();
    command
        ->add_option("--output", options->output,
                     "CSV file to write: isolation, clustering, both from 0 to 1, combined")
        ->required();
    command->add_option("--latent", options->latent, "Output of the network that is the point")
        ->capture_default_str();
    command
        ->add_option("--neighbours", options->settings.neighbours,
                     "Points that a distance is the mean of")
        ->capture_default_str();
    command
        ->add_option("--buffer", options->settings.buffer,
                     "Accepted events that the next is compared with")
        ->capture_default_str();
    command->add_option("--top", options->most_named, "How many of the most novel to name")
        ->capture_default_str();
    command->add_flag("--json", options->json, "The result as JSON");
    command->footer(
        "Example:\n  tamis novelty models/shipped/vae --reference background.csv --input "
        "accepted.csv --output novelty.csv --buffer 500");
    command->callback([options, &status] { status = novelty(*options); });
}

}  // namespace tamis::daemon
