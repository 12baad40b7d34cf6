#include "daemon/commands/menu_file.hpp"

#include <fmt/core.h>
#include <sysexits.h>

#include <iostream>
#include <utility>

#include "config/menu_reader.hpp"
#include "models/event_inputs.hpp"

namespace tamis::daemon {

tl::expected<LoadedMenu, ExitStatus> open_menu(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) {
        return tl::unexpected(fail(EX_NOINPUT, fmt::format("{}: no such file", file.string())));
    }
    config::MenuContext context;
    context.quantities = models::quantity_names();
    auto menu = config::read_menu(file, context);
    if (!menu) {
        std::cerr << config::to_string(menu.error());
        return tl::unexpected(EX_CONFIG);
    }
    auto loaded = load_menu(*std::move(menu));
    if (!loaded) {
        for (const auto& mistake : loaded.error()) {
            fail(EX_CONFIG, mistake);
        }
        return tl::unexpected(EX_CONFIG);
    }
    return *std::move(loaded);
}

}  // namespace tamis::daemon
