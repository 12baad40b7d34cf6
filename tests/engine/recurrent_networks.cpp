// LSTM and GRU networks of test_networks.hpp.
#include <utility>

#include "engine/random.hpp"
#include "engine/recurrent_form.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine::test {

namespace {

// Every optional input of an LSTM.
Graph lstm_with_everything() {
    GraphBuilder net("lstm", 12);
    const auto values = net.lstm(net.input("x", {4, 3}), 5, "l",
                                 {.direction = RecurrentOptions::Direction::bidirectional});
    net.output(values.sequence, "y");
    net.output(values.last, "y_h");
    Graph graph = net.build();
    graph.outputs.push_back("l/last_cell");
    Node& node = graph.nodes[0];
    for (const auto& [name, shape] :
         {std::pair{"l/initial_h", Shape{1, 2, 5}}, std::pair{"l/initial_c", Shape{1, 2, 5}},
          std::pair{"l/peepholes", Shape{2, 15}}}) {
        Tensor weight{shape};
        for (std::size_t i = 0; i < weight.values.size(); ++i) {
            weight.values[i] = random_normal(13, stream_of(name), i);
        }
        graph.weights[name] = std::move(weight);
        node.inputs.emplace_back(name);
    }
    node.attributes["with"] = std::string("BhcP");
    return graph;
}

}  // namespace

std::vector<NamedGraph> recurrent_networks() {
    using B = GraphBuilder;
    using V = const GraphValue&;
    return {
        single("lstm", {6, 3}, [](B& net, V x) { return net.lstm(x, 5, "l").sequence; }),
        single(
            "lstm_last", {6, 3},
            [](B& net, V x) { return net.dense(net.flatten(net.lstm(x, 17, "l").last), 2, "d"); }),
        single("lstm_reverse", {4, 3},
               [](B& net, V x) {
                   return net.lstm(x, 2, "l", {.direction = RecurrentOptions::Direction::reverse})
                       .sequence;
               }),
        {"lstm_with_everything", lstm_with_everything()},
        single("gru", {6, 3}, [](B& net, V x) { return net.gru(x, 5, "g").sequence; }),
        single("gru_reset_before", {6, 3},
               [](B& net, V x) {
                   return net.gru(x, 19, "g", {.linear_before_reset = false}).sequence;
               }),
        single("gru_bidirectional_of_two_sequences", {2, 4, 3},
               [](B& net, V x) {
                   const RecurrentOptions both{.direction =
                                                   RecurrentOptions::Direction::bidirectional};
                   const auto first = net.gru(x, 5, "g1", both).sequence;
                   return net.gru(net.reshape(first, {2, 4, 10}), 3, "g2", both).last;
               }),
        single("gru_reset_before_bidirectional", {3, 4},
               [](B& net, V x) {
                   return net
                       .gru(x, 5, "g",
                            {.direction = RecurrentOptions::Direction::bidirectional,
                             .linear_before_reset = false})
                       .sequence;
               }),
    };
}

}  // namespace tamis::engine::test
