#include "models/vae/vae_tsv.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/model_loader.hpp"
#include "models/vae/likelihoods.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;

class PublishedWeights : public testing::Test {
 protected:
    void SetUp() override {
        const fs::path data = fs::path(TAMIS_DATA_DIR) / "models";
        weights_ = data / "vae_v71_weights.tsv";
        if (!fs::exists(weights_) || !fs::exists(data / "vae_v71_golden.json")) {
            GTEST_SKIP() << "data not found at " << data;
        }
        golden_ = nlohmann::json::parse(std::ifstream(data / "vae_v71_golden.json"));
    }
    [[nodiscard]] std::shared_ptr<const Model> model() const {
        const auto files = import_vae_tsv(weights_);
        EXPECT_TRUE(files.has_value()) << files.error();
        const auto loaded = load_model(files->manifest, files->networks);
        EXPECT_TRUE(loaded.has_value()) << loaded.error();
        return *loaded;
    }

    fs::path weights_;
    nlohmann::json golden_;
};

double relative_difference(double a, double b) { return std::abs(a - b) / std::abs(b); }

TEST_F(PublishedWeights, scores_agree_with_the_published_network) {
    const auto vae = model();
    double worst = 0;
    for (const auto& [name, event] : golden_["events"].items()) {
        const auto row = event["x"].get<std::vector<float>>();
        std::vector<float> answer(vae->score_columns().size());
        vae->score_table(row, answer);
        const std::array<double, 3> expected = {event["nll"], event["kl"], event["tot"]};
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_LT(relative_difference(answer[1 + i], expected[i]), 3e-5)
                << name << " " << vae->score_columns()[1 + i];
            worst = std::max(worst, relative_difference(answer[1 + i], expected[i]));
        }
        const auto terms = event["per"].get<std::vector<double>>();
        for (std::size_t i = 0; i < terms.size(); ++i) {
            // Single precision of the network against the double of the golden file: small widths
            // amplify the last digit.
            EXPECT_NEAR(answer[5 + i], terms[i], 1e-4 * std::max(1.0, std::abs(terms[i])))
                << name << " " << kFeatureNames[i];
        }
    }
    RecordProperty("worst_relative_difference", std::to_string(worst));
}

TEST_F(PublishedWeights, prior_and_divergence_are_those_of_the_file) {
    const auto vae = model();
    const auto mean = read_parameter(vae->manifest(), "prior_mean", 4).value();
    const auto sigma = read_parameter(vae->manifest(), "prior_sigma", 4).value();
    for (std::size_t j = 0; j < 4; ++j) {
        EXPECT_NEAR(mean[j], golden_["prior_mean"][j].get<double>(), 1e-6);
        EXPECT_NEAR(sigma[j], golden_["prior_sigma"][j].get<double>(), 1e-6);
    }
    EXPECT_EQ(read_parameter(vae->manifest(), "divergence_as_published", 1).value()[0], 1);
}

TEST_F(PublishedWeights, exact_divergence_of_the_same_latent_space_by_name) {
    auto files = import_vae_tsv(weights_).value();
    for (Parameter& parameter : files.manifest.parameters) {
        if (parameter.name == "divergence_as_published") {
            parameter.values = {0};
        }
    }
    files.manifest.golden.clear();  // they hold the published divergence
    const auto vae = load_model(files.manifest, files.networks).value();
    for (const auto& [name, event] : golden_["events"].items()) {
        const auto row = event["x"].get<std::vector<float>>();
        std::vector<float> answer(vae->score_columns().size());
        vae->score_table(row, answer);
        double exact = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            exact +=
                vae::divergence_term(event["mu"][j], event["sigma"][j], golden_["prior_mean"][j],
                                     golden_["prior_sigma"][j], vae::DivergenceForm::exact)
                    .value;
        }
        EXPECT_LT(relative_difference(answer[2], exact), 3e-5) << name;
        EXPECT_LT(relative_difference(answer[1], event["nll"]), 3e-5) << name;
    }
}

class BrokenWeights : public testing::Test {
 protected:
    [[nodiscard]] std::string refusal(const std::string& text) const {
        std::ofstream(file_) << text;
        const auto files = import_vae_tsv(file_);
        return files ? "" : files.error();
    }
    void TearDown() override { fs::remove(file_); }

    fs::path file_ =
        fs::path(testing::TempDir()) /
        ("weights_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + "_" +
         std::to_string(::getpid()) + ".tsv");
};

TEST_F(BrokenWeights, each_mistake_is_named_with_its_line) {
    EXPECT_NE(import_vae_tsv("no/such/file.tsv").error().find("no/such/file.tsv: cannot be read"),
              std::string::npos);
    EXPECT_NE(refusal("# only a comment\n").find("'Decoder_h1/bias' is missing"),
              std::string::npos);
    EXPECT_NE(refusal("# c\na:0\t2\t1,nan\n").find(":2: weight 'a': 'nan' is no finite number"),
              std::string::npos);
    EXPECT_NE(refusal("a:0\t2x2\t1,2,3\n").find("has 3 values; right are the 4"),
              std::string::npos);
    EXPECT_NE(refusal("a:0\t2xq\t1,2\n").find("the shape is not numbers"), std::string::npos);
    EXPECT_NE(refusal("a:0\t1\t1\na:0\t1\t1\n").find(":2: weight 'a' is given twice"),
              std::string::npos);
    EXPECT_NE(refusal("Decoder_h1/bias:0\t2\t1,2\n").find("has shape [2]; right is [50]"),
              std::string::npos);
}

}  // namespace
}  // namespace tamis::models
