#include "streams/synthetic/collision_generator.hpp"

#include "streams/synthetic/detector_response.hpp"
#include "streams/synthetic/hard_scatter.hpp"
#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {
namespace {

// Saves the detector for scatters that can pass: a lepton a little below the lower threshold.
bool may_pass(const HardScatter& truth) noexcept {
    constexpr double kPtFloor = 20.0;
    for (const TrueLepton& lepton : truth.leptons) {
        if (lepton.p.pt() > kPtFloor) {
            return true;
        }
    }
    return false;
}

// If chance never offers an accepted scatter (below 1e-30 for every process), the last one is made
// to pass, so that the loop is bounded.
constexpr int kMostAttempts = 8192;

HardScatter certain_scatter() {
    HardScatter truth;
    truth.leptons.push_back({.p = FourVector::from_pt_eta_phi_mass(40.0, 0.3, 0.0, 0.0),
                             .flavour = LeptonFlavour::muon});
    return truth;
}

}  // namespace

Collision generate_collision(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                             const EventMix& mix) {
    Collision collision;
    generate_collision(seed, run, event, mix, collision);
    return collision;
}

void generate_collision(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                        const EventMix& mix, Collision& out) {
    thread_local HardScatter truth;  // keeps its buffers from event to event
    RandomStream random(seed, run, event, RandomPart::collision);
    out.process = process_of(seed, run, event, mix);
    draw_pileup(random, out);
    bool accepted = false;
    for (int attempt = 0; attempt < kMostAttempts && !accepted; ++attempt) {
        draw_hard_scatter(out.process, random, truth);
        accepted = may_pass(truth) && reconstruct_leptons(random, truth, out);
    }
    while (!accepted) {
        truth = certain_scatter();
        accepted = reconstruct_leptons(random, truth, out);
    }
    reconstruct_hadrons(random, truth, out);
}

}  // namespace tamis::streams
