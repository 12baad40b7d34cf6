#include "daemon/commands/ringer_training.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/commands/training_table.hpp"
#include "models/ringer/ringer_recipe.hpp"
#include "streams/table_file.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kLeastProbes = 200;

using models::ShowerShapes;
struct ShapeColumn {
    const char* name;
    float ShowerShapes::*field;
};
constexpr std::array<ShapeColumn, 8> kShapeColumns = {{
    {"e237", &ShowerShapes::e237},
    {"e277", &ShowerShapes::e277},
    {"emaxs1", &ShowerShapes::emaxs1},
    {"e2tsts1", &ShowerShapes::e2tsts1},
    {"f1", &ShowerShapes::f1},
    {"ehad1", &ShowerShapes::ehad1},
    {"roi_delta_eta", &ShowerShapes::roi_delta_eta},
    {"roi_delta_phi", &ShowerShapes::roi_delta_phi},
}};
constexpr std::size_t kNeededShapes = 6;  // the region of interest may be missing

// The shapes that the file has: none, the six of the calorimeter, or all. With one of the six all
// six are wanted, so that the reader names those that are missing.
std::vector<ShapeColumn> shape_columns_of(const streams::NumberTable& table) {
    const auto is_there = [&](const ShapeColumn& column) {
        return table.find_column(column.name).has_value();
    };
    std::vector<ShapeColumn> columns;
    const auto* const roi = kShapeColumns.begin() + kNeededShapes;
    if (std::any_of(kShapeColumns.begin(), kShapeColumns.end(), is_there)) {
        columns.assign(kShapeColumns.begin(), roi);
    }
    if (std::any_of(roi, kShapeColumns.end(), is_there)) {
        columns.insert(columns.end(), roi, kShapeColumns.end());
    }
    return columns;
}

std::string edges_text(const char* option, const std::vector<double>& edges) {
    return edges.empty() ? std::string() : fmt::format(" {} {}", option, fmt::join(edges, ","));
}

}  // namespace

void add_ringer_options(CLI::App& command, RingerTrainOptions& options) {
    auto* group = command.add_option_group("ringer", "Of ringer alone");
    group->add_option("--folds", options.folds, "Stratified folds, each validates once")
        ->check(CLI::Range(2, 50));
    group->add_option("--initialisations", options.initialisations, "First weights of each fold")
        ->check(CLI::Range(1, 50));
    group
        ->add_option("--normalisation", options.normalisation,
                     "none, absolute_sum, signed_sum or sequential")
        ->check(CLI::IsMember({"none", "absolute_sum", "signed_sum", "sequential"}));
    group->add_flag("--half-rings", options.half_rings, "The 50 inner rings alone");
    group->add_option("--et-edges", options.et_edges, "Of the bins, GeV, by commas")
        ->delimiter(',');
    group->add_option("--eta-edges", options.eta_edges, "Likewise of |eta|")->delimiter(',');
    group->add_option("--least-clusters", options.least_clusters,
                      "Of each class in a bin; with fewer it learns from all ET of its |eta|");
    group
        ->add_option("--relax", options.relaxation,
                     "Part of what the cut-based selection loses that thresholds keep (0.4 in "
                     "Run 3 of ATLAS)")
        ->check(CLI::Range(0.0, 1.0));
    group
        ->add_option("--cut-chain", options.cut_chain_gev,
                     "Threshold in GeV of the chain whose cut tables are taken; default: by the ET "
                     "of each cluster")
        ->check(CLI::PositiveNumber);
    group
        ->add_option("--test-share", options.test_share,
                     "Share of the clusters for the report alone")
        ->check(CLI::Range(0.0, 0.9));
}

