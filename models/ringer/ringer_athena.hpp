// Reads a ringer tuning as ATLAS keeps it (RingerSelectorTools of athena): one text file
// ElectronRinger<Point>TriggerConfig.conf for each working point, in ROOT's TEnv form, and ONNX
// networks whose paths are relative to it. Cold path; any thread.
//
// Read: Model__size, __etmin, __etmax, __etamin, __etamax, __path, __barcode (0, the default: 100
// rings; 1: 50 half rings), Threshold__size, __etmin, ..., __slope, __offset, __MaxAverageMu and
// __MinAverageMu (100 and 0 where there is none; one number or one for each threshold, all equal),
// __name__, __version__, __operation__. Networks that also take shower shapes or tracks are
// refused. Working points with the same list of networks share them, others have ensembles.
// Discriminants are before the last activation, rings normalised by |sum|, passing is above the
// threshold.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "models/model_files.hpp"

namespace tamis::models {

// `directory` holds the .conf files. Errors name file and key.
[[nodiscard]] tl::expected<ModelFiles, std::string> import_athena_ringer(
    const std::filesystem::path& directory, const std::string& command);

}  // namespace tamis::models
