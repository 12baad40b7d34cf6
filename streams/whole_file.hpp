// Files that are read or written at once. Cold path; any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::streams {

// Errors name the file.
[[nodiscard]] tl::expected<std::string, std::string> read_whole_file(
    const std::filesystem::path& file);

// Written beside the name and renamed: a reader sees the file as it was, or whole, and a failure
// leaves nothing. A device is written as it is.
[[nodiscard]] tl::expected<void, std::string> write_whole_file(const std::filesystem::path& file,
                                                               std::string_view bytes);

}  // namespace tamis::streams
