#include "daemon/loaded_menu.hpp"

#include <utility>

#include "config/manifest_file.hpp"
#include "models/model_loader.hpp"

namespace tamis::daemon {

tl::expected<LoadedMenu, std::vector<std::string>> load_menu(config::Menu menu) {
    std::vector<std::string> mistakes;
    std::vector<std::shared_ptr<const models::Model>> loaded;
    std::vector<const models::Model*> pointers;
    for (const config::MenuModel& model : menu.models) {
        const auto manifest = config::read_model_directory(model.directory);
        if (!manifest) {
            for (const config::Mistake& mistake : manifest.error()) {
                mistakes.push_back(config::to_string(mistake));
            }
            continue;
        }
        auto made = models::load_model(*manifest, model.directory);
        if (!made) {
            mistakes.push_back(
                std::string("model ").append(model.name).append(": ").append(made.error()));
            continue;
        }
        pointers.push_back(made->get());
        loaded.push_back(std::move(*made));
    }
    if (!mistakes.empty()) {
        return tl::unexpected(std::move(mistakes));
    }
    return TriggerMenu::compile(menu, pointers).map([&](TriggerMenu&& compiled) {
        return LoadedMenu{
            .text = std::move(menu), .models = std::move(loaded), .compiled = std::move(compiled)};
    });
}

}  // namespace tamis::daemon
