#include "models/vae/vae_tsv.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

// What the published values are good for, relative. Terms below kLeastTerm are -ln(1 - p) of a tiny
// p: beside 1 a double's spacing (1.1e-16) is no longer a hundred-thousandth of it.
constexpr double kAgreement = 1e-5;
constexpr double kLeastTerm = 1e-10;

double difference(double got, double published) {
    return std::abs(got - published) / std::max(std::abs(published), kLeastTerm);
}

TEST_F(PublishedWeights, scores_agree_with_the_published_network) {
    const auto vae = model();
    ASSERT_EQ(golden_["events"].size(), 5U);
    for (const auto& [name, event] : golden_["events"].items()) {
        const auto row = event["x"].get<std::vector<float>>();
        std::vector<float> answer(vae->score_columns().size());
        vae->score_table(row, answer);
        std::vector<double> published = {event["nll"], event["nll"], event["kl"], event["tot"]};
        double mu2 = 0;
        for (const double mu : event["mu"].get<std::vector<double>>()) mu2 += mu * mu;
        published.push_back(mu2);
        const auto terms = event["per"].get<std::vector<double>>();
        published.insert(published.end(), terms.begin(), terms.end());
        ASSERT_EQ(published.size(), answer.size());
        for (std::size_t i = 0; i < published.size(); ++i) {
            EXPECT_LT(difference(answer[i], published[i]), kAgreement)
                << name << " " << vae->score_columns()[i] << " is " << answer[i] << ", published "
                << published[i];
        }
    }
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
        EXPECT_LT(difference(answer[2], exact), kAgreement) << name;
        EXPECT_LT(difference(answer[1], event["nll"]), kAgreement) << name;
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
