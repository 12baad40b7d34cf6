// Makes a model of kind "onnx" of any network the engine reads. Cold path; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "models/model_files.hpp"

namespace tamis::models {

// The file's bytes are kept as they are. Name and schema are the file's stem; the row has no names
// (x0, x1, ...), the score is the first element of the first output, there are no working points:
// all that is the manifest's to edit. Golden vectors are made of two rows. Errors: a file that
// cannot be read, an operator the engine lacks, a network whose answer is not finite.
[[nodiscard]] tl::expected<ModelFiles, std::string> import_onnx(const std::filesystem::path& file);

}  // namespace tamis::models
