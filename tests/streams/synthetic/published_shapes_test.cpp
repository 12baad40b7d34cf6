#include "streams/synthetic/published_shapes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "models/event_features.hpp"

namespace tamis::streams {
namespace {

FeatureDerivation published_features() {
    FeatureDerivation features;
    features.names.assign(models::kFeatureNames.begin(), models::kFeatureNames.end());
    features.derive = [](const PhysicsObjects& objects, std::span<float> out) {
        const auto values = models::high_level_features(objects);
        std::copy(values.begin(), values.end(), out.begin());
    };
    return features;
}

TEST(PublishedShapes, distance_is_the_largest_step_between_the_sums) {
    const PublishedHistogram flat{SyntheticProcess::w, "x", 1.0, 5.0, {0, .25, .25, .25, .25, 0}};
    EXPECT_NEAR(kolmogorov_distance(flat, std::vector<float>{1.5F, 2.5F, 3.5F, 4.5F}), 0.0, 1e-12);
    EXPECT_NEAR(kolmogorov_distance(flat, std::vector<float>{1.5F, 1.5F, 3.5F, 4.5F}), 0.25, 1e-12);
    EXPECT_NEAR(kolmogorov_distance(flat, std::vector<float>{0.0F, 0.0F}), 1.0, 1e-12);
    EXPECT_NEAR(kolmogorov_distance(flat, std::vector<float>{9.0F, 9.0F}), 1.0, 1e-12);
}

TEST(PublishedShapes, underflow_counts_as_first_bin_where_the_axis_starts_at_zero) {
    const PublishedHistogram mass{SyntheticProcess::w, "m", 0.0, 2.0, {.5, .5, 0, 0}};
    EXPECT_NEAR(kolmogorov_distance(mass, std::vector<float>{0.5F, 0.5F}), 0.0, 1e-12);
}

TEST(PublishedShapes, a_damaged_line_is_refused_with_its_number) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("damaged_shapes_" + std::to_string(getpid()) + ".tsv");
    std::ofstream(path) << "# comment\nsample\tfeature\nWlnu\tHT\t10\t3\t0\t1\t0,1,2\n";
    const auto shapes = read_published_shapes(path.string());
    std::filesystem::remove(path);
    ASSERT_FALSE(shapes.has_value());
    EXPECT_NE(shapes.error().find(path.filename().string() + ":3"), std::string::npos)
        << shapes.error();
    EXPECT_FALSE(read_published_shapes("absent.tsv").has_value());
}

TEST(PublishedShapes, generated_standard_model_follows_them_within_the_limit) {
    const std::string path = TAMIS_DATA_DIR "/models/vae_hlf_histograms.tsv";
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "data not found at " << path;
    }
    const auto report = kolmogorov_report(path, 1811, 8000, published_features());
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_EQ(report->size(), 168U);
    std::cout << to_table(*report);
    for (const ShapeDistance& entry : *report) {
        if (entry.is_bounded) {
            EXPECT_LE(entry.distance, kShapeDistanceLimit)
                << to_string(entry.process) << " " << entry.feature;
        }
    }
}

}  // namespace
}  // namespace tamis::streams
