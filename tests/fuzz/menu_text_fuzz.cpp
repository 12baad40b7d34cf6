// Any text as a menu: it is read, or refused with places inside it and both halves of a message;
// the same text gives the same answer.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <string>

#include "config/menu_reader.hpp"

namespace {

using namespace tamis;

constexpr auto kQuantities = std::to_array<std::string_view>(
    {"met", "n_clusters", "leading_cluster_et", "n_jets", "n_muons", "n_doublets", "n_leptons",
     "leading_muon_pt", "leading_lepton_pt", "passes_lepton_trigger"});

tl::expected<models::Manifest, config::Mistakes> any_model(const std::filesystem::path&) {
    models::Manifest manifest;
    for (const char* name : {"tight", "medium", "loose"}) {
        manifest.working_points.push_back({.name = name, .bins = {}});
    }
    return manifest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const config::MenuContext context{.quantities = kQuantities, .manifest_of = any_model};
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto menu = config::parse_menu(text, "menu.pbtxt", context);
    if (menu) {
        Ensures(!menu->paths.empty() && !menu->streams.empty() && menu->streams.size() <= 64);
        Ensures(menu->hash == config::menu_hash(*menu) && menu->text == text);
        return 0;
    }
    const auto lines = 2 + std::count(text.begin(), text.end(), '\n');
    Ensures(!menu.error().empty());
    for (const config::Mistake& mistake : menu.error()) {
        Ensures(mistake.line >= 1 && mistake.line <= lines && mistake.column >= 1);
        Ensures(!mistake.problem.empty() && !mistake.remedy.empty());
    }
    const auto again = config::parse_menu(text, "menu.pbtxt", context);
    Ensures(!again && to_string(again.error()) == to_string(menu.error()));
    return 0;
}
