#include "streams/synthetic/published_shapes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "streams/synthetic/collision_generator.hpp"

namespace tamis::streams {
namespace {

constexpr std::array<std::string_view, kSyntheticProcesses> kPublishedNames = {
    "Wlnu", "qcd", "Zll", "ttbar", "Ato4l", "leptoquark", "hToTauTau", "hChToTauNu"};
constexpr std::array<std::string_view, 12> kBoundedFeatures = {
    "HT",  "LepPt", "MT",    "METp", "METo",   "allJetMass",
    "nMu", "nJets", "bJets", "nEle", "nChHad", "nNeuHad"};

bool is_bounded(SyntheticProcess process, std::string_view feature) noexcept {
    return !is_signal(process) && std::find(kBoundedFeatures.begin(), kBoundedFeatures.end(),
                                            feature) != kBoundedFeatures.end();
}

std::optional<SyntheticProcess> find_published(std::string_view name) noexcept {
    const auto* const found = std::find(kPublishedNames.begin(), kPublishedNames.end(), name);
    if (found == kPublishedNames.end()) {
        return std::nullopt;
    }
    return static_cast<SyntheticProcess>(found - kPublishedNames.begin());
}

std::optional<PublishedHistogram> parse_line(const std::string& line) {
    std::istringstream columns(line);
    std::string sample;
    double events = 0;
    std::size_t bins = 0;
    PublishedHistogram out;
    std::string contents;
    if (!(columns >> sample >> out.feature >> events >> bins >> out.low >> out.high >> contents)) {
        return std::nullopt;
    }
    const auto process = find_published(sample);
    if (!process || !(out.high > out.low)) {
        return std::nullopt;
    }
    out.process = *process;
    std::istringstream cells(contents);
    double total = 0;
    for (std::string cell; std::getline(cells, cell, ',');) {
        char* end = nullptr;
        const double value = std::strtod(cell.c_str(), &end);
        if (end == cell.c_str() || !(value >= 0)) {
            return std::nullopt;
        }
        out.content.push_back(value);
        total += value;
    }
    if (bins == 0 || out.content.size() != bins + 2 || !(total > 0)) {
        return std::nullopt;
    }
    for (double& value : out.content) {
        value /= total;
    }
    return out;
}

}  // namespace

tl::expected<std::vector<PublishedHistogram>, std::string> read_published_shapes(
    const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        return tl::unexpected(path + ": cannot be read; give the file of published histograms");
    }
    std::vector<PublishedHistogram> out;
    std::size_t number = 0;
    bool header_seen = false;
    for (std::string line; std::getline(file, line);) {
        ++number;
        if (line.empty() || line[0] == '#') {
            continue;
        }
        if (!header_seen) {
            header_seen = true;
            continue;
        }
        auto histogram = parse_line(line);
        if (!histogram) {
            return tl::unexpected(path + ":" + std::to_string(number) +
                                  ": not a histogram; columns are sample, feature, events, bins, "
                                  "low, high, contents");
        }
        out.push_back(std::move(*histogram));
    }
    if (out.empty()) {
        return tl::unexpected(path + ": holds no histogram");
    }
    return out;
}

double kolmogorov_distance(const PublishedHistogram& published, std::span<const float> values) {
    const std::size_t bins = published.content.size() - 2;
    const double width = (published.high - published.low) / static_cast<double>(bins);
    std::vector<double> counts(bins + 2, 0.0);
    for (const float value : values) {
        const double place = std::floor((value - published.low) / width);
        const double index = std::clamp(place + 1.0, 0.0, static_cast<double>(bins + 1));
        counts[static_cast<std::size_t>(index)] += 1.0;
    }
    const bool starts_at_zero = std::abs(published.low) < 1e-9;
    double generated_sum = 0;
    double published_sum = 0;
    double largest = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        generated_sum += counts[i] / static_cast<double>(values.size());
        published_sum += published.content[i];
        if (i != 0 || !starts_at_zero) {
            largest = std::max(largest, std::abs(generated_sum - published_sum));
        }
    }
    return largest;
}

namespace {

// Feature by feature, of events of one process.
std::vector<std::vector<float>> generated_columns(std::uint64_t seed, SyntheticProcess process,
                                                  std::size_t events,
                                                  const FeatureDerivation& features) {
    std::vector<std::vector<float>> columns(features.names.size());
    std::vector<float> row(features.names.size());
    const EventMix mix = EventMix::only(process);
    Collision collision;
    for (std::size_t event = 0; event < events; ++event) {
        generate_collision(seed, 1, event, mix, collision);
        features.derive(collision.view(), row);
        for (std::size_t i = 0; i < row.size(); ++i) {
            columns[i].push_back(row[i]);
        }
    }
    return columns;
}

ShapeDistance distance_from(const PublishedHistogram& shape, std::span<const float> column) {
    double sum = 0;
    for (const float value : column) {
        sum += value;
    }
    return {shape.process, shape.feature, kolmogorov_distance(shape, column),
            sum / static_cast<double>(column.size()), is_bounded(shape.process, shape.feature)};
}

void add_distances(std::vector<ShapeDistance>& out, std::span<const PublishedHistogram> shapes,
                   SyntheticProcess process, std::string_view feature,
                   std::span<const float> column) {
    for (const PublishedHistogram& shape : shapes) {
        if (shape.process == process && shape.feature == feature) {
            out.push_back(distance_from(shape, column));
        }
    }
}

}  // namespace

tl::expected<std::vector<ShapeDistance>, std::string> kolmogorov_report(
    const std::string& histograms_path, std::uint64_t seed, std::size_t events_per_process,
    const FeatureDerivation& features) {
    auto shapes = read_published_shapes(histograms_path);
    if (!shapes) {
        return tl::unexpected(shapes.error());
    }
    const std::size_t width = features.names.size();
    std::vector<ShapeDistance> out;
    for (std::size_t p = 0; p < kSyntheticProcesses; ++p) {
        const auto process = static_cast<SyntheticProcess>(p);
        const auto columns = generated_columns(seed, process, events_per_process, features);
        for (std::size_t i = 0; i < width; ++i) {
            add_distances(out, *shapes, process, features.names[i], columns[i]);
        }
    }
    const auto position = [&features](const ShapeDistance& entry) {
        return std::find(features.names.begin(), features.names.end(), entry.feature) -
               features.names.begin();
    };
    std::stable_sort(out.begin(), out.end(),
                     [&position](const ShapeDistance& a, const ShapeDistance& b) {
                         return position(a) < position(b);
                     });
    return out;
}

std::string to_table(std::span<const ShapeDistance> distances) {
    std::string out = "feature     ";
    std::array<char, 64> text{};
    for (std::size_t p = 0; p < kSyntheticProcesses; ++p) {
        std::snprintf(text.data(), text.size(), " %13s",
                      std::string(to_string(static_cast<SyntheticProcess>(p))).c_str());
        out += text.data();
    }
    std::string_view feature;
    for (const ShapeDistance& entry : distances) {
        if (entry.feature != feature) {
            feature = entry.feature;
            std::snprintf(text.data(), text.size(), "\n%-12s", entry.feature.c_str());
            out += text.data();
        }
        std::snprintf(text.data(), text.size(), " %12.3f%c", entry.distance,
                      entry.is_bounded && entry.distance > kShapeDistanceLimit ? '!' : ' ');
        out += text.data();
    }
    return out + "\n";
}

}  // namespace tamis::streams
