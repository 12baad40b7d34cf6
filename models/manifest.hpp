// What is known of a model beside its networks: the small text file that lies next to the ONNX
// files (design 3.6). Plain data; config/manifest_file turns it into text and back,
// models/model_loader turns it into a Model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::models {

// One input of a model, in the model's order.
struct FeatureSpec {
    std::string name;
    std::string unit;  // "GeV", "rad", "count", "" for pure numbers
    double offset =
        0;  // the network sees (value - offset) / scale where the kind of model normalises so
    double scale = 1;
};

// A network's file and the bin in which it answers. Edges: low < value <= high; |eta| is capped
// at 2.5 and an |eta| of exactly 0 belongs to the first bin. A model with one network for
// everything has one entry with the widest bin.
struct NetworkFile {
    std::string file;    // relative to the manifest
    std::string sha256;  // of the file, lower-case hexadecimal
    double et_low_gev = 0, et_high_gev = 1e6;
    double eta_low = 0, eta_high = 2.5;
};

// The tail by which a threshold beyond the sample's reach was set: a generalised Pareto
// distribution of what exceeds `above` (models/tail_fit).
struct TailEstimate {
    double above = 0;
    std::uint64_t exceedances = 0;
    double shape = 0, shape_error = 0;  // errors are 0 where the shape is below -1/2: none exists
    double scale = 0, scale_error = 0;
};

// Threshold of one bin: passes when score > slope * min(max(mu, mu_low), mu_high) + offset.
struct ThresholdBin {
    double et_low_gev = 0, et_high_gev = 1e6;
    double eta_low = 0, eta_high = 2.5;
    double slope = 0;
    double offset = 0;
    // Interactions per crossing: low < value <= high; 0 belongs to the first bin.
    double pileup_low = 0, pileup_high = 1e6;
    // 95 % interval of the offset that meets what was wanted; none where the sample sets no limit.
    std::optional<double> offset_low = std::nullopt, offset_high = std::nullopt;
    std::optional<TailEstimate> extrapolated = std::nullopt;
};

// What a working point was asked to be.
enum class PointTarget : std::uint8_t { unstated, background_fraction, signal_efficiency, rate };

// A named threshold with what it was measured to do when it was set.
struct WorkingPoint {
    std::string name;
    std::vector<ThresholdBin>
        bins;  // one bin without slope for models that do not depend on pile-up
    double mu_low = 0, mu_high = 100;
    // Accepted fraction of the calibration background; of an extrapolated point that of the tail.
    double background_fraction = 0;
    double background_fraction_low = 0;  // 95 % interval
    double background_fraction_high = 0;
    double signal_efficiency = 0;  // 0 where there was no signal sample
    double signal_efficiency_low = 0;
    double signal_efficiency_high = 0;
    PointTarget target = PointTarget::unstated;
    double wanted = 0;         // the fraction, the efficiency, or the rate in Hz
    double input_rate_hz = 0;  // of a rate: what the background arrives at
};

struct Parameter {
    std::string name;
    std::vector<double> values;
};

// What was done to make the model, enough to make it again.
struct Provenance {
    std::string command;
    std::uint64_t seed = 0;
    std::string data;  // what it was trained on, with counts
    std::string build;
    std::vector<std::string> report;  // the printed training report, line by line
};

// An input row and the answer the model gave when it was written; checked at every load.
struct GoldenVector {
    std::vector<double> input;   // one row of the model's table form (see Model::score_table)
    std::vector<double> output;  // one row of its score columns
    double relative_tolerance = 1e-4;
};

struct Manifest {
    std::string name;
    std::string version;
    std::string kind;  // as in the catalogue: vae, ringer, seed_filter, onnx, ...
    std::string
        schema;  // name of the feature schema; for kind onnx the schema asked of FEATURES payloads
    std::vector<FeatureSpec> features;
    std::vector<NetworkFile> networks;
    std::vector<WorkingPoint> working_points;
    std::vector<Parameter> parameters;
    Provenance provenance;
    std::vector<GoldenVector> golden;
};

// Null where the manifest has no parameter of that name.
[[nodiscard]] const Parameter* find_parameter(const Manifest& manifest,
                                              std::string_view name) noexcept;
// Its values, which must be `count` finite numbers; the error names the parameter.
[[nodiscard]] tl::expected<std::vector<double>, std::string> read_parameter(
    const Manifest& manifest, std::string_view name, std::size_t count);

}  // namespace tamis::models
