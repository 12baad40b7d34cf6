// Models of other experiments with outputs that another runtime computed from them.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/trainable_network.hpp"

namespace tamis::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kModels = fs::path(TAMIS_DATA_DIR) / "models";
const fs::path kHepModels = fs::path(TAMIS_DATA_DIR) / "hep_onnx_models";

json read_json(const fs::path& path) {
    std::ifstream file(path);
    return json::parse(file);
}

// Rows of the published formula: hit[n][y][x][c] = 0.05 sin(0.37 i + 0.1 n), info[n][k] = cos(0.21
// k + 0.5 n).
void write_formula(NetworkRunner& runner, std::size_t rows) {
    for (std::size_t n = 0; n < rows; ++n) {
        const auto shift = static_cast<double>(n);
        for (std::size_t i = 0; i < 16UL * 16 * 24; ++i) {
            runner.input(0)[n * 16 * 16 * 24 + i] =
                static_cast<float>(0.05 * std::sin(0.37 * static_cast<double>(i) + 0.1 * shift));
        }
        for (std::size_t k = 0; k < 67; ++k) {
            runner.input(1)[n * 67 + k] =
                static_cast<float>(std::cos(0.21 * static_cast<double>(k) + 0.5 * shift));
        }
    }
}

TEST(RecordedModel, layer_map_network_imports_unchanged_and_agrees_to_1e5) {
    const fs::path path = kModels / "layer_map_model.onnx";
    if (!fs::exists(path)) GTEST_SKIP() << "data not found at " << path;
    const auto graph = read_onnx_file(path);
    ASSERT_TRUE(graph.has_value()) << graph.error();
    const auto network = Network::compile(*graph);
    ASSERT_TRUE(network.has_value()) << network.error();
    ASSERT_EQ((*network)->inputs().size(), 2U);
    EXPECT_EQ((*network)->inputs()[0].row_shape, (Shape{16, 16, 24}));
    NetworkRunner runner(*network);
    const json golden = read_json(kModels / "pixelseed_layer_map_golden.json");
    for (const json& one : golden["cases"]) {
        const auto rows = one["n"].get<std::size_t>();
        std::ranges::fill(runner.input(0), 0.F);
        std::ranges::fill(runner.input(1), 0.F);
        if (one["name"] == "formula") write_formula(runner, rows);
        ASSERT_EQ(runner.run(rows), RunStatus::ok);
        for (std::size_t i = 0; i < 2 * rows; ++i) {
            EXPECT_NEAR(runner.output(0)[i], one["output"][i].get<double>(), 1e-5) << one["name"];
        }
    }
}

TEST(RecordedModel, layer_map_network_can_be_trained_further) {
    const fs::path path = kModels / "layer_map_model.onnx";
    if (!fs::exists(path)) GTEST_SKIP() << "data not found at " << path;
    const auto network = TrainableNetwork::create(*read_onnx_file(path), {8});
    ASSERT_TRUE(network.has_value()) << network.error();
    for (std::size_t i = 0; i < (*network)->input(0).size(); ++i) {
        (*network)->input(0)[i] = static_cast<float>(i % 7);
    }
    ASSERT_TRUE((*network)->forward(8));
    std::ranges::fill((*network)->output_gradient(0), 1.F);
    ASSERT_TRUE((*network)->backward());
    EXPECT_EQ((*network)->first_non_finite(), "");
}

TEST(RecordedModel, published_networks_agree_to_1e5) {
    if (!fs::exists(kHepModels)) GTEST_SKIP() << "data not found at " << kHepModels;
    std::size_t agreed = 0;
    for (const auto& entry : fs::directory_iterator(kHepModels)) {
        if (entry.path().extension() != ".onnx") continue;
        SCOPED_TRACE(entry.path().filename());
        const auto graph = read_onnx_file(entry.path());
        ASSERT_TRUE(graph.has_value()) << graph.error();
        const auto network = Network::compile(*graph);
        ASSERT_TRUE(network.has_value()) << network.error();
        NetworkRunner runner(*network);
        fs::path vectors = entry.path();
        const json recorded = read_json(vectors.replace_extension(".vectors.json"));
        const auto input = recorded["input"]["data"].get<std::vector<float>>();
        const auto rows = recorded["input"]["shape"][0].get<std::size_t>();
        ASSERT_EQ(input.size(), rows * (*network)->inputs()[0].row_size);
        std::ranges::copy(input, runner.input(0).begin());
        ASSERT_EQ(runner.run(rows), RunStatus::ok);
        for (std::size_t port = 0; port < (*network)->outputs().size(); ++port) {
            const auto wanted = recorded["output"][(*network)->outputs()[port].name]["data"]
                                    .get<std::vector<double>>();
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                ASSERT_NEAR(runner.output(port)[i], wanted[i], 1e-5 * (1.0 + std::abs(wanted[i])));
            }
        }
        ++agreed;
    }
    EXPECT_EQ(agreed, 9U);
}

}  // namespace
}  // namespace tamis::engine
