#include "daemon/network_timing/network_peer.hpp"

#include <utility>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"

namespace tamis::daemon {

namespace {

using engine::CompileOptions;

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

MadePeer make_engine_peer(const engine::Graph& graph, std::size_t batch, CompileOptions options) {
    options.max_batch = batch;
    auto network = engine::Network::compile(graph, options);
    if (!network) {
        return tl::unexpected(network.error());
    }
    return std::make_unique<EnginePeer>(std::move(*network), batch);
}

bool load_and_score(const std::string& onnx, const CompileOptions& options) {
    const auto graph = engine::read_onnx(std::as_bytes(std::span(onnx)));
    if (!graph) {
        return false;
    }
    auto peer = make_engine_peer(*graph, 1, options);
    return peer && (*peer)->run();
}

PeerKind engine_peer(const std::string& name, const CompileOptions& options) {
    return {
        .name = name,
        .make = [options](const engine::Graph& graph,
                          std::size_t batch) { return make_engine_peer(graph, batch, options); },
        .load_and_score =
            [options](const std::string& onnx, const engine::Graph& /*graph*/) {
                return load_and_score(onnx, options);
            }};
}

}  // namespace

std::vector<PeerKind> engine_peers() {
    CompileOptions onednn_alone;
    onednn_alone.executors = CompileOptions::Executors::onednn;
    return {engine_peer(kTamis, {}), engine_peer(kOnednnAlone, onednn_alone)};
}

PeerKind int8_peer(const engine::Int8Ranges& ranges) {
    CompileOptions options;
    options.int8 = ranges;
    return engine_peer("int8", options);
}

}  // namespace tamis::daemon
