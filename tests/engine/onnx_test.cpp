#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/onnx_writer.hpp"
#include "engine/random.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

using test::NamedGraph;

std::vector<NamedGraph> all_networks() {
    std::vector<NamedGraph> all = test::all_networks();
    for (NamedGraph& entry : all) test::roughen_weights(entry.graph, 17);
    return all;
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

TEST(Onnx, reads_back_what_it_writes) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        const auto bytes = write_onnx(graph);
        ASSERT_TRUE(bytes.has_value()) << bytes.error();
        const auto back = read_onnx(bytes_of(*bytes));
        ASSERT_TRUE(back.has_value()) << back.error();
        EXPECT_EQ(*back, graph);
        EXPECT_EQ(write_onnx(*back), bytes) << "the same graph must give the same bytes";
    }
}

TEST(Onnx, writes_and_reads_files) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("tamis_onnx_test_" + std::to_string(::getpid()) + ".onnx");
    const Graph graph = test::dense_networks()[0].graph;
    ASSERT_TRUE(write_onnx_file(graph, path).has_value());
    const auto back = read_onnx_file(path);
    std::filesystem::remove(path);
    ASSERT_TRUE(back.has_value()) << back.error();
    EXPECT_EQ(*back, graph);
    const auto missing = read_onnx_file(path);
    ASSERT_FALSE(missing.has_value());
    EXPECT_NE(missing.error().find(path.string()), std::string::npos);
    EXPECT_FALSE(write_onnx_file(graph, "/nowhere/at/all.onnx").has_value());
}

TEST(Onnx, refuses_to_write_a_graph_that_is_none) {
    Graph graph = test::dense_networks()[0].graph;
    graph.nodes[0].op = "Frobnicate";
    const auto bytes = write_onnx(graph);
    ASSERT_FALSE(bytes.has_value());
    EXPECT_NE(bytes.error().find("Frobnicate"), std::string::npos);
}

TEST(Onnx, gives_a_graph_or_an_error_for_any_truncation) {
    const std::string bytes = *write_onnx(test::convolution_networks()[0].graph);
    for (std::size_t length = 0; length < bytes.size(); length += 1 + length / 50) {
        const auto graph = read_onnx(bytes_of(bytes.substr(0, length)));
        EXPECT_TRUE(graph.has_value() || !graph.error().empty());
    }
}

TEST(Onnx, gives_a_graph_or_an_error_for_any_mutation) {
    std::size_t accepted = 0;
    std::vector<std::string> models;
    for (const NamedGraph& entry : all_networks()) models.push_back(*write_onnx(entry.graph));
    for (std::size_t round = 0; round < 6000; ++round) {
        std::string bytes = models[round % models.size()];
        // Structure sits at the front; weights fill the rest.
        const std::size_t reach =
            round % 3 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 2000);
        for (std::uint64_t change = 0; change < 1 + round % 4; ++change) {
            const auto words = random_words(99, round, change);
            char& at = bytes[words[0] % reach];
            at = static_cast<char>(words[2] % 2 == 0 ? at ^ static_cast<int>(1U << words[1] % 8)
                                                     : static_cast<int>(words[1]));
        }
        const auto graph = read_onnx(bytes_of(bytes));
        if (!graph) continue;
        ++accepted;
        EXPECT_TRUE(check_graph(*graph).has_value());
    }
    EXPECT_GT(accepted, 300U) << "most mutations hit weights, which may take any value";
}

TEST(Onnx, gives_an_error_for_random_bytes) {
    for (std::uint64_t round = 0; round < 2000; ++round) {
        std::string bytes(random_below(300, 5, 1, round), '\0');
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<char>(random_words(5, round + 10, i)[0]);
        }
        EXPECT_FALSE(read_onnx(bytes_of(bytes)).has_value());
    }
}

TEST(Onnx, compiles_or_refuses_whatever_it_reads) {
    const auto networks = test::layer_networks();
    std::size_t compiled = 0;
    for (std::size_t round = 0; round < 300; ++round) {
        std::string bytes = *write_onnx(networks[round % networks.size()].graph);
        const auto words = random_words(7, round, 0);
        bytes[words[0] % std::min<std::size_t>(bytes.size(), 600)] = static_cast<char>(words[1]);
        const auto graph = read_onnx(bytes_of(bytes));
        if (!graph) continue;
        const auto network = Network::compile(*graph, {.max_batch = 4});
        if (network) ++compiled;
    }
    EXPECT_GT(compiled, 10U);
}

TEST(GraphCheck, refuses_cycles_and_names_a_node_in_one) {
    Graph graph = test::dense_networks()[0].graph;
    Node loop{"loop", "Relu", {"back"}, {"forth"}, {}};
    Node back{"back_node", "Relu", {"forth"}, {"back"}, {}};
    graph.nodes.push_back(loop);
    graph.nodes.push_back(back);
    const auto sorted = sort_nodes(graph);
    ASSERT_FALSE(sorted.has_value());
    EXPECT_NE(sorted.error().find("loop"), std::string::npos) << sorted.error();
    EXPECT_FALSE(check_graph(graph).has_value());
}

TEST(GraphCheck, names_operator_and_shapes_that_do_not_fit) {
    Graph graph = test::dense_networks()[0].graph;
    graph.inputs[0].row_shape = Shape{20};
    const auto checked = check_graph(graph);
    ASSERT_FALSE(checked.has_value());
    EXPECT_NE(checked.error().find("Gemm"), std::string::npos) << checked.error();
    EXPECT_NE(checked.error().find("[20]"), std::string::npos) << checked.error();
}

TEST(Shape, refuses_products_that_overflow) {
    const std::int64_t big = std::int64_t{1} << 62;
    EXPECT_FALSE(Shape::make(std::vector<std::int64_t>{big, 4}).has_value());
    EXPECT_FALSE(Shape::make(std::vector<std::int64_t>{65536, 65536}).has_value());
    EXPECT_FALSE(
        Shape::make(std::vector<std::int64_t>{65536, 65536, 65536, 65536, 65536}).has_value());
    EXPECT_FALSE(Shape::make(std::vector<std::int64_t>{3, 0}).has_value());
    EXPECT_FALSE(Shape::make(std::vector<std::int64_t>{3, -1}).has_value());
    EXPECT_TRUE(Shape::make(std::vector<std::int64_t>{1024, 65536}).has_value());
}

}  // namespace
}  // namespace tamis::engine
