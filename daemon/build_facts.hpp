// What this program was built from, told by CMake.
#pragma once

#include <string_view>

namespace tamis::daemon {

[[nodiscard]] std::string_view build_version() noexcept;
[[nodiscard]] std::string_view build_compiler() noexcept;
[[nodiscard]] std::string_view build_type() noexcept;

}  // namespace tamis::daemon
