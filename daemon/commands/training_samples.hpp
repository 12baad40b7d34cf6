// What the recipes learn from when a person brings it: CSV files of features, and recordings for
// the VAE. Errors begin with the file and, where there is one, the line. Cold path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "daemon/commands/training_table.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/vae/vae_samples.hpp"

namespace tamis::daemon {

// The 21 features of background events, of a CSV file or of the events of a recording (.mcap);
// every second row is for calibration. `nuisance`: another column of the CSV or HDF5 file, what the
// score is to be independent of; empty: none.
[[nodiscard]] tl::expected<models::VaeSamples, std::string> read_vae_samples(
    const std::filesystem::path& file, const std::string& nuisance);

// Every column but the nuisance, where one is named, and one called label, which is not looked at.
// A column with one value in every row is refused unless `allow_constant`.
[[nodiscard]] tl::expected<TrainingTable, std::string> read_any_table(
    const std::filesystem::path& file, bool allow_constant, const std::string& nuisance);

// Columns of the seed filter's table form and label (1 for a true doublet). Six of ten rows, drawn
// by the seed, are for training, two for calibration, two for the test.
[[nodiscard]] tl::expected<models::DoubletSplit, std::string> read_doublet_samples(
    const std::filesystem::path& file, std::uint64_t seed);

}  // namespace tamis::daemon
