#include "daemon/node_configuration.hpp"

#include <sysexits.h>

#include <algorithm>
#include <utility>

#include "config/deployment_reader.hpp"
#include "daemon/steady_time.hpp"
#include "models/event_inputs.hpp"

namespace tamis::daemon {
namespace {

// Many times what passes between two looks of a thread that runs, little against the usual windows.
constexpr std::uint64_t kLongestStepNs = 20'000'000;

std::string lines(const std::vector<std::string>& mistakes) {
    std::string text;
    for (const std::string& mistake : mistakes) {
        text.append(mistake).append("\n");
    }
    return text;
}

}  // namespace

tl::expected<NodeConfiguration, StartFailure> load_node(
    const std::filesystem::path& deployment_file) {
    config::MenuContext context;
    context.quantities = models::quantity_names();
    auto configuration = config::read_configuration(deployment_file, context);
    if (!configuration) {
        return tl::unexpected(StartFailure{.exit_status = EX_CONFIG,
                                           .text = config::to_string(configuration.error())});
    }
    auto menu = load_menu(std::move(configuration->menu));
    if (!menu) {
        return tl::unexpected(StartFailure{.exit_status = EX_CONFIG, .text = lines(menu.error())});
    }
    return NodeConfiguration{.deployment = std::move(configuration->deployment),
                             .menu = std::move(*menu)};
}

Pipeline::Config pipeline_config(const config::Deployment& deployment) {
    const config::InputConfig& input = deployment.input;
    Pipeline::Config config;
    config.pool = {.events = input.pool_events,
                   .sources = input.sources.size(),
                   .byte_budget = input.pool_bytes};
    for (const config::SourceConfig& source : input.sources) {
        config.builder.sources.push_back(source.id);
    }
    if (input.run != 0) {
        config.builder.run = input.run;
    }
    config.builder.window_ns = input.window_ms * kNsPerMs;
    config.builder.shortest_window_ns = input.shortest_window_ms * kNsPerMs;
    config.builder.longest_step_ns = kLongestStepNs;
    config.builder.mask_after_events = input.mask_after_events;
    // Open events may take half of the pool; the other half is for those that wait for a decision.
    config.builder.window_bytes = std::max(input.pool_bytes / 2, input.max_event_bytes);
    config.builder.event_bytes = input.max_event_bytes;
    config.builder.limits.message_bytes = input.max_message_bytes;
    config.builder.overload = input.overload == config::OverloadPolicy::shed
                                  ? streams::OverloadPolicy::shed
                                  : streams::OverloadPolicy::back_pressure;
    config.workers = deployment.threads.workers;
    config.batch = deployment.threads.batch;
    return config;
}

streams::StreamMask stream_mask(const TriggerMenu& menu, const std::vector<std::string>& names) {
    const std::vector<std::string>& known = menu.context().stream_names;
    streams::StreamMask mask = 0;
    for (std::size_t i = 0; i < known.size(); ++i) {
        if (names.empty() || std::find(names.begin(), names.end(), known[i]) != names.end()) {
            mask |= streams::StreamMask{1} << i;
        }
    }
    return mask;
}

}  // namespace tamis::daemon
