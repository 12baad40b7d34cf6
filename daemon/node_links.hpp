// Where a node's fragments come from and its events go to, made from its deployment. Outputs close
// in close_outputs(): what they still hold is written or sent within their linger time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "config/deployment.hpp"
#include "daemon/loaded_menu.hpp"
#include "daemon/node_configuration.hpp"
#include "daemon/send_stage.hpp"
#include "streams/admission.hpp"
#include "streams/best_effort_link.hpp"
#include "streams/event_output.hpp"
#include "streams/fragment_input.hpp"
#include "streams/recording/recording_output.hpp"
#include "streams/reliable/reliable_link.hpp"

namespace tamis::daemon {

class NodeLinks {
 public:
    [[nodiscard]] static tl::expected<std::unique_ptr<NodeLinks>, StartFailure> open(
        const config::Deployment& deployment, const LoadedMenu& menu);
    ~NodeLinks();
    NodeLinks(const NodeLinks&) = delete;
    NodeLinks& operator=(const NodeLinks&) = delete;

    [[nodiscard]] streams::FragmentInput& input() noexcept { return *input_; }
    [[nodiscard]] const std::vector<OutputRoute>& routes() const noexcept { return routes_; }
    // With the ports that the system chose.
    [[nodiscard]] const std::vector<std::string>& input_endpoints() const noexcept {
        return input_endpoints_;
    }
    // By output of the deployment; of a recording its file.
    [[nodiscard]] const std::vector<std::string>& output_endpoints() const noexcept {
        return output_endpoints_;
    }

    // By endpoint; none on best-effort links. Any thread.
    [[nodiscard]] std::vector<streams::LinkReceiverCounters> input_links() const;

    // Who came to the endpoints with keys that the node binds; and those turned away since the last
    // call. Any thread.
    [[nodiscard]] std::vector<streams::LinkAdmissions> admissions() const {
        return context_.admission().links();
    }
    [[nodiscard]] std::vector<streams::RefusedPeer> take_refused() {
        return context_.admission().take_refused();
    }

    // By endpoint: how many peers took too much memory. Any thread.
    [[nodiscard]] std::vector<std::uint64_t> cut_connections() const;

    // After the last send; the run summary becomes part of the recordings. Says which files could
    // not be ended, and why.
    [[nodiscard]] std::vector<std::string> close_outputs(const std::string& run_summary);

 private:
    NodeLinks() = default;
    tl::expected<void, StartFailure> open_input(const config::Deployment& deployment);
    tl::expected<void, StartFailure> open_recording(const config::OutputConfig& output,
                                                    const LoadedMenu& menu);
    tl::expected<void, StartFailure> open_link(const config::OutputConfig& output,
                                               const LoadedMenu& menu, const std::string& node);
    tl::expected<void, StartFailure> open_reliable(const config::OutputConfig& output,
                                                   const LoadedMenu& menu,
                                                   const streams::LinkConfig& config,
                                                   const std::string& name);
    void add_output(const config::OutputConfig& output, const LoadedMenu& menu,
                    std::unique_ptr<streams::EventOutput> made, std::string endpoint);

    streams::LinkContext context_;
    std::unique_ptr<streams::FragmentInput> input_;
    std::vector<const streams::ReliableInput*> reliable_inputs_;   // of input_, by endpoint
    std::vector<std::function<std::uint64_t()>> cut_connections_;  // likewise
    std::vector<std::unique_ptr<streams::EventOutput>> outputs_;
    std::vector<streams::RecordingOutput*> recordings_;  // of outputs_
    std::vector<OutputRoute> routes_;
    std::vector<std::string> input_endpoints_;
    std::vector<std::string> output_endpoints_;
};

}  // namespace tamis::daemon
