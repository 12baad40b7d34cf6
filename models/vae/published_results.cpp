#include "models/vae/published_results.hpp"

#include <algorithm>

namespace tamis::models::vae {
namespace {

constexpr std::optional<double> kNone = std::nullopt;
constexpr std::array<PublishedCurve, 24> kCurves = {{
    {"vae nll", "a_to_4l", 0.9135, {0.819, 0.485, 0.178, 2.86e-2, 2.10e-3}},
    {"vae nll", "lq_to_b_tau", 0.8544, {0.600, 0.184, 0.0287, 4.0e-3, 5.23e-4}},
    {"vae nll", "h0_to_tau_tau", 0.7532, {0.481, 0.168, 0.0219, 1.84e-3, 2.96e-4}},
    {"vae nll", "hpm_to_tau_nu", 0.9220, {0.785, 0.380, 0.0598, 4.65e-3, 9.72e-4}},
    {"vae kl", "a_to_4l", 0.7164, {kNone, kNone, kNone, kNone, 2.1e-3}},
    {"vae kl", "lq_to_b_tau", 0.6972, {kNone, kNone, kNone, kNone, 1.5e-5}},
    {"vae kl", "h0_to_tau_tau", 0.6841, {kNone, kNone, kNone, kNone, 7.5e-5}},
    {"vae kl", "hpm_to_tau_nu", 0.8423, {kNone, kNone, kNone, kNone, 2.2e-4}},
    {"autoencoder", "a_to_4l", 0.8402, {kNone, 0.15, kNone, 1.3e-3, 1.46e-5}},
    {"autoencoder", "lq_to_b_tau", 0.7944, {kNone, kNone, kNone, kNone, 3.2e-5}},
    {"autoencoder", "h0_to_tau_tau", 0.7235, {kNone, kNone, kNone, kNone, 1.4e-4}},
    {"autoencoder", "hpm_to_tau_nu", 0.9060, {kNone, kNone, kNone, 0.026, 1.46e-3}},
    {"pca", "a_to_4l", 0.6758, {kNone, kNone, kNone, kNone, 3.6e-5}},
    {"pca", "lq_to_b_tau", 0.7144, {}},
    {"pca", "h0_to_tau_tau", 0.6966, {}},
    {"pca", "hpm_to_tau_nu", 0.8768, {kNone, kNone, kNone, kNone, 4.1e-4}},
    {"bdt", "a_to_4l", 0.9783, {kNone, kNone, kNone, kNone, 5.66e-2}},
    {"bdt", "lq_to_b_tau", 0.9437, {kNone, kNone, kNone, kNone, 2.0e-3}},
    {"bdt", "h0_to_tau_tau", 0.9038, {kNone, kNone, kNone, kNone, 1.06e-3}},
    {"bdt", "hpm_to_tau_nu", 0.9682, {kNone, kNone, kNone, kNone, 3.1e-3}},
    {"dnn", "a_to_4l", 0.9832, {kNone, kNone, kNone, kNone, 0.184}},
    {"dnn", "lq_to_b_tau", 0.9526, {kNone, kNone, kNone, kNone, 4.9e-3}},
    {"dnn", "h0_to_tau_tau", 0.9171, {kNone, kNone, kNone, kNone, 4.5e-4}},
    {"dnn", "hpm_to_tau_nu", 0.9664, {kNone, kNone, kNone, kNone, 2.9e-3}},
}};

}  // namespace

std::span<const PublishedCurve> published_curves() noexcept { return kCurves; }

const PublishedCurve* find_published(std::string_view method, std::string_view signal) noexcept {
    const auto* const found =
        std::find_if(kCurves.begin(), kCurves.end(), [&](const PublishedCurve& curve) {
            return curve.method == method && curve.signal == signal;
        });
    return found == kCurves.end() ? nullptr : found;
}

}  // namespace tamis::models::vae
