// Memory taken while a warm network runs, and by what is refused for its size. operator new of the
// whole process is counted here; who called it is told apart by the return address, for oneDNN's
// execute takes small objects of its own.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>

#include "engine/network.hpp"
#include "engine/onnx_messages.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/trainable_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> ours{0};
std::atomic<std::size_t> of_library{0};
std::atomic<std::size_t> bytes_taken{0};  // always counted, never given back

void count(const void* caller) {
    if (!counting.exchange(false)) return;  // not while dladdr works
    Dl_info where{};
    const bool library = dladdr(caller, &where) != 0 && where.dli_fname != nullptr &&
                         std::strstr(where.dli_fname, "libdnnl") != nullptr;
    ++(library ? of_library : ours);
    counting = true;
}

void* taken(std::size_t bytes, std::size_t alignment, const void* caller) {
    count(caller);
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    bytes_taken += rounded;
    void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

// Inlined into GoogleTest's factories these pairs look mismatched to the compiler.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t bytes) {
    return taken(bytes, alignof(std::max_align_t), __builtin_return_address(0));
}
void* operator new[](std::size_t bytes) {
    return taken(bytes, alignof(std::max_align_t), __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return taken(bytes, static_cast<std::size_t>(alignment), __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tamis::engine {
namespace {

std::vector<test::NamedGraph> all_networks() {
    std::vector<test::NamedGraph> all = test::dense_networks();
    for (auto& more : test::convolution_networks()) all.push_back(std::move(more));
    for (auto& more : test::own_convolution_networks()) all.push_back(std::move(more));
    for (auto& more : test::layer_networks()) all.push_back(std::move(more));
    return all;
}

TEST(Allocation, a_warm_network_takes_no_memory_of_ours) {
    for (const auto& [name, graph] : test::all_networks()) {
        SCOPED_TRACE(name);
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value());
        NetworkRunner runner(*network);
        for (std::size_t rows = 1; rows <= 64; ++rows) (void)runner.run(rows);
        ours = of_library = 0;
        counting = true;
        for (std::size_t rows = 1; rows <= 64; ++rows) (void)runner.run(rows);
        counting = false;
        EXPECT_EQ(ours, 0U);
    }
    std::cout << "oneDNN's own in the last network, 64 runs: " << of_library << "\n";
}

TEST(Allocation, a_warm_training_step_takes_no_memory_of_ours) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        auto network = TrainableNetwork::create(graph, {8});
        ASSERT_TRUE(network.has_value()) << network.error();
        Optimizer adam({.learning_rate = 1e-3F});
        const auto step = [&] {
            (void)(*network)->forward(8);
            (void)(*network)->backward();
            adam.step((*network)->parameters());
        };
        step();
        ours = 0;
        counting = true;
        for (int i = 0; i < 5; ++i) step();
        counting = false;
        EXPECT_EQ(ours, 0U);
    }
}

// The error, and that refusing took less than so many bytes.
template <class Make>
std::string refusal(std::size_t most_bytes, const Make& make) {
    const std::size_t before = bytes_taken;
    const auto made = make();
    EXPECT_LT(bytes_taken - before, most_bytes);
    EXPECT_FALSE(made.has_value());
    return made ? std::string() : made.error();
}

std::string refusal_of_file(std::size_t most_bytes, const std::string& file) {
    return refusal(most_bytes, [&] { return read_onnx(std::as_bytes(std::span(file))); });
}

std::string value_name(int index) { return std::string("v").append(std::to_string(index)); }

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

// A model whose one node reads "w"; what else is in it is up to the test.
onnx::ModelProto model_reading_w() {
    onnx::ModelProto model;
    model.set_ir_version(7);
    model.add_opset_import()->set_version(13);
    auto& graph = *model.mutable_graph();
    auto& node = *graph.add_node();
    node.set_op_type("MatMul");
    for (const char* name : {"x", "w"}) node.add_input(name);
    node.add_output("y");
    graph.add_output()->set_name("y");
    return model;
}

TEST(Allocation, giant_initialisers_are_refused_without_it) {
    for (const auto& dims : std::vector<std::vector<std::int64_t>>{
             {std::int64_t{1} << 40}, {1 << 20, 1 << 20}, {65536, 65536}, {8192, 8192}}) {
        onnx::ModelProto model = model_reading_w();
        auto& tensor = *model.mutable_graph()->add_initializer();
        tensor.set_name("w");
        tensor.set_data_type(onnx::TensorProto::FLOAT);
        for (const auto dimension : dims) tensor.add_dims(dimension);
        const std::string error = refusal_of_file(256 * kKiB, model.SerializeAsString());
        EXPECT_NE(error.find("\"w\""), std::string::npos) << error;
    }
}

// Field 7 of a model is its graph.
std::string with_graph(const std::string& graph) {
    std::string file = "\x3a";
    for (std::size_t length = graph.size(); length != 0; length >>= 7U) {
        file += static_cast<char>(length >= 0x80 ? length % 0x80 + 0x80 : length);
    }
    return file + graph;
}

TEST(Allocation, files_that_would_grow_in_memory_are_refused_without_it) {
    std::string empty_nodes;
    while (empty_nodes.size() < 60 * kMiB) empty_nodes += std::string("\x0a\0", 2);
    EXPECT_NE(refusal_of_file(256 * kKiB, with_graph(empty_nodes)).find("fields"),
              std::string::npos);
    // Numbers of one byte each that become eight: the int64 data of one tensor.
    onnx::ModelProto zeros = model_reading_w();
    auto& tensor = *zeros.mutable_graph()->add_initializer();
    tensor.set_name("w");
    tensor.mutable_int64_data()->Resize(static_cast<int>(60 * kMiB), 0);
    EXPECT_NE(refusal_of_file(256 * kKiB, zeros.SerializeAsString()).find("fields"),
              std::string::npos);
    EXPECT_NE(refusal_of_file(256 * kKiB, std::string(64 * kMiB + 1, '\0')).find("too large"),
              std::string::npos);
}

TEST(Allocation, files_too_large_are_not_read) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("tamis_large_" + std::to_string(::getpid()) + ".onnx");
    std::ofstream(path) << "x";
    std::filesystem::resize_file(path, 64 * kMiB + 1);  // takes no room on the disk
    EXPECT_NE(refusal(256 * kKiB, [&] { return read_onnx_file(path); }).find("too large"),
              std::string::npos);
    std::filesystem::remove(path);
}

TEST(Allocation, a_long_cycle_is_refused_with_little_of_it) {
    onnx::ModelProto model = model_reading_w();
    constexpr int kNodes = 4000;
    for (int i = 0; i < kNodes; ++i) {
        auto& node = *model.mutable_graph()->add_node();
        node.set_op_type("Relu");
        node.add_input(value_name(i));
        node.add_output(value_name((i + 1) % kNodes));
    }
    const std::string error = refusal_of_file(8 * kMiB, model.SerializeAsString());
    EXPECT_NE(error.find("cycle"), std::string::npos) << error;
}

TEST(Allocation, batches_and_layers_too_large_are_refused_without_it) {
    GraphBuilder net("wide", 1);
    net.output(net.relu(net.input("x", {65536, 64})), "y");
    const Graph wide = net.build();
    EXPECT_NE(refusal(256 * kKiB, [&] { return Network::compile(wide, {.max_batch = 65536}); })
                  .find("1 GiB"),
              std::string::npos);
    EXPECT_NE(
        refusal(256 * kKiB, [&] { return TrainableNetwork::create(wide, {.mini_batch = 65536}); })
            .find("4 GiB"),
        std::string::npos);
    GraphBuilder slow("slow", 1);
    const GraphValue image = slow.input("x", {1, 2048, 2048});
    slow.output(slow.convolution(image, 16, "c", {.kernel = {65, 65}}), "y");
    const Graph day_long = slow.build();
    EXPECT_NE(refusal(2 * kMiB, [&] { return Network::compile(day_long); }).find("multiply-adds"),
              std::string::npos);
}

TEST(Allocation, copies_that_rewrites_would_make_of_one_weight_are_refused_without_it) {
    Graph graph;
    graph.inputs = {{"x", Shape{1024}}};
    graph.weights["w"] = Tensor(Shape{1024, 1024});
    std::string value = "x";
    for (int i = 0; i < 300; ++i) {
        const std::string next = value_name(i);
        graph.nodes.push_back({next, "Gemm", {value, "w"}, {next}, {{"alpha", 0.5F}}});
        value = next;
    }
    graph.outputs = {value};
    EXPECT_NE(refusal(kMiB, [&] { return Network::compile(graph); }).find("too many"),
              std::string::npos);
    EXPECT_NE(refusal(kMiB, [&] { return TrainableNetwork::create(graph); }).find("too many"),
              std::string::npos);
}

}  // namespace
}  // namespace tamis::engine
