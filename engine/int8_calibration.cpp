#include "engine/int8_calibration.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "engine/graph_passes.hpp"
#include "engine/network.hpp"

namespace tamis::engine {

namespace {

constexpr std::size_t kBatch = 64;

// What enters each dense and convolution layer, in the order of layers.
std::vector<std::string> layer_inputs(const Graph& graph) {
    std::vector<std::string> names;
    for (const Node& node : graph.nodes) {
        const bool has_sums = node.op == "Gemm" || node.op == "MatMul" || node.op == "Conv";
        if (has_sums && node.inputs.size() > 1 && graph.weights.contains(node.inputs[1])) {
            names.push_back(node.inputs[0]);
        }
    }
    return names;
}

tl::expected<void, std::string> check_rows(const Graph& graph, std::size_t rows,
                                           std::span<const std::vector<float>> inputs) {
    if (rows == 0 || inputs.size() != graph.inputs.size()) {
        return tl::unexpected(
            std::string("no rows to calibrate with, or not one table per input; both are needed"));
    }
    for (std::size_t port = 0; port < inputs.size(); ++port) {
        const std::size_t wanted = rows * graph.inputs[port].row_shape.element_count();
        if (inputs[port].size() != wanted) {
            return tl::unexpected("input \"" + graph.inputs[port].name + "\" has " +
                                  std::to_string(inputs[port].size()) + " values; " +
                                  std::to_string(rows) + " rows are " + std::to_string(wanted));
        }
    }
    return {};
}

void widen(Int8Range& range, std::span<const float> values) {
    for (const float value : values) {
        range.low = std::min(range.low, value);
        range.high = std::max(range.high, value);
    }
}

}  // namespace

tl::expected<Int8Ranges, std::string> calibrate_int8(const Graph& graph, std::size_t rows,
                                                     std::span<const std::vector<float>> inputs) {
    if (auto checked = check_graph(graph); !checked) return tl::unexpected(checked.error());
    if (auto checked = check_rows(graph, rows, inputs); !checked) {
        return tl::unexpected(checked.error());
    }
    // The network as it will be compiled, with every value of interest as an output.
    Graph probe = prepared_for_inference(graph);
    const std::vector<std::string> wanted = layer_inputs(probe);
    if (wanted.empty()) {
        return tl::unexpected(
            std::string("a network without a dense or convolution layer gains nothing from int8"));
    }
    std::map<std::string, Int8Range> ranges;
    for (const std::string& name : wanted) ranges[name] = {};
    for (const auto& [name, range] : ranges) {
        const bool is_input =
            std::ranges::find(probe.inputs, name, &GraphInput::name) != probe.inputs.end();
        const bool is_output = std::ranges::find(probe.outputs, name) != probe.outputs.end();
        if (!is_input && !is_output) probe.outputs.push_back(name);
    }
    auto network = Network::compile(
        probe, {.max_batch = kBatch, .executors = CompileOptions::Executors::onednn});
    if (!network) return tl::unexpected(network.error());
    NetworkRunner runner(*network);
    for (std::size_t first = 0; first < rows; first += kBatch) {
        const std::size_t count = std::min(kBatch, rows - first);
        for (std::size_t port = 0; port < inputs.size(); ++port) {
            const std::size_t size = (*network)->inputs()[port].row_size;
            const auto part = std::span(inputs[port]).subspan(first * size, count * size);
            std::ranges::copy(part, runner.input(port).begin());
            const auto found = ranges.find(probe.inputs[port].name);
            if (found != ranges.end()) widen(found->second, part);
        }
        if (runner.run(count) != RunStatus::ok) {
            return tl::unexpected("rows " + std::to_string(first + 1) + " to " +
                                  std::to_string(first + count) +
                                  " do not run to finite values (NaN or infinity); leave such "
                                  "rows out");
        }
        for (std::size_t port = 0; port < probe.outputs.size(); ++port) {
            const auto found = ranges.find(probe.outputs[port]);
            if (found == ranges.end()) continue;
            widen(found->second,
                  runner.output(port).first(count * (*network)->outputs()[port].row_size));
        }
    }
    Int8Ranges result;
    result.reserve(wanted.size());
    for (const std::string& name : wanted) result.push_back(ranges.at(name));
    return result;
}

}  // namespace tamis::engine
