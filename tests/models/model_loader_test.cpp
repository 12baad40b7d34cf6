#include "models/model_loader.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engine/graph_builder.hpp"
#include "models/model_files.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;

engine::Graph small_network(float kernel) {
    engine::GraphBuilder net("small", 1);
    const auto x = net.input("x", {2});
    net.output(net.dense(x, 1, "layer", {.kernel = engine::Initialiser::one}), "y");
    engine::Graph graph = net.build();
    graph.weights["layer/kernel"].values[0] = kernel;
    return graph;
}

class ModelLoader : public testing::Test {
 protected:
    void SetUp() override {
        fs::create_directories(directory_);
        NetworkFile entry;
        entry.file = "small.onnx";
        files_.manifest.name = "small";
        files_.manifest.kind = "onnx";
        files_.manifest.schema = "two";
        add_network(files_, entry, small_network(2));
        const std::vector<std::vector<float>> rows = {{1, 1}, {3, -1}};
        ASSERT_TRUE(add_golden_vectors(files_, rows, 1e-4).has_value());
        ASSERT_TRUE(write_networks(files_, directory_).has_value());
    }
    void TearDown() override { fs::remove_all(directory_); }
    [[nodiscard]] std::string refusal() const {
        const auto loaded = load_model(files_.manifest, directory_);
        return loaded ? "" : loaded.error();
    }

    fs::path directory_ =
        fs::path(testing::TempDir()) / ("model_loader_" + std::to_string(::getpid()));
    ModelFiles files_;
};

TEST_F(ModelLoader, written_model_loads_and_answers_its_golden_vectors) {
    const auto model = load_model(files_.manifest, directory_);
    ASSERT_TRUE(model.has_value()) << model.error();
    ASSERT_EQ(files_.manifest.golden.size(), 2U);
    EXPECT_EQ(files_.manifest.golden[1].output[0], 5);
    EXPECT_NE((*model)->hash(), 0U);
    EXPECT_FALSE(fs::exists(directory_ / "small.onnx.unfinished"));
}

TEST_F(ModelLoader, changed_file_is_refused_by_its_hash) {
    std::ofstream(directory_ / "small.onnx", std::ios::app) << "x";
    EXPECT_NE(refusal().find("small.onnx has SHA-256"), std::string::npos);
}

TEST_F(ModelLoader, missing_file_is_refused_by_name) {
    fs::remove(directory_ / "small.onnx");
    EXPECT_NE(refusal().find("small.onnx: cannot be read"), std::string::npos);
}

TEST_F(ModelLoader, file_outside_the_directory_is_not_opened) {
    files_.manifest.networks[0].file = "../small.onnx";
    EXPECT_NE(refusal().find("leads out of the model's directory"), std::string::npos);
    files_.manifest.networks[0].file = (directory_ / "small.onnx").string();
    EXPECT_NE(refusal().find("leads out of the model's directory"), std::string::npos);
}

TEST_F(ModelLoader, bytes_that_are_no_network_are_refused_with_the_reason) {
    files_.manifest.networks.clear();
    files_.networks.clear();
    NetworkFile entry;
    entry.file = "text.onnx";
    add_network(files_, entry, std::string("no network"));
    const auto loaded = load_model(files_.manifest, files_.networks);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().find("text.onnx: "), std::string::npos);
}

TEST_F(ModelLoader, other_answer_than_golden_is_refused_with_both_values) {
    files_.manifest.golden[1].output[1] = 5.1;
    EXPECT_NE(refusal().find("golden vector 1: column 'y' is 5, not 5.1"), std::string::npos);
    files_.manifest.golden[1].output[1] = 5.0004;  // within the tolerance
    EXPECT_EQ(refusal(), "");
}

TEST_F(ModelLoader, golden_vector_of_another_shape_is_refused) {
    files_.manifest.golden[0].input.push_back(1);
    EXPECT_NE(refusal().find("golden vector 0 has 3 inputs"), std::string::npos);
}

TEST_F(ModelLoader, other_network_of_the_same_shape_is_caught_by_the_golden_vector) {
    const Manifest trained = files_.manifest;
    ModelFiles other;
    other.manifest = trained;
    other.manifest.networks.clear();
    add_network(other, trained.networks[0], small_network(2.5F));
    const auto loaded = load_model(other.manifest, other.networks);
    ASSERT_FALSE(loaded.has_value());
    EXPECT_NE(loaded.error().find("golden vector 0"), std::string::npos);
}

}  // namespace
}  // namespace tamis::models
