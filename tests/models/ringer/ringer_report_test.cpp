#include "models/ringer/ringer_report.hpp"

#include <gtest/gtest.h>

#include "models/ringer/ringer_network.hpp"

namespace tamis::models {
namespace {

// One bin above 15 GeV; one point passes whatever has a score, the other nothing.
Manifest one_bin() {
    Manifest manifest;
    manifest.networks = {{"bin.onnx", "", 15, 1e6, 0, 2.5}};
    for (const auto& [name, offset] : {std::pair{"tight", -1e3}, std::pair{"loose", 1e3}}) {
        WorkingPoint& point = manifest.working_points.emplace_back();
        point.name = name;
        point.mu_low = 16;
        point.mu_high = 60;
        point.bins = {{15, 1e6, 0, 2.5, 0, offset}};
    }
    return manifest;
}

RingerBank bank_of(const Manifest& manifest) {
    const std::vector<std::size_t> nodes = {100, 2, 1};
    const std::vector<engine::Graph> graphs = {make_mlp("bin", nodes, LastLayer::linear, 1)};
    auto bank = make_ringer_bank(manifest, graphs);
    EXPECT_TRUE(bank.has_value()) << bank.error();
    return *std::move(bank);
}

RingerSample cluster(double et, double mu, bool is_electron, bool passes_the_cuts) {
    RingerSample sample;
    sample.et = static_cast<float>(et);
    sample.eta = 0.3F;
    sample.average_mu = static_cast<float>(mu);
    sample.is_electron = is_electron;
    sample.rings.fill(1);
    ShowerShapes& shapes = sample.shapes.emplace();
    shapes.e277 = 1;
    shapes.e237 = passes_the_cuts ? 0.95F : 0.1F;
    shapes.emaxs1 = 1;
    return sample;
}

// 40 electrons at 20 and 20 at 55 interactions, of which the cuts keep 30 and 5; 10 others, of
// which they keep 2; one electron in no bin.
std::vector<RingerSample> tested() {
    std::vector<RingerSample> samples;
    for (int i = 0; i < 40; ++i) {
        samples.push_back(cluster(30, 20, true, i < 30));
    }
    for (int i = 0; i < 20; ++i) {
        samples.push_back(cluster(30, 55, true, i < 5));
    }
    for (int i = 0; i < 10; ++i) {
        samples.push_back(cluster(30, 20, false, i < 2));
    }
    samples.push_back(cluster(10, 20, true, true));
    return samples;
}

TEST(RingerReport, counts_points_and_cuts_on_the_clusters_of_the_bins) {
    Manifest manifest = one_bin();
    const auto lines =
        measure_ringer(manifest.working_points, bank_of(manifest), tested(), std::nullopt);
    EXPECT_EQ(manifest.working_points[0].signal_efficiency, 1.0);
    EXPECT_EQ(manifest.working_points[0].background_fraction, 1.0);
    EXPECT_EQ(manifest.working_points[1].signal_efficiency, 0.0);
    EXPECT_GT(manifest.working_points[1].background_fraction_high, 0.2);
    using testing::Contains;
    using testing::StartsWith;
    EXPECT_THAT(lines, Contains(StartsWith("bin.onnx: 60/10, SP ")));
    EXPECT_THAT(lines, Contains(StartsWith("tight (wanted PD 0.0000): PD 1.0000 of 60 (")));
    EXPECT_THAT(lines, Contains(StartsWith("loose (wanted PD 0.0000): PD 0.0000 of 60 (")));
    EXPECT_THAT(lines, Contains(StartsWith("cut-based tight on the test sample: PD 0.5833 of 60")));
    EXPECT_THAT(lines, Contains(testing::HasSubstr("FA 0.2000 of 10")));
    EXPECT_THAT(lines, Contains("tight by pile-up, PD of ringer/cuts: 16 to 27: 1.0000/0.7500 of "
                                "40; 49 to 60: 1.0000/0.2500 of 20;"));
    EXPECT_THAT(lines, Contains("loose by pile-up, PD of ringer/cuts: 16 to 27: 0.0000/0.7500 of "
                                "40; 49 to 60: 0.0000/0.2500 of 20;"));
}

TEST(RingerReport, takes_the_tables_of_a_chain) {
    std::vector<RingerSample> samples = tested();
    for (RingerSample& sample : samples) {
        sample.shapes->e237 = 0.72F;  // tight: .71296 below 22 GeV, .7288 above
    }
    EXPECT_THAT(cut_selection_lines(samples, std::nullopt, "all")[0],
                testing::StartsWith("cut-based tight on all: PD 0.0164 of 61"));
    EXPECT_THAT(cut_selection_lines(samples, 17, "all")[0],
                testing::StartsWith("cut-based tight on all: PD 1.0000 of 61"));
}

TEST(RingerReport, says_nothing_of_cuts_without_shapes) {
    Manifest manifest = one_bin();
    std::vector<RingerSample> samples = tested();
    samples.back().shapes.reset();
    EXPECT_FALSE(have_shapes(samples));
    EXPECT_TRUE(cut_selection_lines(samples, std::nullopt, "all").empty());
    const auto lines =
        measure_ringer(manifest.working_points, bank_of(manifest), samples, std::nullopt);
    EXPECT_THAT(lines, testing::Not(testing::Contains(testing::HasSubstr("cut"))));
}

}  // namespace
}  // namespace tamis::models
