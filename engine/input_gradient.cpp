#include "engine/input_gradient.hpp"

#include "engine/graph_passes.hpp"

namespace tamis::engine {

tl::expected<std::unique_ptr<TrainableNetwork>, std::string> make_differentiable_network(
    const Graph& graph, std::size_t rows) {
    if (auto checked = check_graph(graph); !checked) return tl::unexpected(checked.error());
    Graph inference = prepared_for_inference(graph);
    spell_out_batch_normalisation(inference);
    return TrainableNetwork::create(inference, {.mini_batch = rows, .input_gradients = true});
}

}  // namespace tamis::engine
