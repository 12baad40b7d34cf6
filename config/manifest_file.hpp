// The manifest of a model as text, the schema of which is manifest.proto (design 3.6). Cold path;
// any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/mistake.hpp"
#include "models/manifest.hpp"

namespace tamis::config {

// The file that makes a directory a model.
inline constexpr std::string_view kManifestFileName = "manifest.pbtxt";

// Text to manifest, checked: names given once, edges in order, scales not 0, numbers finite, files
// inside the model's own directory. `file` is what mistakes name. Whether the network files exist
// and match their hashes is the loader's question.
[[nodiscard]] tl::expected<models::Manifest, Mistakes> parse_manifest(std::string text,
                                                                      const std::string& file);

[[nodiscard]] tl::expected<models::Manifest, Mistakes> read_manifest(
    const std::filesystem::path& file);

// read_manifest of directory / kManifestFileName; a missing directory is told apart.
[[nodiscard]] tl::expected<models::Manifest, Mistakes> read_model_directory(
    const std::filesystem::path& directory);

// The same manifest gives the same bytes; every number reads back exactly.
[[nodiscard]] std::string manifest_text(const models::Manifest& manifest);

// Written beside and renamed, so that no reader sees half a file. The error says which step failed.
[[nodiscard]] tl::expected<void, std::string> write_manifest(const models::Manifest& manifest,
                                                             const std::filesystem::path& file);

}  // namespace tamis::config
