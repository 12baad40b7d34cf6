#include "models/fixed_point/layer_table_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "models/fixed_point/published_ladders.hpp"
#include "models/model_loader.hpp"
#include "tests/models/fixed_point/small_tables.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using tests::Json;

class LayerTableImport : public testing::Test {
 protected:
    void SetUp() override { fs::create_directories(directory_); }
    void TearDown() override { fs::remove_all(directory_); }

    [[nodiscard]] tl::expected<ModelFiles, std::string> import(
        const Json& document, AnomalyTrigger trigger = AnomalyTrigger::axol1tl) const {
        const fs::path file = directory_ / "2nd table.v1.json";
        std::ofstream(file, std::ios::binary) << document.dump();
        return import_layer_table(trigger, file);
    }

    fs::path directory_ =
        fs::path(testing::TempDir()) / ("layer_table_import_" + std::to_string(::getpid()));
};

TEST_F(LayerTableImport, makes_a_model_that_loads_and_answers_its_golden_vectors_exactly) {
    auto files = import(tests::encoder_table(31));
    ASSERT_TRUE(files.has_value()) << files.error();
    Manifest& manifest = files->manifest;
    EXPECT_EQ(manifest.name, "table_2nd_table.v1");
    EXPECT_EQ(manifest.kind, "axol1tl");
    EXPECT_EQ(manifest.schema, "l1_objects57");
    EXPECT_EQ(manifest.networks.front().file, "2nd table.v1.json");
    EXPECT_TRUE(manifest.working_points.empty());
    ASSERT_EQ(manifest.golden.size(), 7U);
    EXPECT_EQ(manifest.golden.front().relative_tolerance, 0);
    const auto model = load_model(manifest, files->networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    EXPECT_NE((*model)->hash(), 0U);
    manifest.golden[3].output[0] += 0.0625;
    EXPECT_THAT(load_model(manifest, files->networks).error(), HasSubstr("golden vector 3"));
}

TEST_F(LayerTableImport, a_changed_table_is_refused_by_its_hash) {
    auto files = import(tests::region_table(32), AnomalyTrigger::cicada).value();
    files.networks.front() += " ";
    EXPECT_THAT(load_model(files.manifest, files.networks).error(), HasSubstr("SHA-256"));
}

TEST_F(LayerTableImport, a_point_of_the_file_passes_from_its_threshold_on) {
    Json document = tests::encoder_table(33);
    document["working_points"] = {{"Loose", 12.5}, {"Tight", 90}};
    const auto files = import(document).value();
    ASSERT_EQ(files.manifest.working_points.size(), 2U);
    EXPECT_EQ(files.manifest.working_points[1].name, "Tight");
    // The score counts in sixteenths: above 89.96875 means 90 or more.
    EXPECT_EQ(files.manifest.working_points[1].bins.front().offset, 90 - 1.0 / 32);
}

TEST_F(LayerTableImport, a_model_with_published_seeds_gets_their_ladder) {
    Json document = tests::encoder_table(34);
    document["model"] = "AXOL1TL v4";
    const auto files = import(document).value();
    const auto& points = files.manifest.working_points;
    ASSERT_EQ(points.size(), 5U);
    EXPECT_EQ(points[2].name, "Nominal");
    EXPECT_EQ(points[2].bins.front().offset, 415.0 / 16 - 1.0 / 32);
    EXPECT_THAT(files.manifest.provenance.report.back(), HasSubstr("2024 v1.3.0"));
}

TEST(PublishedLadders, rise_from_loose_to_tight) {
    for (const char* const model : {"AXOL1TL v4", "AXOL1TL v5", "CICADA v2p1p2", "CICADA v2p2p0"}) {
        const PublishedLadder* const ladder = find_published_ladder(model);
        ASSERT_NE(ladder, nullptr) << model;
        EXPECT_GE(ladder->steps.size(), 5U);
        for (std::size_t i = 1; i < ladder->steps.size(); ++i) {
            EXPECT_LT(ladder->steps[i - 1].least_score, ladder->steps[i].least_score) << model;
        }
    }
    EXPECT_EQ(find_published_ladder("AXOL1TL v3"), nullptr);
}

TEST_F(LayerTableImport, refuses_what_is_no_table_of_that_kind) {
    EXPECT_THAT(import(tests::region_table(1)).error(), HasSubstr("252 inputs"));
    EXPECT_THAT(import(tests::encoder_table(1), AnomalyTrigger::cicada).error(),
                HasSubstr("57 scaled inputs"));
    EXPECT_THAT(import(Json::array()).error(), HasSubstr("not a JSON object"));
    Json unfit = tests::encoder_table(1);
    unfit["network"].erase(2);
    EXPECT_THAT(import(unfit).error(), HasSubstr("reads 'last', which no step"));
    EXPECT_THAT(import_layer_table(AnomalyTrigger::cicada, directory_ / "absent.json").error(),
                HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace tamis::models
