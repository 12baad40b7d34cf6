// The daemon: reads one deployment file, runs the node, drains on SIGTERM.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "config/deployment_warnings.hpp"
#include "daemon/build_facts.hpp"
#include "daemon/service.hpp"

namespace {

using tamis::daemon::Service;
using tamis::daemon::StartFailure;

int say(const StartFailure& failure) {
    std::fputs(failure.text.c_str(), stderr);
    return failure.exit_status;
}

int check(const std::string& file) {
    const auto configuration = tamis::daemon::load_node(file);
    if (!configuration) {
        return say(configuration.error());
    }
    for (const std::string& warning : tamis::config::warnings_of(configuration->deployment)) {
        std::fprintf(stderr, "%s: warning: %s\n", file.c_str(), warning.c_str());
    }
    std::printf("%s: menu %s with %zu paths and %zu models: ok\n", file.c_str(),
                configuration->menu.compiled.name().c_str(),
                configuration->menu.compiled.paths().size(), configuration->menu.models.size());
    return EX_OK;
}

int run(const std::string& file, const std::optional<std::filesystem::path>& ready_file) {
    auto configuration = tamis::daemon::load_node(file);
    if (!configuration) {
        return say(configuration.error());
    }
    auto service = Service::build(std::move(*configuration));
    if (!service) {
        return say(service.error());
    }
    if (auto announced = (*service)->announce(ready_file); !announced) {
        return say(announced.error());
    }
    return (*service)->run();
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App program{
        "Node of a high-level trigger: builds events from fragments, scores and decides them, and "
        "sends on what the menu selects. SIGTERM and SIGINT drain it.\n\nExample: tamisd "
        "node.pbtxt"};
    program.set_version_flag("--version", std::string(tamis::daemon::build_version()));
    std::string file;
    std::optional<std::filesystem::path> ready_file;
    bool only_check = false;
    program.add_option("CONFIG", file, "Deployment file (see config/deployment.proto)")->required();
    program.add_flag("--check", only_check, "Read and check everything, then stop");
    program.add_option("--ready-file", ready_file,
                       "Where to write ports and endpoints, as JSON, once the node listens");
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? EX_OK : EX_USAGE;
    }
    return only_check ? check(file) : run(file, ready_file);
}
