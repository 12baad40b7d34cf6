// Writes a ringer in the layout that ringer_athena.hpp reads: numbers in the shortest form that
// reads back to the same bits, network files byte for byte in models/. What was written reads back
// to a model that is written the same. Cold path; any thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model_files.hpp"

namespace tamis::models {

struct AthenaFile {
    std::string path;  // below the directory of the tuning
    std::string bytes;
};

// Error: the model is no ringer or says what the layout cannot: another normalisation, a last
// activation, thresholds that pass when equalled, a name that stands for two networks.
[[nodiscard]] tl::expected<std::vector<AthenaFile>, std::string> export_athena_ringer(
    const ModelFiles& files);

// Two different networks of one name would overwrite each other.
[[nodiscard]] tl::expected<void, std::string> check_network_names(const ModelFiles& files);

}  // namespace tamis::models
