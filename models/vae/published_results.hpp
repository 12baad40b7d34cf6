// What arXiv:1811.10276 and the authors' files give for the synthetic signals' namesakes: constants
// read from their ROC curves and notebook (ocerri/AnomalyDetection, d249fc6). Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace tamis::models::vae {

// Background fractions of the published points, falling; the last is 1000 events a month.
inline constexpr std::array<double, 5> kPublishedFractions = {1e-1, 1e-2, 1e-3, 1e-4, 5.38e-6};

struct PublishedCurve {
    std::string_view method;  // "vae nll", "vae kl", "autoencoder", "pca", "bdt", "dnn"
    std::string_view signal;  // as SyntheticProcess is called
    double area = 0;
    // Signal efficiency at each of kPublishedFractions, where it is published.
    std::array<std::optional<double>, kPublishedFractions.size()> efficiency = {};
};

[[nodiscard]] std::span<const PublishedCurve> published_curves() noexcept;
// Null where nothing is published.
[[nodiscard]] const PublishedCurve* find_published(std::string_view method,
                                                   std::string_view signal) noexcept;

// Of the background that the published network accepts at 5.38e-6: the share of each process.
struct PublishedShare {
    std::string_view process;
    double share = 0;
};
inline constexpr std::array<PublishedShare, 4> kPublishedShares = {
    {{"w", 0.32}, {"qcd", 0.29}, {"z", 0.21}, {"ttbar", 0.17}}};

// A to four leptons in the training sample: the signal's efficiency at 5.38e-6.
struct PublishedContamination {
    double fraction = 0;
    double efficiency = 0;
};
inline constexpr std::array<PublishedContamination, 4> kPublishedContamination = {
    {{0, 2.10e-3}, {2e-4, 3.3e-3}, {1.9e-3, 1.79e-3}, {1.89e-2, 1.24e-4}}};

}  // namespace tamis::models::vae
