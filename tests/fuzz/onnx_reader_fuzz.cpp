// Any bytes as a model: a graph or an error. In what was read the survey marks all as supported.
// What is read passes the check again, writes and reads back as itself, and, when small, compiles
// and runs or is refused.
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <span>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/onnx_survey.hpp"
#include "engine/onnx_writer.hpp"

namespace {

using namespace tamis::engine;

bool is_small(const ValueShapes& shapes) {
    constexpr std::size_t kFewElements = 4096;
    for (const auto& [name, shape] : shapes) {
        if (shape.element_count() > kFewElements) return false;
    }
    return shapes.size() <= 64;
}

bool weights_are_finite(const Graph& graph) {
    for (const auto& [name, tensor] : graph.weights) {
        if (!all_finite(tensor.values)) return false;
    }
    return true;
}

// Values of both signs, some of them whole numbers and equal ones.
void run_rows(const std::shared_ptr<const Network>& network) {
    NetworkRunner runner(network);
    for (std::size_t port = 0; port < network->inputs().size(); ++port) {
        float value = -3.F;
        for (float& to : runner.input(port)) {
            to = value;
            value = value > 3.F ? -3.F : value + 0.375F;
        }
    }
    Ensures(runner.run(2) != RunStatus::failed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto survey = survey_onnx(std::as_bytes(std::span(data, size)));
    const auto graph = read_onnx(std::as_bytes(std::span(data, size)));
    Ensures(!graph || (survey && survey->unsupported_nodes.empty()));
    if (!graph) {
        Ensures(!graph.error().empty());
        return 0;
    }
    const auto shapes = check_graph(*graph);
    Ensures(shapes.has_value());
    if (weights_are_finite(*graph)) {
        const auto written = write_onnx(*graph);
        if (written) {
            Ensures(read_onnx(std::as_bytes(std::span(*written))).has_value());
        }
    }
    // Compiling takes milliseconds: only now and then.
    if (is_small(*shapes) && size % 16 == 0) {
        const auto network = Network::compile(*graph, {.max_batch = 2});
        Ensures(network.has_value() || !network.error().empty());
        if (network) run_rows(*network);
    }
    return 0;
}
