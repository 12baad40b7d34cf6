#include "models/ringer/ringer_samples.hpp"

#include "streams/synthetic/calorimeter.hpp"
#include "streams/synthetic/collision_generator.hpp"
#include "streams/synthetic/process.hpp"

namespace tamis::models {

namespace {

// Electrons over a wide range of energies, and what fakes them.
streams::EventMix training_mix() {
    using streams::SyntheticProcess;
    streams::EventMix mix;
    const auto set = [&mix](SyntheticProcess process, double weight) {
        mix.weight[static_cast<std::size_t>(process)] = weight;
    };
    set(SyntheticProcess::w, 0.20);
    set(SyntheticProcess::z, 0.15);
    set(SyntheticProcess::ttbar, 0.15);
    set(SyntheticProcess::qcd, 0.50);
    return mix;
}

}  // namespace

std::vector<RingerSample> make_ringer_samples(std::uint64_t seed, std::uint32_t run,
                                              std::uint64_t events) {
    const streams::EventMix mix = training_mix();
    streams::Collision collision;
    streams::CalorimeterView clusters;
    std::vector<RingerSample> samples;
    for (std::uint64_t event = 1; event <= events; ++event) {
        streams::generate_collision(seed, run, event, mix, collision);
        streams::generate_clusters(seed, run, event, collision, clusters);
        const CellArrays cells{clusters.cell_eta, clusters.cell_phi, clusters.cell_energy,
                               clusters.cell_layer};
        for (std::size_t i = 0; i < clusters.et.size(); ++i) {
            RingerSample& sample = samples.emplace_back();
            sample.et = clusters.et[i];
            sample.eta = clusters.eta[i];
            sample.average_mu = clusters.average_mu;
            sample.is_electron = clusters.is_electron[i] != 0;
            sum_rings(cells, clusters.eta[i], clusters.phi[i], {}, sample.rings);
            sample.shapes = find_shower_shapes(cells, clusters.eta[i], clusters.phi[i]);
        }
    }
    return samples;
}

}  // namespace tamis::models
