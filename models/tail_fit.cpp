#include "models/tail_fit.hpp"

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>
#include <gsl/assert>
#include <limits>
#include <numeric>
#include <utility>

namespace tamis::models {
namespace {

constexpr std::size_t kLeastExceedances = 50;
constexpr std::size_t kLeastDifferent = 20;
constexpr double kLeastShape = -1, kMostShape = 4;
constexpr int kSearchBits = 30;  // of a maximum's place; its height has twice as many
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::size_t exceedances_of(std::size_t total) {
    const auto n = static_cast<double>(total);
    return total < 16 ? 0 : static_cast<std::size_t>(std::pow(n, 2.0 / 3) / std::log(std::log(n)));
}

// The formulas have a limit at 0, which this is near enough to.
double away_from_zero(double shape) noexcept {
    constexpr double kNearest = 1e-9;
    return std::abs(shape) < kNearest ? kNearest : shape;
}

struct Peak {
    double place = 0, height = 0;
};

template <class Function>
Peak find_peak(const Function& function, double low, double high) {
    const auto found = boost::math::tools::brent_find_minima(
        [&function](double place) {
            const double value = function(place);
            return std::isnan(value) ? kInfinity : -value;
        },
        low, high, kSearchBits);
    return {found.first, -found.second};
}

// Where `function` changes its sign between the two places.
template <class Function>
double find_root(const Function& function, double inside, double outside) {
    constexpr int kBits = 24;
    std::uintmax_t most_steps = 100;
    const auto [low, high] = boost::math::tools::toms748_solve(
        function, std::min(inside, outside), std::max(inside, outside),
        boost::math::tools::eps_tolerance<double>(kBits), most_steps);
    return 0.5 * (low + high);
}

// From `value` to the end found by the likelihood, widened by an independent error.
double widened(double value, double end, double error) {
    return value + std::copysign(std::hypot(end - value, error), end - value);
}

double normal_limit() {
    return boost::math::quantile(boost::math::normal(), 0.5 + kConfidence / 2);
}

}  // namespace

TailFit::TailFit(double above, std::size_t total, std::vector<double> excesses)
    : above_(above), total_(total), excesses_(std::move(excesses)) {
    unit_ = std::accumulate(excesses_.begin(), excesses_.end(), 0.0) /
            static_cast<double>(excesses_.size());
    for (double& excess : excesses_) {
        excess /= unit_;
    }
    maximise();
}

tl::expected<TailFit, std::string> TailFit::of(std::span<const float> falling, double share) {
    Expects(share > 0 && share <= 1 && std::is_sorted(falling.rbegin(), falling.rend()));
    const auto wanted = static_cast<std::size_t>(
        std::floor(share * static_cast<double>(exceedances_of(falling.size()))));
    std::vector<double> excesses;
    double above = 0;
    std::size_t different = 0;
    if (wanted > 0) {
        above = falling[wanted];
        for (std::size_t i = 0; i < wanted && falling[i] > falling[wanted]; ++i) {
            excesses.push_back(static_cast<double>(falling[i]) - above);
            different += i == 0 || falling[i] != falling[i - 1] ? 1 : 0;
        }
    }
    if (excesses.size() < kLeastExceedances || different < kLeastDifferent) {
        return tl::make_unexpected("the tail holds " + std::to_string(excesses.size()) + " of " +
                                   std::to_string(falling.size()) + " scores, " +
                                   std::to_string(different) + " of them different; right are " +
                                   std::to_string(kLeastExceedances) + " and " +
                                   std::to_string(kLeastDifferent) + " or more");
    }
    TailFit fit(above, falling.size(), std::move(excesses));
    constexpr double kHeaviest = 0.99 * kMostShape;
    if (fit.shape_ > kHeaviest) {
        return tl::make_unexpected(
            std::string("the tail is too heavy to be fitted; right is a score on a logarithmic "
                        "scale"));
    }
    return fit;
}

double TailFit::likelihood(double shape, double scale) const noexcept {
    const double xi = away_from_zero(shape);
    double sum = 0;
    for (const double excess : excesses_) {
        sum += std::log1p(xi * excess / scale);
    }
    return -std::log(scale) - (1 + 1 / xi) * sum / static_cast<double>(excesses_.size());
}

void TailFit::maximise() {
    const auto best_scale = [this](double shape) {
        // Every excess must lie below the end of the tail. The mean excess is 1.
        const double least = shape < 0 ? -shape * excesses_.front() : 0;
        constexpr double kLeastScale = 1e-3, kMostScale = 10;
        const double low = std::log(std::max(least, kLeastScale));
        const double high = std::max(low + 1, std::log(kMostScale));
        return find_peak(
            [this, shape](double logarithm) { return likelihood(shape, std::exp(logarithm)); }, low,
            high);
    };
    const Peak peak = find_peak([&best_scale](double shape) { return best_scale(shape).height; },
                                kLeastShape, kMostShape);
    shape_ = peak.place;
    scale_ = std::exp(best_scale(shape_).place);
    largest_ = peak.height;
}

double TailFit::fraction() const noexcept {
    return static_cast<double>(excesses_.size()) / static_cast<double>(total_);
}

double TailFit::share_error() const noexcept {
    return std::sqrt((1 - fraction()) / static_cast<double>(excesses_.size()));
}

TailEstimate TailFit::estimate() const noexcept {
    TailEstimate estimate{.above = above_, .exceedances = excesses_.size()};
    estimate.shape = shape_;
    estimate.scale = scale_ * unit_;
    if (shape_ > -0.5) {
        const auto count = static_cast<double>(excesses_.size());
        estimate.shape_error = (1 + shape_) / std::sqrt(count);
        estimate.scale_error = estimate.scale * std::sqrt(2 * (1 + shape_) / count);
    }
    return estimate;
}

double TailFit::scale_through(double shape, double excess, double fraction) const noexcept {
    const double xi = away_from_zero(shape);
    return excess * xi / std::expm1(xi * std::log(this->fraction() / fraction));
}

double TailFit::quantile(double fraction) const noexcept {
    const double xi = away_from_zero(shape_);
    return scale_ * std::expm1(xi * std::log(this->fraction() / fraction)) / xi;
}

double TailFit::profile(double excess, double fraction) const {
    // A tail that ends must end beyond the largest excess.
    double least = kLeastShape;
    const double most = excesses_.front();
    if (excess < most) {
        const double ratio = this->fraction() / fraction;
        least = std::max(least, std::log1p(-excess / most) / std::log(ratio));
    }
    return find_peak(
               [this, excess, fraction](double shape) {
                   return likelihood(shape, scale_through(shape, excess, fraction));
               },
               least, kMostShape)
        .height;
}

double TailFit::margin(double excess, double fraction) const {
    const double parameters = shape_ > -0.5 ? 1 : 2;
    const double limit =
        boost::math::quantile(boost::math::chi_squared(parameters), kConfidence) / 2;
    return static_cast<double>(excesses_.size()) * (profile(excess, fraction) - largest_) + limit;
}

TailValue TailFit::threshold_of(double wanted) const {
    Expects(wanted > 0 && wanted < fraction());
    const double best = quantile(wanted);
    const auto at = [this, wanted](double excess) { return margin(excess, wanted); };
    // What one standard deviation of the tail's fraction moves the threshold by.
    const double moved = scale_ * std::pow(fraction() / wanted, shape_) * share_error();
    const double error = normal_limit() * moved;
    TailValue found{.value = above_ + unit_ * best, .low = std::nullopt, .high = std::nullopt};
    double outside = best;
    const auto grow = [&](double factor) {
        constexpr int kMostSteps = 100;
        for (int step = 0; step < kMostSteps; ++step) {
            outside *= factor;
            if (at(outside) < 0) {
                return true;
            }
        }
        return false;
    };
    constexpr double kStep = 1.25;
    if (grow(1 / kStep)) {
        found.low = above_ + unit_ * widened(best, find_root(at, best, outside), error);
    }
    outside = best;
    if (grow(kStep)) {
        found.high = above_ + unit_ * widened(best, find_root(at, best, outside), error);
    }
    return found;
}

TailValue TailFit::fraction_above(double score) const {
    const double excess = (score - above_) / unit_;
    Expects(excess > 0);
    const double xi = away_from_zero(shape_);
    const double inner = 1 + xi * excess / scale_;
    const double best = inner <= 0 ? 0 : fraction() * std::pow(inner, -1 / xi);
    TailValue found{.value = best, .low = std::nullopt, .high = std::nullopt};
    const double start = std::log(std::max(best, std::numeric_limits<double>::min()) / fraction());
    // In logarithms of the fraction of the tail.
    const auto at = [this, excess](double logarithm) {
        return margin(excess, fraction() * std::exp(logarithm));
    };
    const double error = normal_limit() * share_error();
    const double nearest = -1e-6, farthest = 3 * start;
    if (at(farthest) < 0 && at(start) > 0) {
        found.low = fraction() * std::exp(widened(start, find_root(at, start, farthest), error));
    }
    if (at(nearest) < 0 && at(start) > 0) {
        found.high = fraction() *
                     std::exp(std::min(0.0, widened(start, find_root(at, start, nearest), error)));
    }
    return found;
}

}  // namespace tamis::models
