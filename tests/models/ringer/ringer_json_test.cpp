#include "models/ringer/ringer_json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "models/model_loader.hpp"
#include "models/ringer/ring_sums.hpp"
#include "streams/csv_table.hpp"

namespace tamis::models {
namespace {

const std::filesystem::path kData = std::filesystem::path(TAMIS_DATA_DIR) / "atlas_neuralringer";

std::string read_text(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

// The published probes as rows of the table form: MeV to GeV.
class PublishedRings : public testing::TestWithParam<LastLayer> {
 protected:
    void SetUp() override {
        const auto file = kData / "run330203_rings.csv";
        if (!std::filesystem::exists(file)) {
            GTEST_SKIP() << "data not found at " << kData;
        }
        auto read = streams::read_csv_table(file);
        ASSERT_TRUE(read.has_value()) << read.error();
        table_ = std::move(*read);
        RingerImport options;
        options.last = GetParam();
        auto imported =
            import_ringer_json(read_text(kData / "ringer_ensembles_mc15c.json"), options);
        ASSERT_TRUE(imported.has_value()) << imported.error();
        auto model = load_model(imported->manifest, imported->networks);
        ASSERT_TRUE(model.has_value()) << model.error();
        model_ = *model;
        score();
    }
    [[nodiscard]] double recorded(std::size_t row, const std::string& column) const {
        return table_.row(row)[*table_.find_column(column)];
    }
    [[nodiscard]] double answer(std::size_t row, const std::string& column) const {
        const auto columns = model_->score_columns();
        const auto found = std::find(columns.begin(), columns.end(), column);
        EXPECT_NE(found, columns.end()) << column;
        return answers_[row * columns.size() + static_cast<std::size_t>(found - columns.begin())];
    }

    streams::CsvTable table_;
    std::shared_ptr<const Model> model_;

 private:
    void score() {
        std::vector<float> rows;
        const std::size_t first_ring = *table_.find_column("ring0");
        for (std::size_t i = 0; i < table_.row_count(); ++i) {
            rows.push_back(static_cast<float>(recorded(i, "l2_et_mev") / 1000));
            rows.push_back(static_cast<float>(recorded(i, "l2_eta")));
            rows.push_back(static_cast<float>(recorded(i, "avgmu")));
            for (std::size_t ring = 0; ring < 100; ++ring) {
                rows.push_back(static_cast<float>(table_.row(i)[first_ring + ring] / 1000));
            }
        }
        answers_.resize(table_.row_count() * model_->score_columns().size());
        model_->score_table(rows, answers_);
    }
    std::vector<float> answers_;
};

TEST_P(PublishedRings, every_probe_gets_the_published_answers_and_decisions) {
    const bool is_tanh = GetParam() == LastLayer::tanh;
    double largest = 0;
    std::size_t compared = 0;
    for (std::size_t i = 0; i < table_.row_count(); ++i) {
        for (const char* const name : {"Tight", "Medium", "Loose", "VeryLoose"}) {
            const std::string point = name;
            const double expected = recorded(i, (is_tanh ? "y_" : "z_") + point);
            const double got = answer(i, "score_" + point);
            largest = std::max(largest, std::abs(got - expected));
            EXPECT_NEAR(got, expected, is_tanh ? 2e-6 : 2e-5) << "row " << i << ' ' << point;
            EXPECT_EQ(answer(i, "pass_" + point), recorded(i, "pass_" + point))
                << "row " << i << ' ' << point;
            ++compared;
        }
    }
    std::cout << compared << " answers compared, largest deviation " << largest << '\n';
    EXPECT_GT(compared, 4000U);
}

TEST_P(PublishedRings, what_atlas_recorded_is_the_very_loose_ensemble) {
    const bool is_tanh = GetParam() == LastLayer::tanh;
    double largest = 0;
    std::size_t compared = 0;
    for (std::size_t i = 0; i < table_.row_count(); ++i) {
        const double expected = recorded(i, is_tanh ? "rnn_recorded" : "rnn_recorded_pretanh");
        if (std::isnan(expected)) {
            continue;
        }
        largest = std::max(largest, std::abs(answer(i, "score_VeryLoose") - expected));
        ++compared;
    }
    std::cout << compared << " recorded outputs, largest deviation " << largest << '\n';
    EXPECT_GT(compared, 0U);
    EXPECT_LT(largest, is_tanh ? 2e-6 : 2e-5);
}

INSTANTIATE_TEST_SUITE_P(Both, PublishedRings, testing::Values(LastLayer::tanh, LastLayer::linear),
                         [](const auto& which) {
                             return which.param == LastLayer::tanh ? "with_tanh" : "without_tanh";
                         });

TEST(RingerJson, reads_the_single_network_of_2009) {
    const auto file = kData / "ringer_net20090728.json";
    if (!std::filesystem::exists(file)) {
        GTEST_SKIP() << "data not found at " << kData;
    }
    const auto imported = import_ringer_json(read_text(file), {});
    ASSERT_TRUE(imported.has_value()) << imported.error();
    ASSERT_EQ(imported->manifest.networks.size(), 1U);
    const auto model = load_model(imported->manifest, imported->networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    EXPECT_EQ((*model)->score_columns()[1], "pass_default");
    // Electron-like rings of the table are kept: most of the energy in the centre of EM2.
    EXPECT_GT(imported->manifest.golden.front().output[0], -1.0);
    EXPECT_LT(imported->manifest.golden.front().output[0], 1.0);
}

std::string small_ensembles(const std::string& weights, const std::string& threshold) {
    return R"({"ensembles": {"OneConf": [{"bin": "a", "et": [0, 20], "eta": [0, 2.5],
              "nodes": [100, 1], "threshold": )" +
           threshold + R"(, "bias": [0.5], "weights": )" + weights + "}]}}";
}

std::string hundred(const std::string& value) {
    std::string list = "[" + value;
    for (int i = 1; i < 100; ++i) {
        list += "," + value;
    }
    return list + "]";
}

TEST(RingerJson, a_network_without_hidden_layer_is_a_weighted_sum) {
    const auto imported = import_ringer_json(small_ensembles(hundred("0.25"), "0.1"), {});
    ASSERT_TRUE(imported.has_value()) << imported.error();
    ASSERT_EQ(imported->manifest.golden.size(), 1U);
    // Normalised rings add up to 1.
    EXPECT_NEAR(imported->manifest.golden[0].output[0], std::tanh(0.75), 1e-6);
    EXPECT_EQ(imported->manifest.golden[0].output[1], 1.0);
}

TEST(RingerJson, refuses_what_is_no_ringer) {
    const auto error_of = [](const std::string& text) {
        const auto imported = import_ringer_json(text, {});
        return imported ? std::string() : imported.error();
    };
    EXPECT_THAT(error_of("{"), testing::HasSubstr("not a JSON object"));
    EXPECT_THAT(error_of("[1]"), testing::HasSubstr("not a JSON object"));
    EXPECT_THAT(error_of("{}"), testing::HasSubstr("\"ensembles\""));
    EXPECT_THAT(error_of(R"({"ensembles": {"A": []}})"), testing::HasSubstr("\"A\""));
    EXPECT_THAT(error_of(small_ensembles("[1, 2]", "0.1")), testing::HasSubstr("100 numbers"));
    EXPECT_THAT(error_of(small_ensembles("7", "0.1")), testing::HasSubstr("weights"));
    EXPECT_THAT(error_of(small_ensembles(hundred("null"), "0.1")),
                testing::HasSubstr("no finite number"));
    EXPECT_THAT(error_of(small_ensembles(hundred("0.25"), "1.5")), testing::HasSubstr("threshold"));
    EXPECT_THAT(error_of(R"({"nodes": [99, 1], "weights": [], "bias": []})"),
                testing::HasSubstr("100 rings"));
    EXPECT_THAT(error_of(R"({"nodes": [100, 1e9, 1], "weights": [], "bias": []})"),
                testing::HasSubstr("whole numbers"));
}

}  // namespace
}  // namespace tamis::models
