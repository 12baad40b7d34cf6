// An event of another experiment's file, in Tamis' units: GeV and radians. What a layout does not
// have is 0 or empty.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace tamis::streams {

struct ImportedLepton {
    float pt = 0, eta = 0, phi = 0;
    std::int32_t charge = 0;
    float iso_charged = 0, iso_photon = 0, iso_neutral = 0;  // over the lepton's pt
};

struct ImportedJet {
    float pt = 0, eta = 0, phi = 0, mass = 0;
    float btag = 0;  // above 0.5: b-tagged
};

inline constexpr std::size_t kRingCount = 100;

struct ImportedCluster {
    float et = 0, eta = 0, phi = 0;
    std::array<float, kRingCount> rings{};  // transverse energies
};

struct ImportedEvent {
    std::uint32_t run = 0;
    std::uint64_t number = 0;
    std::uint64_t timestamp_ns = 0;  // UTC since 1970; 0 = the file does not say
    std::string label;               // data set or process, for the recording's metadata
    std::vector<ImportedLepton> electrons, muons;
    std::vector<ImportedJet> jets;
    float met_pt = 0, met_phi = 0;
    std::uint32_t charged_hadrons = 0, neutral_hadrons = 0, vertices = 0;
    float average_mu = 0;
    std::vector<ImportedCluster> clusters;  // events of ring sums have only these
    std::string feature_schema;             // events of features have only them
    std::vector<float> features;
};

// Why a row gives no event.
struct RowProblem {
    std::uint64_t line = 0;  // from 1
    std::string column;      // name of the field, or "byte N"; empty = the row as a whole
    std::string what;
};

}  // namespace tamis::streams
