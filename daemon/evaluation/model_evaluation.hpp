// A model judged on samples of its own inputs: curves, areas, efficiencies of its working points.
// Plain data, cold path. The first sample is the background; scores are the model's "score".
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration.hpp"
#include "models/feature_table.hpp"
#include "models/model.hpp"

namespace tamis::daemon {

// passed of total, with the 95 % interval of Clopper and Pearson.
struct Fraction {
    std::size_t passed = 0;
    std::size_t total = 0;
    double value = 0;
    models::Interval interval;
};
[[nodiscard]] Fraction fraction_of(std::size_t passed, std::size_t total);

// Fractions above one threshold.
struct RocPoint {
    double background = 0;
    double signal = 0;
};

// A sample's share above the score that so much of the background stays below.
struct AtRejection {
    double rejection = 0;
    Fraction efficiency;
};

struct SampleEvaluation {
    std::string name;
    std::size_t events = 0;
    std::size_t unscored = 0;        // rows the model gave no score: they pass nothing
    std::vector<float> scores;       // of the others
    std::optional<double> roc_area;  // of signals
    std::vector<RocPoint> roc;       // likewise; falling, a point per distinct background score
    std::vector<AtRejection> at_rejection;
    std::vector<Fraction> working_points;  // in the manifest's order
};

// What the accepted background is made of at each working point, by process: share of it, from
// the fractions accepted of each process and its weight in the mix.
struct AcceptedShares {
    std::string process;
    double weight = 0;
    std::vector<double> shares;  // in the manifest's order; 0 where nothing is accepted
};

// What efficiencies are plotted against where a model or a sample has it: momenta, angles, pile-up.
[[nodiscard]] std::span<const std::string_view> plotted_variables() noexcept;

// The efficiency of one working point against an input or what stands beside the inputs, in bins
// of equal numbers of background rows. The point is the tightest that accepts 200 background rows,
// or the loosest.
struct Dependence {
    std::string input;
    std::string unit;
    std::string working_point;
    std::vector<double> edges;                     // one more than bins
    std::vector<std::vector<Fraction>> by_sample;  // total 0 where a bin is empty
};

struct ModelEvaluation {
    std::vector<SampleEvaluation> samples;
    std::vector<AcceptedShares> composition;  // empty where no sample is a part of the background
    std::vector<Dependence> dependences;
};

// A sample without rows is an error that names it.
[[nodiscard]] tl::expected<ModelEvaluation, std::string> evaluate_model(
    const models::Model& model, std::span<const models::Sample> samples);

}  // namespace tamis::daemon
