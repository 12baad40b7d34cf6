// Isolation (arXiv:1807.10261) as a model of kind "isolation": how far an event's place in a latent
// space lies from a reference sample that travels with the model. A function of the event alone,
// unlike clustering. Contributions: distance, neighbour_distance and neighbour_spread, from which
// the score is (distance - neighbour_distance) / neighbour_spread.
//
// Manifest: features = the 21 names in order, computed from the event as for kind vae; two files:
// the encoder (ONNX: the 21 features in, one row out, at most kMostLatent wide), then the reference
// sample, points as that row of little-endian 32-bit floats, at most kMostReferencePoints;
// parameter neighbours (1 to kMostNeighbours); working points without slope. Columns of the table
// form: the 21 features in; score, the contributions and the event's own place out.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "models/model.hpp"

namespace tamis::models {

inline constexpr std::size_t kMostLatent = 64;
inline constexpr std::size_t kMostReferencePoints = 16384;  // each is looked at for every event
inline constexpr std::size_t kMostNeighbours = 64;

// `files`: contents in the manifest's order. The error names what in the manifest or a file is not
// as above.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_isolation(
    const Manifest& manifest, std::span<const std::string> files);

// The second file from points, row by row, and back; whole floats only.
[[nodiscard]] std::string reference_bytes(std::span<const float> points);
[[nodiscard]] std::vector<double> reference_points(const std::string& bytes);

}  // namespace tamis::models
