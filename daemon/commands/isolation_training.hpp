// Of `tamis train isolation`: its own options and its recipe. Cold path.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "models/model_files.hpp"
#include "models/vae/vae_samples.hpp"

namespace tamis::daemon {

// Zero or empty: the recipe's own.
struct IsolationTrainOptions {
    std::filesystem::path encoder;
    std::size_t points = 0, neighbours = 0;
    std::string latent;
};

void add_isolation_options(CLI::App& command, IsolationTrainOptions& options);
// Those that differ from the recipe's own, as they would be typed again.
[[nodiscard]] std::string isolation_options_text(const IsolationTrainOptions& options);

// `seed` 0: the recipe's own.
[[nodiscard]] tl::expected<models::ModelFiles, std::string> train_isolation(
    const IsolationTrainOptions& options, const models::VaeSamples& samples, std::uint64_t seed);

}  // namespace tamis::daemon
