#include "models/ringer/ringer_bank.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "models/ringer/ringer_bins.hpp"

namespace tamis::models {

namespace {

// Why not, naming the file.
tl::expected<void, std::string> check_networks(const Manifest& manifest,
                                               std::span<const engine::Graph> graphs,
                                               std::size_t rings) {
    for (std::size_t i = 0; i < graphs.size(); ++i) {
        const std::string& file = manifest.networks[i].file;
        if (auto accepted = engine::DenseBank::accepts(graphs[i]); !accepted) {
            return tl::unexpected(file + ": " + accepted.error());
        }
        const auto shapes = engine::check_graph(graphs[i]);
        if (graphs[i].inputs[0].row_shape.element_count() != rings ||
            shapes->at(graphs[i].outputs[0]).element_count() != 1) {
            return tl::unexpected(file + ": the network does not map " + std::to_string(rings) +
                                  " rings to one number; give such a network, or half_rings that "
                                  "fits");
        }
    }
    return {};
}

}  // namespace

std::optional<std::size_t> RingerBank::find_network(std::size_t ensemble, double et_gev,
                                                    double eta) const noexcept {
    const std::size_t count = bins_per_ensemble();
    const auto found = find_bin(std::span(bins).subspan(ensemble * count, count), et_gev, eta);
    if (!found) {
        return std::nullopt;
    }
    return ensemble * count + *found;
}

tl::expected<RingerBank, std::string> make_ringer_bank(const Manifest& manifest,
                                                       std::span<const engine::Graph> graphs) {
    Expects(graphs.size() == manifest.networks.size());
    auto settings = read_ringer_settings(manifest);
    if (!settings) {
        return tl::unexpected(settings.error());
    }
    if (auto checked = check_networks(manifest, graphs, settings->input_count()); !checked) {
        return tl::unexpected(checked.error());
    }
    auto networks = engine::DenseBank::make(graphs);
    if (!networks) {
        return tl::unexpected(networks.error());
    }
    return RingerBank{*settings, manifest.networks, std::move(*networks)};
}

RingerBank::Scored RingerBank::score(double et_gev, double eta,
                                     std::span<const float, kRingCount> rings,
                                     std::span<float> answers) const noexcept {
    std::array<float, kRingCount> inputs;
    const std::span<const float> row = make_network_inputs(settings, rings, inputs);
    std::fill(answers.begin(), answers.end(), kNoBinDiscriminant);
    if (!std::isfinite(et_gev) || !std::isfinite(eta) || !engine::all_finite(row)) {
        return Scored::not_finite;
    }
    Scored scored = Scored::no_bin;
    for (std::size_t ensemble = 0; ensemble < answers.size(); ++ensemble) {
        const auto bin = find_network(ensemble, et_gev, eta);
        if (!bin) {
            continue;
        }
        scored = Scored::scored;
        const auto network = static_cast<std::uint32_t>(*bin);
        float& answer = answers[ensemble];
        networks->score(row, std::span(&network, 1), std::span(&answer, 1));
        if (!std::isfinite(answer)) {
            answer = std::numeric_limits<float>::quiet_NaN();
        }
    }
    return scored;
}

}  // namespace tamis::models
