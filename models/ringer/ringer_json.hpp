// Reads ringer networks that ATLAS published as numbers, converted to JSON, into a model. Cold
// path; any thread.
//
// Two forms: {"ensembles": {NAME: [{"bin", "et", "eta", "nodes", "weights", "bias", "threshold"},
// ...], ...}} is the tuning of 2016: each working point has networks of its own, so the model has
// one ensemble per working point (ringer_settings.hpp). NAME loses the prefix "ElectronHighEnergy"
// and the suffix "Conf". {"nodes", "weights", "bias"} is the single network of 2009 with sequential
// normalisation and one working point "default" at 0, the default of its hypothesis algorithm.
// weights: layer by layer, [output][input]; bias: layer by layer; a tanh after every layer.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "models/model_files.hpp"
#include "models/ringer/ringer_network.hpp"

namespace tamis::models {

struct RingerImport {
    std::string name = "ringer";
    std::string version = "1";
    std::string command;  // for the provenance
    // linear: the last tanh is left out and thresholds are moved to before it (atanh), as ATLAS
    // deploys since 2017. Decisions stay the same.
    LastLayer last = LastLayer::tanh;
};

// The error says where in the text and what would be right.
[[nodiscard]] tl::expected<ModelFiles, std::string> import_ringer_json(std::string_view json_text,
                                                                       const RingerImport& options);

}  // namespace tamis::models
