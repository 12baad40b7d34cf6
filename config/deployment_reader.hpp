// Deployment text (schema: deployment.proto) to plain data, checked (design 3.5), and the two files
// of a node together. Cold path; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "config/deployment.hpp"
#include "config/menu_reader.hpp"
#include "config/mistake.hpp"

namespace tamis::config {

// The machine a deployment is checked against.
struct DeploymentContext {
    std::uint32_t cpu_count = 0;  // 0: those of this machine
};

// Deployment::menu is resolved against the file's own directory and must exist; recordings and the
// run summary are relative to the working directory of the process.
[[nodiscard]] tl::expected<Deployment, Mistakes> read_deployment(
    const std::filesystem::path& file, const DeploymentContext& context = {});

// `file` is what mistakes name and what the menu's path is relative to; it need not exist.
[[nodiscard]] tl::expected<Deployment, Mistakes> parse_deployment(
    std::string text, const std::filesystem::path& file, const DeploymentContext& context = {});

// Everything a node is started with.
struct Configuration {
    Deployment deployment;
    Menu menu;
};

// Both files, and what the one says of the other (streams of outputs), all mistakes at once. What
// `tamis check` and the start of the node call.
[[nodiscard]] tl::expected<Configuration, Mistakes> read_configuration(
    const std::filesystem::path& deployment_file, const MenuContext& menu_context,
    const DeploymentContext& deployment_context = {});

}  // namespace tamis::config
