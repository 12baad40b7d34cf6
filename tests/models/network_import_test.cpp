#include "models/network_import.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/model_loader.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHitValues = 16 * 16 * 24, kInfoValues = 67;

// The formula by which the golden answers were made.
std::vector<float> formula_row(std::size_t n) {
    std::vector<float> row;
    for (std::size_t i = 0; i < kHitValues; ++i) {
        row.push_back(static_cast<float>(
            0.05 * std::sin(0.37 * static_cast<double>(i) + 0.1 * static_cast<double>(n))));
    }
    for (std::size_t k = 0; k < kInfoValues; ++k) {
        row.push_back(static_cast<float>(
            std::cos(0.21 * static_cast<double>(k) + 0.5 * static_cast<double>(n))));
    }
    return row;
}

TEST(NetworkImport, published_pixel_network_comes_in_unchanged) {
    const fs::path data = fs::path(TAMIS_DATA_DIR) / "models";
    if (!fs::exists(data / "layer_map_model.onnx")) {
        GTEST_SKIP() << "data not found at " << data;
    }
    const auto files = import_onnx(data / "layer_map_model.onnx");
    ASSERT_TRUE(files.has_value()) << files.error();
    EXPECT_EQ(files->networks[0].size(), fs::file_size(data / "layer_map_model.onnx"));
    const auto model = load_model(files->manifest, files->networks).value();
    ASSERT_EQ(model->input_columns().size(), kHitValues + kInfoValues);
    EXPECT_THAT(
        std::vector<std::string>(model->score_columns().begin(), model->score_columns().end()),
        testing::ElementsAre("score", "output_0", "output_1"));
    const auto golden =
        nlohmann::json::parse(std::ifstream(data / "pixelseed_layer_map_golden.json"));
    for (const auto& expected : golden["cases"]) {
        std::vector<float> rows;
        for (std::size_t n = 0; n < expected["n"]; ++n) {
            const std::vector<float> row = expected["name"] == "zeros"
                                               ? std::vector<float>(kHitValues + kInfoValues)
                                               : formula_row(n);
            rows.insert(rows.end(), row.begin(), row.end());
        }
        std::vector<float> answers(3 * expected["n"].get<std::size_t>());
        model->score_table(rows, answers);
        for (std::size_t n = 0; n < expected["n"]; ++n) {
            EXPECT_NEAR(answers[3 * n + 1], expected["output"][2 * n].get<double>(), 1e-5);
            EXPECT_NEAR(answers[3 * n + 2], expected["output"][2 * n + 1].get<double>(), 1e-5);
            EXPECT_EQ(answers[3 * n], answers[3 * n + 1]);
        }
    }
}

TEST(NetworkImport, names_of_inputs_output_and_reduction_go_into_the_manifest) {
    const fs::path network = fs::path(TAMIS_SOURCE_DIR) / "models/shipped/vae/vae.onnx";
    NetworkImport wanted;
    wanted.output = "par1";
    wanted.element = 2;
    const auto files = import_onnx(network, wanted);
    ASSERT_TRUE(files.has_value()) << files.error();
    EXPECT_EQ(files->manifest.name, "vae");
    EXPECT_EQ(files->manifest.schema, "vae");
    ASSERT_EQ(files->manifest.parameters.size(), 1U);
    EXPECT_EQ(files->manifest.parameters[0].name, "score.element");
    EXPECT_THAT(files->manifest.parameters[0].values, testing::ElementsAre(2, 2));
    wanted.output = "nowhere";
    EXPECT_THAT(import_onnx(network, wanted).error(),
                testing::HasSubstr("no output 'nowhere'; right are mu, sigma_raw, par1"));
}

TEST(NetworkImport, file_that_is_no_network_is_refused_by_name) {
    const fs::path file =
        fs::path(testing::TempDir()) / ("no_network_" + std::to_string(getpid()) + ".onnx");
    std::ofstream(file) << "plain text";
    const auto files = import_onnx(file);
    ASSERT_FALSE(files.has_value());
    EXPECT_NE(files.error().find(file.filename().string()), std::string::npos);
    fs::remove(file);
    EXPECT_FALSE(import_onnx("no/such.onnx").has_value());
}

}  // namespace
}  // namespace tamis::models
