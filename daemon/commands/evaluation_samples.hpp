// What a model is judged on: tables of its own inputs, the background first. Cold path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/feature_table.hpp"
#include "models/model.hpp"

namespace tamis::daemon {

struct SyntheticSizes {
    std::size_t background = 50'000;  // kinds vae and isolation
    std::size_t each = 50'000;        // of every other sample; other kinds: of all together
};

// Synthetic samples for the kinds that have a generator: Standard Model and signals (vae,
// isolation), jets and electrons (ringer), fake and true doublets (seed_filter). Another kind is an
// error.
[[nodiscard]] tl::expected<std::vector<models::Sample>, std::string> synthetic_evaluation_samples(
    const models::Manifest& manifest, std::uint64_t seed, const SyntheticSizes& sizes);

// From CSV files, columns ordered as the model wants them; x0, x1, ... stand for names by position.
// Errors name file, line and column. `pileup_column`: where the pile-up of a row stands; empty: it
// is not asked for.
[[nodiscard]] tl::expected<std::vector<models::Sample>, std::string> read_evaluation_samples(
    const models::Model& model, const std::filesystem::path& background,
    const std::vector<std::filesystem::path>& signals, const std::string& pileup_column = {});

// The column "score" of a table of a model's inputs.
[[nodiscard]] std::vector<float> score_rows(const models::Model& model,
                                            const models::FeatureTable& inputs);

// A table of a model's inputs: the columns of `file` in the model's order. Every value must be
// finite.
[[nodiscard]] tl::expected<models::FeatureTable, std::string> read_model_inputs(
    const models::Model& model, const std::filesystem::path& file);

}  // namespace tamis::daemon
