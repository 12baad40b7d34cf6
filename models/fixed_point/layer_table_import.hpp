// Makes a model of kind "axol1tl" or "cicada" of a layer table. Cold path; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "models/fixed_point/fixed_point_model.hpp"
#include "models/model_files.hpp"

namespace tamis::models {

// The file's bytes are kept as they are; the model is called after it. Working points: those of the
// file, else the published ladder of the model that the table names, else none. A point passes from
// its threshold on, as in hardware; the manifest's threshold, which is to be exceeded, therefore
// lies half of the score's last bit below. Golden vectors are exact. Errors: a file that cannot be
// read or is no table of that kind.
[[nodiscard]] tl::expected<ModelFiles, std::string> import_layer_table(
    AnomalyTrigger trigger, const std::filesystem::path& file);

}  // namespace tamis::models
