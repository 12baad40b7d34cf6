#include "models/ringer/ringer_bank.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <limits>

#include "models/ringer/ringer_bins.hpp"

namespace tamis::models {

namespace {

tl::expected<void, std::string> check_ports(const engine::Network& network, const std::string& file,
                                            std::size_t inputs) {
    if (network.inputs().size() != 1 || network.inputs()[0].row_size != inputs ||
        network.outputs().size() != 1 || network.outputs()[0].row_size != 1) {
        return tl::unexpected(file + ": the network does not map " + std::to_string(inputs) +
                              " rings to one number; give such a network, or half_rings that fits");
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
    RingerBank bank{*settings, manifest.networks, {}};
    bank.networks.reserve(graphs.size());
    for (std::size_t i = 0; i < graphs.size(); ++i) {
        auto network = engine::Network::compile(graphs[i], {.max_batch = RingerRunner::kRows});
        if (!network) {
            return tl::unexpected(manifest.networks[i].file + ": " + network.error());
        }
        auto checked = check_ports(**network, manifest.networks[i].file, settings->input_count());
        if (!checked) {
            return tl::unexpected(checked.error());
        }
        bank.networks.push_back(std::move(*network));
    }
    return bank;
}

RingerRunner::RingerRunner(const RingerBank& bank) : bank_(bank) {
    queues_.reserve(bank.networks.size());
    for (const auto& network : bank.networks) {
        queues_.push_back({engine::NetworkRunner(network), {}, 0});
    }
}

RingerRunner::Added RingerRunner::add(double et_gev, double eta,
                                      std::span<const float, kRingCount> rings,
                                      std::span<float> answers) noexcept {
    const RingerSettings& settings = bank_.settings;
    std::array<float, kRingCount> inputs;
    const std::size_t count = settings.input_count();
    if (settings.half_rings) {
        const auto& half = half_ring_indices();
        std::transform(half.begin(), half.end(), inputs.begin(),
                       [&](std::uint8_t ring) { return rings[ring]; });
    } else {
        std::copy(rings.begin(), rings.end(), inputs.begin());
    }
    const std::span<float> row = std::span(inputs).first(count);
    normalise_rings(settings.normalisation, row);
    const bool finite = std::isfinite(et_gev) && std::isfinite(eta) && engine::all_finite(row);
    std::fill(answers.begin(), answers.end(), kNoBinDiscriminant);
    if (!finite) {
        return Added::not_finite;
    }
    Added added = Added::no_bin;
    for (std::size_t ensemble = 0; ensemble < answers.size(); ++ensemble) {
        const auto network = bank_.find_network(ensemble, et_gev, eta);
        if (!network) {
            continue;
        }
        added = Added::queued;
        Queue& queue = queues_[*network];
        std::copy(row.begin(), row.end(),
                  queue.runner.input(0).subspan(queue.count * count, count).begin());
        queue.answers[queue.count++] = &answers[ensemble];
        if (queue.count == kRows) {
            run(queue);
        }
    }
    return added;
}

void RingerRunner::flush() noexcept {
    for (Queue& queue : queues_) {
        if (queue.count != 0) {
            run(queue);
        }
    }
}

void RingerRunner::run(Queue& queue) noexcept {
    const bool failed = queue.runner.run(queue.count) == engine::RunStatus::failed;
    const std::span<const float> output = queue.runner.output(0);
    for (std::size_t row = 0; row < queue.count; ++row) {
        *queue.answers[row] = failed || !queue.runner.row_is_finite(row)
                                  ? std::numeric_limits<float>::quiet_NaN()
                                  : output[row];
    }
    queue.count = 0;
}

}  // namespace tamis::models
