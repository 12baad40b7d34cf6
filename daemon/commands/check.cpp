// tamis check: the start of a node without the node. Runs the very code that tamisd runs before it
// opens a socket.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/deployment_warnings.hpp"
#include "daemon/commands/command.hpp"
#include "daemon/commands/menu_file.hpp"
#include "daemon/node_configuration.hpp"

namespace tamis::daemon {

namespace {

struct CheckOptions {
    std::vector<std::filesystem::path> files;
    bool as_menu = false;
    bool json = false;
};

void print_menu(const LoadedMenu& menu, const std::filesystem::path& file, bool json) {
    if (json) {
        nlohmann::ordered_json result{{"file", file.string()},
                                      {"menu", menu.text.name},
                                      {"version", menu.text.version},
                                      {"hash", fmt::format("{:016x}", menu.text.hash)},
                                      {"paths", menu.text.paths.size()},
                                      {"streams", menu.text.streams.size()},
                                      {"models", nlohmann::ordered_json::array()}};
        for (std::size_t index = 0; index < menu.models.size(); ++index) {
            result["models"].push_back(
                {{"name", menu.text.models[index].name},
                 {"hash", fmt::format("{:016x}", menu.models[index]->hash())}});
        }
        fmt::print("{}\n", result.dump());
        return;
    }
    fmt::print("{}: ok: menu {} version {} ({:016x}), {} paths, {} streams, {} models loaded\n",
               file.string(), menu.text.name, menu.text.version, menu.text.hash,
               menu.text.paths.size(), menu.text.streams.size(), menu.models.size());
}

ExitStatus check_file(const std::filesystem::path& file, const CheckOptions& options) {
    if (options.as_menu) {
        const auto menu = open_menu(file);
        if (!menu) {
            return menu.error();
        }
        print_menu(*menu, file, options.json);
        return EX_OK;
    }
    if (!std::filesystem::exists(file)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", file.string()));
    }
    const auto node = load_node(file);
    if (!node) {
        std::cerr << node.error().text;
        return node.error().exit_status;
    }
    for (const std::string& warning : config::warnings_of(node->deployment)) {
        std::cerr << file.string() << ": warning: " << warning << '\n';
    }
    print_menu(node->menu, file, options.json);
    return EX_OK;
}

}  // namespace

void add_check(CLI::App& program, ExitStatus& status) {
    auto* command = program.add_subcommand(
        "check", "Check deployment or menu files as the start of a node does");
    auto options = std::make_shared<CheckOptions>();
    command->add_option("files", options->files, "Deployment files, or menus with --menu")
        ->required();
    command->add_flag("--menu", options->as_menu, "The files are menus");
    command->add_flag("--json", options->json, "One line of JSON per file");
    command->footer(
        "All mistakes of a file are printed at once, as file:line:column: problem; remedy.\n"
        "Example:\n  tamis check config/deployments/demo.pbtxt");
    command->callback([options, &status] {
        for (const auto& file : options->files) {
            const ExitStatus one = check_file(file, *options);
            status = status == EX_OK ? one : status;
        }
    });
}

}  // namespace tamis::daemon
