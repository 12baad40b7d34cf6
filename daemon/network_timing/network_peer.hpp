// One way to run a network on batches of one size, be it the engine's or another library's, with
// memory for the inputs and outputs that stays where it is. A peer belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/int8_ranges.hpp"

namespace tamis::daemon {

class NetworkPeer {
 public:
    virtual ~NetworkPeer() = default;
    // batch x row_size floats, row-major, in the order of the graph's inputs and outputs.
    [[nodiscard]] virtual std::span<float> input(std::size_t port) = 0;
    [[nodiscard]] virtual std::span<const float> output(std::size_t port) const = 0;
    // Scores all rows of the batch. False: the library refused.
    virtual bool run() noexcept = 0;
};

using MadePeer = tl::expected<std::unique_ptr<NetworkPeer>, std::string>;

struct PeerKind {
    std::string name;
    std::function<MadePeer(const engine::Graph& graph, std::size_t batch)> make;
    // Bytes of an ONNX file, and the graph they hold, to the first score of one row; false:
    // refused.
    std::function<bool(const std::string& onnx, const engine::Graph& graph)> load_and_score;
};

inline constexpr const char* kTamis = "tamis";
inline constexpr const char* kOnednnAlone = "oneDNN alone";

// Tamis as it runs, and its executors of oneDNN alone.
[[nodiscard]] std::vector<PeerKind> engine_peers();
// In 8-bit integers: another network, with answers of its own.
[[nodiscard]] PeerKind int8_peer(const engine::Int8Ranges& ranges);

}  // namespace tamis::daemon
