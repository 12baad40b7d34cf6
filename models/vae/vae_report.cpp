#include "models/vae/vae_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string_view>

#include "models/calibration.hpp"

namespace tamis::models::vae {
namespace {

constexpr std::array<double, 4> kFractions = {1e-4, 1e-3, 1e-2, 1e-1};

// The authors' ROC curves of the published network: area, and efficiency at kFractions.
struct PublishedSignal {
    std::string_view name;
    double area = 0;
    double kl_area = 0;
    std::array<double, kFractions.size()> efficiency{};
};
constexpr std::array<PublishedSignal, 4> kPublished = {{
    {"a_to_4l", 0.9135, 0.7164, {2.86e-2, 0.178, 0.485, 0.819}},
    {"lq_to_b_tau", 0.8544, 0.6972, {4.0e-3, 0.0287, 0.184, 0.600}},
    {"h0_to_tau_tau", 0.7532, 0.6841, {1.84e-3, 0.0219, 0.168, 0.481}},
    {"hpm_to_tau_nu", 0.9220, 0.8423, {4.65e-3, 0.0598, 0.380, 0.785}},
}};

template <class... Values>
std::string line(const char* format, Values... values) {
    std::array<char, 160> text{};
    // The formats are literals of this file.
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

const PublishedSignal* find_published(std::string_view name) {
    const auto* const found =
        std::find_if(kPublished.begin(), kPublished.end(),
                     [name](const PublishedSignal& signal) { return signal.name == name; });
    return found == kPublished.end() ? nullptr : found;
}

void add_areas(const ScoredSample& background, std::span<const ScoredSample> signals,
               std::vector<std::string>& report) {
    report.emplace_back("area under the ROC curve (published in brackets)");
    report.push_back(line("  %-14s %15s %15s %8s %8s", "signal", "nll", "kl", "total", "mu2"));
    for (const ScoredSample& signal : signals) {
        const PublishedSignal* published = find_published(signal.name);
        report.push_back(line(
            "  %-14s %6.4f (%6.4f) %6.4f (%6.4f) %8.4f %8.4f", signal.name.c_str(),
            roc_area(background.nll, signal.nll), published == nullptr ? NAN : published->area,
            roc_area(background.kl, signal.kl), published == nullptr ? NAN : published->kl_area,
            roc_area(background.total, signal.total), roc_area(background.mu2, signal.mu2)));
    }
}

void add_efficiencies(const ScoredSample& background, std::span<const ScoredSample> signals,
                      std::vector<std::string>& report) {
    std::vector<float> falling = background.nll;
    std::sort(falling.begin(), falling.end(), std::greater<>());
    report.emplace_back("efficiency by nll at a background fraction (published in brackets)");
    std::string header = line("  %-14s", "signal");
    for (const double fraction : kFractions) {
        header += line(" %20.0e", fraction);
    }
    report.push_back(header);
    for (const ScoredSample& signal : signals) {
        const PublishedSignal* published = find_published(signal.name);
        std::string row = line("  %-14s", signal.name.c_str());
        for (std::size_t i = 0; i < kFractions.size(); ++i) {
            const auto position =
                static_cast<std::size_t>(kFractions[i] * static_cast<double>(falling.size()));
            const std::size_t passed = count_above(signal.nll, falling[position]);
            row += line(" %9.2e (%8.2e)",
                        static_cast<double>(passed) / static_cast<double>(signal.nll.size()),
                        published == nullptr ? NAN : published->efficiency[i]);
        }
        report.push_back(row);
    }
}

void add_points(std::span<const ScoredSample> signals, std::span<const WorkingPoint> points,
                std::vector<std::string>& report) {
    report.emplace_back("working points (95 % interval of the background fraction)");
    std::string header =
        line("  %-15s %10s %10s %21s", "point", "threshold", "fraction", "interval");
    for (const ScoredSample& signal : signals) {
        header += line(" %13s", signal.name.c_str());
    }
    report.push_back(header);
    for (const WorkingPoint& point : points) {
        const double threshold = point.bins.front().offset;
        std::string row = line("  %-15s %10.4f %10.3e [%9.3e, %9.3e]", point.name.c_str(),
                               threshold, point.background_fraction, point.background_fraction_low,
                               point.background_fraction_high);
        for (const ScoredSample& signal : signals) {
            row += line(" %13.3e", static_cast<double>(count_above(signal.nll, threshold)) /
                                       static_cast<double>(signal.nll.size()));
        }
        report.push_back(row);
    }
}

}  // namespace

std::vector<std::string> vae_report(const ScoredSample& background,
                                    std::span<const ScoredSample> signals,
                                    std::span<const WorkingPoint> points) {
    std::vector<std::string> report;
    if (!signals.empty()) {
        add_areas(background, signals, report);
        add_efficiencies(background, signals, report);
    }
    add_points(signals, points, report);
    return report;
}

}  // namespace tamis::models::vae
