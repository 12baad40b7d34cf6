// What this program was built from, told by CMake, and what it runs on.
#pragma once

#include <string>
#include <string_view>

namespace tamis::daemon {

[[nodiscard]] std::string_view build_version() noexcept;
[[nodiscard]] std::string_view build_compiler() noexcept;
[[nodiscard]] std::string_view build_type() noexcept;
// "AMD EPYC ...", as the system names it. Cold path.
[[nodiscard]] std::string processor_name();

}  // namespace tamis::daemon
