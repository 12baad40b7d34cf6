// What CMS's anomaly triggers see of an event, as feature schemas: names in the order of the row,
// all of them whole numbers in hardware units. Cold path; any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "models/manifest.hpp"

namespace tamis::models {

// The global trigger's objects: missing momentum, 4 electrons or photons, 4 muons, 10 jets, the
// hardest first, each with et, eta, phi; absent ones are 0: met_et, met_eta (always 0), met_phi,
// eg0_et, eg0_eta, eg0_phi, eg1_et, ..., mu0_et, ..., jet9_phi.
inline constexpr std::string_view kObjectSchema = "l1_objects57";
inline constexpr std::size_t kObjectValues = 57;
[[nodiscard]] std::vector<FeatureSpec> object_features();

// The calorimeter's regions as an image of 18 rows in phi and 14 columns in eta: r0 to r251, the
// region of row and column is r[14 * row + column]; transverse energies of 10 bits.
inline constexpr std::string_view kRegionSchema = "l1_regions18x14";
inline constexpr std::size_t kRegionRows = 18, kRegionColumns = 14;
[[nodiscard]] std::vector<FeatureSpec> region_features();

}  // namespace tamis::models
