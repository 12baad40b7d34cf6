// Menu text (schema: menu.proto) to plain data, with every check that does not need a running node
// (design 3.4, 3.5). Cold path; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "config/manifest_file.hpp"
#include "config/menu.hpp"
#include "config/mistake.hpp"
#include "models/manifest.hpp"

namespace tamis::config {

// What the names of a menu are checked against.
struct MenuContext {
    // Names that seeds may cut on: models::quantity_names(). Must outlive the call.
    std::span<const std::string_view> quantities;
    // Manifest of the model in a directory; its mistakes are reported with those of the menu.
    std::function<tl::expected<models::Manifest, Mistakes>(const std::filesystem::path& directory)>
        manifest_of = read_model_directory;
};

// Directories of models are relative to the menu's own directory; Menu::models holds them resolved.
[[nodiscard]] tl::expected<Menu, Mistakes> read_menu(const std::filesystem::path& file,
                                                     const MenuContext& context);

// `file` is what mistakes name and what directories are relative to; it need not exist.
[[nodiscard]] tl::expected<Menu, Mistakes> parse_menu(std::string text,
                                                      const std::filesystem::path& file,
                                                      const MenuContext& context);

// Of everything that changes a decision, or how it is reported: name, version, streams, paths,
// names of models. Not of comments, layout, descriptions, or where models lie: their contents have
// hashes of their own.
[[nodiscard]] std::uint64_t menu_hash(const Menu& menu);

}  // namespace tamis::config
