// Of `tamis train ringer`: its own options, its sample from a file, its recipe. Cold path.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model_files.hpp"
#include "models/ringer/ringer_samples.hpp"

namespace tamis::daemon {

// Zero, empty or negative: the recipe's own.
struct RingerTrainOptions {
    std::size_t folds = 0, initialisations = 0;
    std::string normalisation;
    bool half_rings = false;
    std::vector<double> et_edges, eta_edges;
    std::size_t least_clusters = 0;
    double relaxation = 0;
    double cut_chain_gev = 0;
    double test_share = -1;
};

void add_ringer_options(CLI::App& command, RingerTrainOptions& options);
// Those that differ from the recipe's own, as they would be typed again.
[[nodiscard]] std::string ringer_options_text(const RingerTrainOptions& options);

// What kinds of model have in common.
struct TrainScale {
    std::filesystem::path input;  // empty: synthetic
    std::uint64_t seed = 0;
    std::size_t events = 0;
    std::size_t epochs = 0;
};

[[nodiscard]] tl::expected<models::ModelFiles, std::string> train_ringer_model(
    const TrainScale& scale, const RingerTrainOptions& options,
    const std::function<void(const std::string& line)>& on_progress);

// Columns et, eta, average_mu, ring0 to ring99 and label (1 for an electron); with e237, e277,
// emaxs1, e2tsts1, f1 and ehad1 also the cut-based selection can judge, with roi_delta_eta and
// roi_delta_phi by the distance to the region of interest too. Energies in GeV.
[[nodiscard]] tl::expected<std::vector<models::RingerSample>, std::string> read_ringer_samples(
    const std::filesystem::path& file);

}  // namespace tamis::daemon