std::string ringer_options_text(const RingerTrainOptions& options) {
    std::string text;
    if (options.folds != 0) {
        text += fmt::format(" --folds {}", options.folds);
    }
    if (options.initialisations != 0) {
        text += fmt::format(" --initialisations {}", options.initialisations);
    }
    if (!options.normalisation.empty()) {
        text += " --normalisation " + options.normalisation;
    }
    text += options.half_rings ? " --half-rings" : "";
    text += edges_text("--et-edges", options.et_edges);
    text += edges_text("--eta-edges", options.eta_edges);
    if (options.least_clusters != 0) {
        text += fmt::format(" --least-clusters {}", options.least_clusters);
    }
    if (options.relaxation != 0) {
        text += fmt::format(" --relax {}", options.relaxation);
    }
    if (options.cut_chain_gev != 0) {
        text += fmt::format(" --cut-chain {}", options.cut_chain_gev);
    }
    if (options.test_share >= 0) {
        text += fmt::format(" --test-share {}", options.test_share);
    }
    return text;
}

tl::expected<models::ModelFiles, std::string> train_ringer_model(
    const TrainScale& scale, const RingerTrainOptions& options,
    const std::function<void(const std::string& line)>& on_progress) {
    models::RingerRecipe recipe;
    const auto set = [](auto& value, auto wanted) { value = wanted != 0 ? wanted : value; };
    set(recipe.seed, scale.seed);
    set(recipe.events, scale.events);
    set(recipe.training.training.max_epochs, scale.epochs);
    set(recipe.training.folds, options.folds);
    set(recipe.training.initialisations, options.initialisations);
    set(recipe.least_clusters, options.least_clusters);
    recipe.half_rings = options.half_rings;
    recipe.relaxation = options.relaxation;
    if (options.cut_chain_gev != 0) {
        recipe.cut_chain_gev = options.cut_chain_gev;
    }
    recipe.test_share = options.test_share >= 0 ? options.test_share : recipe.test_share;
    if (!options.et_edges.empty()) {
        recipe.et_edges_gev = options.et_edges;
    }
    if (!options.eta_edges.empty()) {
        recipe.eta_edges = options.eta_edges;
    }
    if (!options.normalisation.empty()) {
        recipe.normalisation = *models::find_ring_normalisation(options.normalisation);
    }
    if (!scale.input.empty()) {
        auto samples = read_ringer_samples(scale.input);
        if (!samples) {
            return tl::unexpected(samples.error());
        }
        recipe.samples = *std::move(samples);
        recipe.data = scale.input.filename().string();
    }
    return models::train_ringer(recipe, on_progress);
}

tl::expected<std::vector<models::RingerSample>, std::string> read_ringer_samples(
    const std::filesystem::path& file) {
    const auto table = streams::read_table_file(file);
    if (!table) {
        return tl::unexpected(table.error());
    }
    TrainingColumns columns;
    columns.features = {"et", "eta", "average_mu"};
    const std::size_t first_shape = columns.features.size();
    const std::vector<ShapeColumn> shapes = shape_columns_of(*table);
    for (const ShapeColumn& shape : shapes) {
        columns.features.emplace_back(shape.name);
    }
    const std::size_t first_ring = columns.features.size();
    columns.may_be_constant = first_ring;
    for (std::size_t ring = 0; ring < models::kRingCount; ++ring) {
        columns.features.push_back(fmt::format("ring{}", ring));
    }
    columns.label = "label";
    columns.least_rows = kLeastProbes;
    const auto read = select_training_table(*table, columns);
    if (!read) {
        return tl::unexpected(read.error());
    }
    std::vector<models::RingerSample> samples(read->features.rows());
    for (std::size_t row = 0; row < samples.size(); ++row) {
        const auto values = read->features.row(row);
        models::RingerSample& sample = samples[row];
        sample.et = values[0];
        sample.eta = values[1];
        sample.average_mu = values[2];
        sample.is_electron = read->labels[row] != 0;
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first_ring), models::kRingCount,
                    sample.rings.begin());
        if (!shapes.empty()) {
            ShowerShapes& found = sample.shapes.emplace();
            for (std::size_t i = 0; i < shapes.size(); ++i) {
                found.*shapes[i].field = values[first_shape + i];
            }
        }
    }
    return samples;
}

}  // namespace tamis::daemon
