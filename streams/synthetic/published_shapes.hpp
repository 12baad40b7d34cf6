// The measure of the collision generator: published histograms of derived features, one for each
// process and feature, and the Kolmogorov distance of generated events to them. Cold path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "streams/payloads.hpp"
#include "streams/synthetic/process.hpp"

namespace tamis::streams {

// `content` has the bins between an underflow and an overflow, adding to one.
struct PublishedHistogram {
    SyntheticProcess process = SyntheticProcess::w;
    std::string feature;
    double low = 0, high = 0;
    std::vector<double> content;
};

// Reads a tab-separated file: sample, feature, events, bins, low, high, contents (underflow, bins,
// overflow separated by commas), with '#' comments and one header line; samples are named Wlnu,
// qcd, Zll, ttbar, Ato4l, hToTauTau, hChToTauNu, leptoquark. Errors name the file and line.
[[nodiscard]] tl::expected<std::vector<PublishedHistogram>, std::string> read_published_shapes(
    const std::string& path);

// Largest difference of the cumulative distributions on the histogram's own bins. Published masses
// just below zero are rounding of massless sums: where the axis starts at zero, underflow and first
// bin count as one bin.
[[nodiscard]] double kolmogorov_distance(const PublishedHistogram& published,
                                         std::span<const float> values);

// The features of one event, in the order of the names. In the layers above: models' features.
struct FeatureDerivation {
    std::vector<std::string_view> names;
    std::function<void(const PhysicsObjects&, std::span<float>)> derive;
};

struct ShapeDistance {
    SyntheticProcess process = SyntheticProcess::w;
    std::string feature;
    double distance = 0;
    double generated_mean = 0;
    bool is_bounded = false;  // the generator promises at most kShapeDistanceLimit here
};
inline constexpr double kShapeDistanceLimit = 0.2;

// Generates `events_per_process` events of each process under `seed` and compares every feature for
// which there is a histogram; ordered by feature as given, then process.
[[nodiscard]] tl::expected<std::vector<ShapeDistance>, std::string> kolmogorov_report(
    const std::string& histograms_path, std::uint64_t seed, std::size_t events_per_process,
    const FeatureDerivation& features);

// The report as a table: a line per feature, a column per process.
[[nodiscard]] std::string to_table(std::span<const ShapeDistance> distances);

}  // namespace tamis::streams
