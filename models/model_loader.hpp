// From a directory to a model that may be trusted (design 3.6): hash of every file, shapes, golden
// vectors. Cold path; any thread. The caller keeps its model when the new one is refused.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/model.hpp"

namespace tamis::models {

// Larger network files are refused unread.
inline constexpr std::size_t kMaxNetworkBytes = std::size_t{256} << 20;

// The bytes of one network file, its hash not looked at. The error names the file.
[[nodiscard]] tl::expected<std::string, std::string> read_network_file(
    const NetworkFile& entry, const std::filesystem::path& directory);

// Errors: a file that is missing, too large, outside the directory or of another hash; a network
// the engine refuses; what the kind of model refuses; an answer off its golden vector. The message
// names the file and says what would be right.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_model(
    const Manifest& manifest, const std::filesystem::path& directory);

// As load_model, from contents in memory in the manifest's order.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_model(
    const Manifest& manifest, const std::vector<std::string>& networks);

// Scores every golden vector of the manifest; an answer may differ by relative_tolerance of the
// expected value, or of 1 where that is smaller. The error names vector, column and both values.
[[nodiscard]] tl::expected<void, std::string> check_golden_vectors(const Model& model);

}  // namespace tamis::models
