// What a training recipe or an importer leaves: networks, the manifest that goes with them, and the
// report a person reads. Plain data. Who writes it to a directory fills in the hashes of the files.
#pragma once

#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "models/manifest.hpp"

namespace tamis::models {

struct TrainedNetwork {
    std::string file;  // as in manifest.networks, in the same order
    engine::Graph graph;
};

struct TrainedModel {
    std::vector<TrainedNetwork> networks;
    Manifest manifest;                // without the hashes of files
    std::vector<std::string> report;  // also in manifest.provenance
};

}  // namespace tamis::models
