// The truth of a synthetic collision before the detector: the charged leptons, the partons that
// become jets and the sum of the neutrinos. One function for each process.
#pragma once

#include <cstdint>
#include <vector>

#include "streams/synthetic/four_vector.hpp"
#include "streams/synthetic/process.hpp"
#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {

enum class LeptonFlavour : std::uint8_t { electron, muon };
enum class PartonFlavour : std::uint8_t { light, charm, bottom, tau };

struct TrueLepton {
    FourVector p;
    LeptonFlavour flavour = LeptonFlavour::electron;
    std::int32_t charge = 1;
    bool is_prompt = true;
    // Hadrons of the jet that the lepton comes from, in GeV of transverse momentum; 0 if prompt.
    double companions_pt = 0;
    PartonFlavour jet_flavour = PartonFlavour::light;
};

struct Parton {
    FourVector p;
    PartonFlavour flavour = PartonFlavour::light;
};

struct HardScatter {
    std::vector<TrueLepton> leptons;
    std::vector<Parton> partons;
    FourVector neutrinos;  // their sum

    void clear() noexcept;
};

// Draws one hard scatter without any cut, except that a muon or electron of QCD is drawn above the
// threshold. The caller applies the preselection and draws again.
void draw_hard_scatter(SyntheticProcess process, RandomStream& random, HardScatter& out);

}  // namespace tamis::streams
