// Everything a node is made of, read and checked: what `tamisd` starts with, what `tamisd --check`
// and `tamis check` stop after. Cold path.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "config/deployment.hpp"
#include "daemon/loaded_menu.hpp"
#include "daemon/pipeline.hpp"

namespace tamis::daemon {

// Why a node does not start: its exit status (sysexits) and lines for the operator, each ended by
// a newline.
struct StartFailure {
    int exit_status = 0;
    std::string text;
};

struct NodeConfiguration {
    config::Deployment deployment;
    LoadedMenu menu;
};

// All mistakes of both files at once, then those of the models.
[[nodiscard]] tl::expected<NodeConfiguration, StartFailure> load_node(
    const std::filesystem::path& deployment_file);

// What a deployment says of the event path.
[[nodiscard]] Pipeline::Config pipeline_config(const config::Deployment& deployment);

// Bits of the named streams; all when there is no name. Names must be those of the menu.
[[nodiscard]] streams::StreamMask stream_mask(const TriggerMenu& menu,
                                              const std::vector<std::string>& names);

}  // namespace tamis::daemon
