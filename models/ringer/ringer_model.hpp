// Kind "ringer": the NeuralRinger of ATLAS. Each calorimeter cluster gets the discriminant of the
// network of its ET and |eta| bin; a working point passes a cluster above the threshold of its bin,
// a line in pile-up. What the manifest says: ringer_settings.hpp.
//
// Score of an event: the largest discriminant of its clusters, by the networks of primary_point.
// Cut: the cluster with the largest margin over its own threshold. Contributions: the discriminant
// of each cluster, -999 where it lies in no bin. Kept: the clusters that pass primary_point. An
// event without a cluster in a bin is not applicable; clusters with neither rings nor cells are
// missing input.
// Table: et, eta, average_mu, ring0 ... ring99 (GeV) to score, and for each working point
// pass_<name> and threshold_<name> (0 outside its bins); with ensembles of their own also
// score_<name>. A row outside all bins has the score -999, one that is not finite NaN; neither
// passes.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "models/manifest.hpp"
#include "models/model.hpp"

namespace tamis::models {

// One graph for each of manifest.networks, in that order. The error says what in the manifest or a
// graph is not a ringer's.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_ringer(
    const Manifest& manifest, std::vector<engine::Graph> networks);

}  // namespace tamis::models
