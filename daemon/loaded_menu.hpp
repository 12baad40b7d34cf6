// A menu with its models, loaded and compiled: what decides. Cold path.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/menu.hpp"
#include "daemon/trigger_menu.hpp"
#include "models/model.hpp"

namespace tamis::daemon {

struct LoadedMenu {
    config::Menu text;  // as it was read
    std::vector<std::shared_ptr<const models::Model>> models;
    TriggerMenu compiled;
};

// Loads every model of the menu (hashes, shapes, golden vectors) and compiles the paths. All
// mistakes at once; each names what it is about.
[[nodiscard]] tl::expected<LoadedMenu, std::vector<std::string>> load_menu(config::Menu menu);

}  // namespace tamis::daemon
