// Reads the published weights of the VAE from a tab-separated file (name, shape, comma-separated
// values; kernels [in][out] row by row, as Keras stores them). Cold path; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "models/model_files.hpp"

namespace tamis::models {

// A model of kind "vae" named after the file, with the divergence as published, beta 0.3 and no
// working points. Errors name file and line: a row that is no weight, a value that is no finite
// number, a shape that is not the network's, a weight that is missing or given twice.
[[nodiscard]] tl::expected<ModelFiles, std::string> import_vae_tsv(
    const std::filesystem::path& file);

}  // namespace tamis::models
