#include "daemon/network_timing/network_peer.hpp"

#include <utility>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"

namespace tamis::daemon {

namespace {

using Executors = engine::CompileOptions::Executors;

class EnginePeer final : public NetworkPeer {
 public:
    EnginePeer(std::shared_ptr<const engine::Network> network, std::size_t batch)
        : runner_(std::move(network)), batch_(batch) {}
    std::span<float> input(std::size_t port) override { return runner_.input(port); }
    std::span<const float> output(std::size_t port) const override { return runner_.output(port); }
    bool run() noexcept override { return runner_.run(batch_) != engine::RunStatus::failed; }

 private:
    engine::NetworkRunner runner_;
    std::size_t batch_;
};

MadePeer make_engine_peer(const engine::Graph& graph, std::size_t batch, Executors executors) {
    auto network = engine::Network::compile(graph, {.max_batch = batch, .executors = executors});
    if (!network) {
        return tl::unexpected(network.error());
    }
    return std::make_unique<EnginePeer>(std::move(*network), batch);
}

bool load_and_score(const std::string& onnx, Executors executors) {
    const auto graph = engine::read_onnx(std::as_bytes(std::span(onnx)));
    if (!graph) {
        return false;
    }
    auto peer = make_engine_peer(*graph, 1, executors);
    return peer && (*peer)->run();
}

PeerKind engine_peer(const std::string& name, Executors executors) {
    return {.name = name,
            .make = [executors](
                        const engine::Graph& graph,
                        std::size_t batch) { return make_engine_peer(graph, batch, executors); },
            .load_and_score =
                [executors](const std::string& onnx, const engine::Graph& /*graph*/) {
                    return load_and_score(onnx, executors);
                }};
}

}  // namespace

std::vector<PeerKind> engine_peers() {
    return {engine_peer(kTamis, Executors::all), engine_peer(kOnednnAlone, Executors::onednn)};
}

}  // namespace tamis::daemon
