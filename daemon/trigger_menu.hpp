// All paths of a run, compiled against the models that are loaded. Immutable and shared by all
// workers; the models must outlive it. Cold path: made once before a run.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/menu.hpp"
#include "daemon/trigger_path.hpp"
#include "models/model.hpp"
#include "streams/decision.hpp"

namespace tamis::daemon {

class TriggerMenu {
 public:
    // models[i] is what was loaded for menu.models[i]. All mistakes are reported at once, each as
    // "what (why); what would be right".
    [[nodiscard]] static tl::expected<TriggerMenu, std::vector<std::string>> compile(
        const config::Menu& menu, std::span<const models::Model* const> models);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& version() const noexcept { return version_; }
    [[nodiscard]] std::span<const TriggerPath> paths() const noexcept { return paths_; }
    [[nodiscard]] std::span<const models::Model* const> models() const noexcept { return models_; }
    [[nodiscard]] streams::StreamMask debug_streams() const noexcept { return debug_streams_; }
    // Hashes and names, as they go into every decision on the wire.
    [[nodiscard]] const streams::DecisionContext& context() const noexcept { return context_; }

 private:
    TriggerMenu() = default;

    std::string name_;
    std::string version_;
    std::vector<TriggerPath> paths_;
    std::vector<const models::Model*> models_;
    streams::StreamMask debug_streams_ = 0;
    streams::DecisionContext context_;
};

}  // namespace tamis::daemon
