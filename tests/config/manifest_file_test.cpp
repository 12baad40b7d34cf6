#include "config/manifest_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

namespace tamis::config {
namespace {

using testing::HasSubstr;

models::Manifest full_manifest() {
    models::Manifest manifest;
    manifest.name = "vae-demo";
    manifest.version = "2026.1";
    manifest.kind = "vae";
    manifest.schema = "high_level_features";
    manifest.features = {{"HT", "GeV", 0.1, 1.0 / 3.0}, {"nMu", "count", 0, 1}};
    manifest.networks = {{"encoder.onnx", std::string(64, 'a'), 0, 1e6, 0, 2.5},
                         {"bins/0_1.onnx", std::string(64, '9'), 15, 20.000000000000004, 0.1, 0.8}};
    models::WorkingPoint point;
    point.name = "tight";
    point.bins = {{15, 20, 0, 0.8, -0.0123456789012345678, 5e-324}, {20, 30, 0, 0.8, 0, -1e300}};
    point.mu_low = 16;
    point.mu_high = 60;
    point.background_fraction = 1e-5;
    point.background_fraction_low = 0.9e-5;
    point.background_fraction_high = 1.1e-5;
    point.signal_efficiency = 0.07;
    point.signal_efficiency_low = 0.06;
    point.signal_efficiency_high = 0.08;
    point.target = models::PointTarget::rate;
    point.wanted = 750.5;
    point.input_rate_hz = 4e7;
    point.bins[0].pileup_high = 40.5;
    point.bins[0].offset_high = 1.0 / 3.0;
    point.bins[1].pileup_low = 40.5;
    point.bins[1].offset_low = -1e301;
    point.bins[1].extrapolated = models::TailEstimate{1.1, 3808, -0.1, 0.01, 2.5, 0.3};
    manifest.working_points = {point};
    manifest.parameters = {{"beta", {0.3}}, {"widths", {1, 2.5, -3}}, {"nothing", {}}};
    manifest.provenance = {"tamis train vae --seed 7",
                           18'446'744'073'709'551'615ULL,
                           "800000 events: W 59.2 %, \xC2\xB5 and \xCE\xB2",
                           "0.1.0",
                           {"epoch 1", "  a \"quoted\" line\twith a tab", "", "back\\slash"}};
    manifest.golden = {{{0.1, 1.0 / 3.0, -0.0}, {std::nextafter(2.0, 3.0)}, 1e-5},
                       {{1, 2, 3}, {4}, 0}};
    return manifest;
}

models::Manifest read_back(const std::string& text) {
    const auto manifest = parse_manifest(text, "manifest.pbtxt");
    EXPECT_TRUE(manifest) << to_string(manifest.error());
    return manifest.value_or(models::Manifest{});
}

TEST(ManifestFile, reads_back_every_field_bit_for_bit) {
    const models::Manifest manifest = full_manifest();
    const models::Manifest read = read_back(manifest_text(manifest));
    EXPECT_EQ(read.name, manifest.name);
    EXPECT_EQ(read.version, manifest.version);
    EXPECT_EQ(read.kind, manifest.kind);
    EXPECT_EQ(read.schema, manifest.schema);
    ASSERT_EQ(read.features.size(), 2U);
    EXPECT_EQ(read.features[0].unit, "GeV");
    EXPECT_EQ(read.features[0].offset, 0.1);
    EXPECT_EQ(read.features[0].scale, 1.0 / 3.0);
    ASSERT_EQ(read.networks.size(), 2U);
    EXPECT_EQ(read.networks[1].file, "bins/0_1.onnx");
    EXPECT_EQ(read.networks[1].sha256, std::string(64, '9'));
    EXPECT_EQ(read.networks[1].et_high_gev, 20.000000000000004);
    EXPECT_EQ(read.networks[1].eta_low, 0.1);
    ASSERT_EQ(read.working_points.size(), 1U);
    const models::WorkingPoint& point = read.working_points[0];
    EXPECT_EQ(point.bins[0].slope, -0.0123456789012345678);
    EXPECT_EQ(point.bins[0].offset, 5e-324);
    EXPECT_EQ(point.bins[1].offset, -1e300);
    EXPECT_EQ(point.mu_low, 16);
    EXPECT_EQ(point.background_fraction_high, 1.1e-5);
    EXPECT_EQ(point.signal_efficiency, 0.07);
    EXPECT_EQ(point.signal_efficiency_low, 0.06);
    EXPECT_EQ(point.signal_efficiency_high, 0.08);
    EXPECT_EQ(point.target, models::PointTarget::rate);
    EXPECT_EQ(point.wanted, 750.5);
    EXPECT_EQ(point.input_rate_hz, 4e7);
    EXPECT_EQ(point.bins[0].pileup_high, 40.5);
    EXPECT_FALSE(point.bins[0].offset_low);
    EXPECT_EQ(point.bins[0].offset_high, 1.0 / 3.0);
    EXPECT_FALSE(point.bins[0].extrapolated);
    EXPECT_EQ(point.bins[1].pileup_low, 40.5);
    EXPECT_EQ(point.bins[1].offset_low, -1e301);
    ASSERT_TRUE(point.bins[1].extrapolated);
    EXPECT_EQ(point.bins[1].extrapolated->above, 1.1);
    EXPECT_EQ(point.bins[1].extrapolated->exceedances, 3808U);
    EXPECT_EQ(point.bins[1].extrapolated->shape, -0.1);
    EXPECT_EQ(point.bins[1].extrapolated->shape_error, 0.01);
    EXPECT_EQ(point.bins[1].extrapolated->scale, 2.5);
    EXPECT_EQ(point.bins[1].extrapolated->scale_error, 0.3);
    ASSERT_EQ(read.parameters.size(), 3U);
    EXPECT_EQ(read.parameters[1].values, manifest.parameters[1].values);
    EXPECT_TRUE(read.parameters[2].values.empty());
    EXPECT_EQ(read.provenance.command, manifest.provenance.command);
    EXPECT_EQ(read.provenance.seed, manifest.provenance.seed);
    EXPECT_EQ(read.provenance.data, manifest.provenance.data);
    EXPECT_EQ(read.provenance.report, manifest.provenance.report);
    ASSERT_EQ(read.golden.size(), 2U);
    EXPECT_EQ(read.golden[0].input, manifest.golden[0].input);
    EXPECT_TRUE(std::signbit(read.golden[0].input[2]));
    EXPECT_EQ(read.golden[0].output, manifest.golden[0].output);
    EXPECT_EQ(read.golden[0].relative_tolerance, 1e-5);
    EXPECT_EQ(read.golden[1].relative_tolerance, 0);
}

TEST(ManifestFile, writes_the_same_bytes_for_the_same_manifest) {
    const std::string text = manifest_text(full_manifest());
    EXPECT_EQ(manifest_text(read_back(text)), text);
}

TEST(ManifestFile, keeps_any_finite_double) {
    // Steps through the bit patterns by a large odd number: all exponents, both signs.
    models::Manifest manifest = full_manifest();
    manifest.golden.resize(1);
    manifest.golden[0].input.clear();
    std::uint64_t bits = 1;
    for (int i = 0; i < 5000; ++i, bits += 0x9E3779B97F4A7C15ULL) {
        const double value = std::bit_cast<double>(bits);
        if (std::isfinite(value)) {
            manifest.golden[0].input.push_back(value);
        }
    }
    EXPECT_EQ(read_back(manifest_text(manifest)).golden[0].input, manifest.golden[0].input);
}

TEST(ManifestFile, is_written_whole_or_not_at_all) {
    const auto folder = std::filesystem::path(testing::TempDir()) /
                        ("tamis_manifest_file_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    const auto file = folder / kManifestFileName;
    ASSERT_TRUE(write_manifest(full_manifest(), file));
    const auto read = read_model_directory(folder);
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(manifest_text(*read), manifest_text(full_manifest()));

    models::Manifest incomplete = full_manifest();
    incomplete.golden[0].output[0] = std::numeric_limits<double>::quiet_NaN();
    const auto refused = write_manifest(incomplete, file);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("\"output\" is not finite"));
    EXPECT_TRUE(read_manifest(file));

    const auto nowhere = write_manifest(full_manifest(), folder / "nowhere" / "manifest.pbtxt");
    ASSERT_FALSE(nowhere);
    EXPECT_THAT(nowhere.error(), HasSubstr("cannot write"));
    std::filesystem::remove_all(folder);
}

TEST(ManifestFile, tells_a_missing_directory_from_a_missing_manifest) {
    EXPECT_THAT(to_string(read_model_directory("no/such/model").error()),
                HasSubstr("no such directory (tried /"));
    EXPECT_THAT(to_string(read_model_directory(TAMIS_SOURCE_DIR).error()),
                HasSubstr("manifest.pbtxt:1:1: no such file (tried /"));
}

}  // namespace
}  // namespace tamis::config
