// The tail of a sample of scores, for thresholds that no sample at hand reaches: a generalised
// Pareto distribution of what exceeds a high score (Pickands 1975), fitted by maximum likelihood.
// Cold path; any thread.
//
// The tail begins at the k-th largest of n scores, k = n^(2/3) / ln ln n (Loretan and Phillips
// 1994). Its shape is bounded below by -1 (a uniform end), beyond which no maximum exists.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "models/manifest.hpp"

namespace tamis::models {

// Of every interval here.
inline constexpr double kConfidence = 0.95;

// A value with the interval that the fit leaves; an end without value is not bounded.
struct TailValue {
    double value = 0;
    std::optional<double> low, high;
};

class TailFit {
 public:
    // `falling`: scores in falling order, finite. `share` of the k exceedances above is used (1, or
    // less to see whether the answer depends on where the tail begins). Errors: fewer than 50
    // exceedances or 20 different ones, a tail too heavy to have a maximum.
    [[nodiscard]] static tl::expected<TailFit, std::string> of(std::span<const float> falling,
                                                               double share = 1);

    // Shape and scale with the errors of the likelihood's curvature (Smith 1987).
    [[nodiscard]] TailEstimate estimate() const noexcept;
    // The fraction of the sample that the tail holds.
    [[nodiscard]] double fraction() const noexcept;

    // The score that `wanted`, a fraction of the whole sample below fraction(), exceeds. Its
    // interval is that of the profile likelihood, widened in quadrature by the error of
    // fraction(); where the shape is below -1/2 the likelihood is not regular and the limit is that
    // of two parameters, which is exact for a uniform end.
    [[nodiscard]] TailValue threshold_of(double wanted) const;
    // The fraction of the whole sample that exceeds a score within the tail, likewise.
    [[nodiscard]] TailValue fraction_above(double score) const;

 private:
    TailFit(double above, std::size_t total, std::vector<double> excesses);

    // Mean log-likelihood of an exceedance, in units of the mean excess.
    [[nodiscard]] double likelihood(double shape, double scale) const noexcept;
    // The largest likelihood of all shapes whose tail has `fraction` of the sample beyond `excess`.
    [[nodiscard]] double profile(double excess, double fraction) const;
    [[nodiscard]] double scale_through(double shape, double excess, double fraction) const noexcept;
    // profile() less what the interval allows: positive inside.
    [[nodiscard]] double margin(double excess, double fraction) const;
    void maximise();
    [[nodiscard]] double quantile(double fraction) const noexcept;
    [[nodiscard]] double share_error() const noexcept;

    double above_ = 0;
    std::size_t total_ = 0;
    double unit_ = 1;               // mean excess
    std::vector<double> excesses_;  // in units of it, falling
    double shape_ = 0, scale_ = 1;  // likewise
    double largest_ = 0;            // likelihood
};

}  // namespace tamis::models
