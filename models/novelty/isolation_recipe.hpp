// A model of kind "isolation" from a VAE and background events: some of them become the reference
// sample, others set the working points. The same VAE, samples and seed give the same bytes on one
// machine. Cold path; one thread; seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/calibration.hpp"
#include "models/model_files.hpp"
#include "models/vae/vae_samples.hpp"

namespace tamis::models {

struct IsolationRecipe {
    std::string name = "isolation";
    std::size_t points = 1000;    // of the reference sample, drawn by the seed; all where there
                                  // are fewer events
    std::size_t neighbours = 10;  // that a distance is the mean of
    std::string latent = "mu";    // the network's output that is the place of an event
    std::uint64_t seed = 1;
    std::vector<WantedPoint> working_points = {
        {"very_loose", 3e-2}, {"loose", 1e-2}, {"medium", 1e-3}, {"tight", 1e-4}};
};

// The part of a VAE's network that makes the output `latent`. Error: another kind of model, no such
// output.
[[nodiscard]] tl::expected<engine::Graph, std::string> isolation_encoder(const ModelFiles& vae,
                                                                         const std::string& latent);

// `vae`: the files of a model of kind vae, which stay as they are. samples.training: where the
// reference is drawn from; samples.calibration: background for the working points; signals: for
// efficiencies and the report. Errors: another kind, no such output, fewer events than points and
// neighbours take, a table without one of the 21 columns, an event without a finite place.
[[nodiscard]] tl::expected<ModelFiles, std::string> make_isolation_model(
    const ModelFiles& vae, const VaeSamples& samples, const IsolationRecipe& recipe);

}  // namespace tamis::models
