// Makes a model of kind "onnx" of any network the engine reads. Cold path; any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model_files.hpp"

namespace tamis::models {

// What the manifest is to say; the file says the rest.
struct NetworkImport {
    std::string name;                   // empty: the file's stem
    std::string schema;                 // of FEATURES payloads; empty: the name
    std::vector<std::string> features;  // names of the row in order; empty: x0, x1, ...
    std::string output;                 // that the score is made of; empty: the first
    std::string reduction;              // as in network_model.hpp without "score."; empty: element
    std::size_t element = 0;            // of the output, where no reduction is named
};

// The file's bytes are kept as they are; there are no working points (tamis calibrate sets them).
// Golden vectors are made of two rows. Errors: a file that cannot be read, an operator the engine
// lacks, an output or a reduction that is not there, a network whose answer is not finite.
[[nodiscard]] tl::expected<ModelFiles, std::string> import_onnx(const std::filesystem::path& file,
                                                                const NetworkImport& wanted = {});

}  // namespace tamis::models
