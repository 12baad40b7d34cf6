#include "daemon/commands/shared_files.hpp"

#include <fmt/core.h>

#include <cstdlib>

namespace tamis::daemon {

std::filesystem::path program_path() { return std::filesystem::read_symlink("/proc/self/exe"); }

std::filesystem::path sibling_program(const std::string& name) {
    return program_path().parent_path() / name;
}

tl::expected<std::filesystem::path, std::string> shared_files() {
    std::filesystem::path directory = program_path().parent_path() / ".." / "share" / "tamis";
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment
    if (const char* overridden = std::getenv("TAMIS_SHARE"); overridden != nullptr) {
        directory = overridden;
    }
    std::error_code error;
    if (!std::filesystem::is_directory(directory / "config" / "menus", error)) {
        return tl::unexpected(fmt::format(
            "no shipped files in {} (no directory config/menus there); set TAMIS_SHARE to the "
            "directory that holds config/ and models/",
            directory.lexically_normal().string()));
    }
    return std::filesystem::canonical(directory);
}

}  // namespace tamis::daemon
