// A model as a person names it: the directory that holds its manifest and networks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <tl/expected.hpp>

#include "daemon/commands/command.hpp"
#include "models/model.hpp"
#include "models/model_files.hpp"

namespace tamis::daemon {

// Reads, checks and loads the model; mistakes are printed and the exit status is the error.
[[nodiscard]] tl::expected<std::shared_ptr<const models::Model>, ExitStatus> open_model(
    const std::filesystem::path& directory);

// Reads networks and manifest as they lie there, after open_model.
[[nodiscard]] tl::expected<models::ModelFiles, ExitStatus> read_model_files(
    const std::filesystem::path& directory);

// Writes networks and manifest, the manifest last: a directory with one is whole. Loads them before
// and what was written after, so that nothing is left that the node would refuse; mistakes are
// printed.
enum class Say : std::uint8_t { done, nothing };
[[nodiscard]] ExitStatus write_model(const models::ModelFiles& files,
                                     const std::filesystem::path& directory, Say say = Say::done);

}  // namespace tamis::daemon
