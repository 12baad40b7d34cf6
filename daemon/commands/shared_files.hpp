// Where the files that Tamis ships lie: menus, deployments and models. Beside the program:
// ../share/tamis in an installation and in the build tree alike; TAMIS_SHARE overrides it.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

namespace tamis::daemon {

// Directory that holds config/menus, config/deployments and models/shipped.
[[nodiscard]] tl::expected<std::filesystem::path, std::string> shared_files();

// The running program's own path, and a program that lies beside it.
[[nodiscard]] std::filesystem::path program_path();
[[nodiscard]] std::filesystem::path sibling_program(const std::string& name);

}  // namespace tamis::daemon
