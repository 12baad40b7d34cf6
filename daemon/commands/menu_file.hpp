// A menu as a person names it: its file.
#pragma once

#include <filesystem>
#include <tl/expected.hpp>

#include "daemon/commands/command.hpp"
#include "daemon/loaded_menu.hpp"

namespace tamis::daemon {

// Reads and checks the menu, loads its models and compiles it; mistakes are printed and the exit
// status is the error.
[[nodiscard]] tl::expected<LoadedMenu, ExitStatus> open_menu(const std::filesystem::path& file);

}  // namespace tamis::daemon
