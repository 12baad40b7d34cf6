// A reading of a file tried in a child process first, since a library that trusts a damaged file
// may crash or never end: the caller then has an error instead. Guards against damage, not against
// malice: the child has the rights of its parent. Cold path; any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <tl/expected.hpp>

namespace tamis::streams {

// Whatever `reading` answers is forgotten; it must be the same when done again. Errors name the
// file and the library: the child was ended by a signal, or took more than ten seconds and one
// for each MiB of the file.
[[nodiscard]] tl::expected<void, std::string> rehearse(const std::filesystem::path& file,
                                                       const std::string& library,
                                                       const std::function<void()>& reading);

}  // namespace tamis::streams
