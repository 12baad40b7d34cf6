// The cut-based electron selection that ATLAS ran before the ringer and runs beside it ("noringer"
// chains): what a ringer's thresholds are set against and its rejection is compared with. Cut
// tables of 2017, the published L2CaloCutMaps of TrigEgammaHypo (athena, Apache-2.0). Pure
// functions.
//
// |eta| bins 0, .6, .8, 1.15, 1.37, 1.52, 1.81, 2.01, 2.37, 2.47; beyond the last nothing passes.
// A value on an edge belongs to the bin above it (in the published code to none).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "models/ringer/shower_shapes.hpp"

namespace tamis::models {

enum class CutPoint : std::uint8_t { tight, medium, loose, very_loose };
inline constexpr std::array<CutPoint, 4> kCutPoints = {CutPoint::tight, CutPoint::medium,
                                                       CutPoint::loose, CutPoint::very_loose};

[[nodiscard]] std::string_view to_string(CutPoint point) noexcept;
[[nodiscard]] std::optional<CutPoint> find_cut_point(std::string_view name) noexcept;

// Whether a cluster passes: |eta|, the distance to the region of interest (0.1 in eta and phi),
// e237 / e277, (emaxs1 - e2tsts1) / (emaxs1 + e2tsts1) outside cracks and where f1 >= 0.005, and up
// to 90 GeV ehad1 / cosh(eta) / ET. A ratio of nothing fails its cut. `table_et_gev` chooses the
// table (below 12, below 22, above): ATLAS takes the threshold of the chain, here the default is
// the cluster's own ET.
[[nodiscard]] bool passes_cuts(CutPoint point, const ShowerShapes& shapes, double et_gev,
                               double eta,
                               std::optional<double> table_et_gev = std::nullopt) noexcept;

}  // namespace tamis::models
