#include "models/model_hash.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace tamis::models {
namespace {

TEST(ModelHash, sha256_of_the_standard_example) {
    const std::string_view text = "abc";
    EXPECT_EQ(sha256_of(std::as_bytes(std::span(text))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Manifest example() {
    Manifest manifest;
    manifest.name = "anomaly";
    manifest.kind = "vae";
    manifest.networks.push_back({.file = "vae.onnx", .sha256 = "00"});
    manifest.parameters.push_back({.name = "beta", .values = {0.3}});
    return manifest;
}

TEST(ModelHash, provenance_does_not_count) {
    Manifest changed = example();
    changed.provenance.command = "tamis train vae";
    EXPECT_EQ(model_hash(changed), model_hash(example()));
}

TEST(ModelHash, everything_else_counts) {
    const auto differs = [](auto&& change) {
        Manifest changed = example();
        change(changed);
        return model_hash(changed) != model_hash(example());
    };
    EXPECT_TRUE(differs([](Manifest& m) { m.networks[0].sha256 = "01"; }));
    EXPECT_TRUE(differs([](Manifest& m) { m.parameters[0].values[0] = 0.31; }));
    EXPECT_TRUE(differs([](Manifest& m) { m.working_points.emplace_back().name = "tight"; }));
    const auto of_point = [](auto&& change) {
        const auto added = [&change](Manifest& m, bool changed) {
            WorkingPoint& point = m.working_points.emplace_back();
            point.bins.emplace_back();
            if (changed) {
                change(point);
            }
            return model_hash(m);
        };
        Manifest plain = example(), other = example();
        return added(plain, false) != added(other, true);
    };
    EXPECT_TRUE(of_point([](WorkingPoint& p) { p.wanted = 0.1; }));
    EXPECT_TRUE(of_point([](WorkingPoint& p) { p.target = PointTarget::rate; }));
    EXPECT_TRUE(of_point([](WorkingPoint& p) { p.bins[0].pileup_high = 30; }));
    EXPECT_TRUE(of_point([](WorkingPoint& p) { p.bins[0].offset_low = 0; }));
    EXPECT_TRUE(of_point([](WorkingPoint& p) { p.bins[0].extrapolated.emplace(); }));
    EXPECT_FALSE(of_point([](WorkingPoint& /*point*/) {}));
    EXPECT_TRUE(differs([](Manifest& m) { m.golden.push_back({.input = {1}, .output = {2}}); }));
    EXPECT_TRUE(differs([](Manifest& m) {
        m.name.pop_back();  // the same letters, cut elsewhere
        m.version.assign(1, 'y');
    }));
}

}  // namespace
}  // namespace tamis::models
