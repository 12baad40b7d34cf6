#include "models/vae/vae_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string_view>

#include "models/calibration.hpp"
#include "models/vae/published_results.hpp"

namespace tamis::models::vae {
namespace {

// From tight to loose, as the report prints them: positions in kPublishedFractions.
constexpr std::array<std::size_t, 4> kColumns = {3, 2, 1, 0};

template <class... Values>
std::string line(const char* format, Values... values) {
    std::array<char, 160> text{};
    // The formats are literals of this file.
    std::snprintf(text.data(), text.size(), format, values...);
    return text.data();
}

double published_area(std::string_view method, const std::string& signal) {
    const PublishedCurve* const curve = find_published(method, signal);
    return curve == nullptr ? NAN : curve->area;
}

void add_areas(const ScoredSample& background, std::span<const ScoredSample> signals,
               std::vector<std::string>& report) {
    report.emplace_back("area under the ROC curve (published in brackets)");
    report.push_back(line("  %-14s %15s %15s %8s %8s", "signal", "nll", "kl", "total", "mu2"));
    for (const ScoredSample& signal : signals) {
        report.push_back(
            line("  %-14s %6.4f (%6.4f) %6.4f (%6.4f) %8.4f %8.4f", signal.name.c_str(),
                 roc_area(background.nll, signal.nll), published_area("vae nll", signal.name),
                 roc_area(background.kl, signal.kl), published_area("vae kl", signal.name),
                 roc_area(background.total, signal.total), roc_area(background.mu2, signal.mu2)));
    }
}

void add_efficiencies(const ScoredSample& background, std::span<const ScoredSample> signals,
                      std::vector<std::string>& report) {
    std::vector<float> falling = background.nll;
    std::sort(falling.begin(), falling.end(), std::greater<>());
    report.emplace_back("efficiency by nll at a background fraction (published in brackets)");
    std::string header = line("  %-14s", "signal");
    for (const std::size_t column : kColumns) {
        header += line(" %20.0e", kPublishedFractions[column]);
    }
    report.push_back(header);
    for (const ScoredSample& signal : signals) {
        const PublishedCurve* const published = find_published("vae nll", signal.name);
        std::string row = line("  %-14s", signal.name.c_str());
        for (const std::size_t column : kColumns) {
            const auto position = static_cast<std::size_t>(kPublishedFractions[column] *
                                                           static_cast<double>(falling.size()));
            const std::size_t passed = count_above(signal.nll, falling[position]);
            row += line(" %9.2e (%8.2e)",
                        static_cast<double>(passed) / static_cast<double>(signal.nll.size()),
                        published == nullptr ? NAN : published->efficiency[column].value_or(NAN));
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
