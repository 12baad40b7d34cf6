// The 21 high-level features of an event (arXiv:1811.10276; names and order as the published
// network takes them). Pure functions of reconstructed objects: the node calls them on decoded
// payloads, training on generated truth. No allocation; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "streams/payloads.hpp"

namespace tamis::models {

inline constexpr std::size_t kHighLevelFeatureCount = 21;
using HighLevelFeatures = std::array<float, kHighLevelFeatureCount>;

// Positions in HighLevelFeatures.
enum class Feature : std::uint8_t {
    ht,             // GeV, sum of pt of the selected jets
    all_jet_mass,   // GeV, invariant mass of all selected jets
    all_mu_pt,      // GeV, pt of the vector sum of all muons
    all_mu_mass,    // GeV
    all_ele_pt,     // GeV
    all_ele_mass,   // GeV
    lep_pt,         // GeV, trigger lepton
    lep_iso_ch,     // charged isolation of the trigger lepton, a ratio
    lep_iso_gamma,  // photon isolation
    lep_iso_neu,    // neutral-hadron isolation
    met_p,          // GeV, missing momentum along the trigger lepton
    met_o,          // GeV, orthogonal to it
    mt,             // GeV, transverse mass of lepton and missing momentum
    n_mu,
    n_jets,  // selected jets
    b_jets,  // of them b-tagged
    n_ele,
    lep_charge,  // +1, -1
    lep_is_ele,  // 1 electron, 0 muon
    n_ch_had,
    n_neu_had,
};

inline constexpr std::array<std::string_view, kHighLevelFeatureCount> kFeatureNames = {
    "HT",       "allJetMass",  "allMuPt",   "allMuMass", "allElePt", "allEleMass", "LepPt",
    "LepIsoCh", "LepIsoGamma", "LepIsoNeu", "METp",      "METo",     "MT",         "nMu",
    "nJets",    "bJets",       "nEle",      "LepCharge", "LepIsEle", "nChHad",     "nNeuHad"};

// Unit of each feature: "GeV", "count" or "" for pure numbers.
[[nodiscard]] std::string_view feature_unit(Feature feature) noexcept;

// What an object must be to count (reference: selection of the published sample).
struct ObjectSelection {
    double electron_trigger_pt_gev = 23;  // the trigger lepton lies above
    double muon_trigger_pt_gev = 25;
    double trigger_isolation = 0.45;  // and has a total isolation below
    double lepton_pt_gev = 0.5;       // leptons that are counted and summed lie above
    double jet_pt_gev = 30;
    double jet_eta = 2.6;
    double btag = 0.5;  // discriminant above which a jet counts as b-tagged
};

struct TriggerLepton {
    double pt = 0, eta = 0, phi = 0;  // GeV, rad
    double iso_charged = 0, iso_photon = 0, iso_neutral = 0;
    int charge = 0;
    bool is_electron = false;
    bool passes_trigger = false;  // threshold and isolation
};

// The lepton of largest pt among those that pass threshold and isolation; where none passes, the
// lepton of largest pt; of equal ones the electron, then the first. Empty without any lepton.
[[nodiscard]] std::optional<TriggerLepton> find_trigger_lepton(
    const streams::PhysicsObjects& objects, const ObjectSelection& selection = {}) noexcept;

// Angle wrapped to (-pi, pi].
[[nodiscard]] double wrapped_angle(double radians) noexcept;

// Without a lepton everything that refers to one is 0. Finite inputs within physical ranges give
// finite features; an absurd |eta| (above some 700) may overflow to infinity, which callers check.
[[nodiscard]] HighLevelFeatures high_level_features(const streams::PhysicsObjects& objects,
                                                    const ObjectSelection& selection = {}) noexcept;

}  // namespace tamis::models
