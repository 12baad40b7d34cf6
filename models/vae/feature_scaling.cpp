#include "models/vae/feature_scaling.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

#include "models/vae/likelihoods.hpp"

namespace tamis::models::vae {
namespace {

// Widths below this would make a nearly constant feature explode in the likelihood.
constexpr double kLeastWidth = 0.05;

std::vector<double> column_of(const FeatureTable& table, std::size_t column) {
    std::vector<double> values(table.rows());
    for (std::size_t row = 0; row < values.size(); ++row) {
        values[row] = table.row(row)[column];
    }
    return values;
}

struct Moments {
    double mean = 0, deviation = 0;
};

Moments moments_of(const std::vector<double>& values) {
    if (values.empty()) {
        return {};
    }
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    const double mean = sum / static_cast<double>(values.size());
    double squares = 0;
    for (const double value : values) {
        squares += (value - mean) * (value - mean);
    }
    return {.mean = mean, .deviation = std::sqrt(squares / static_cast<double>(values.size()))};
}

// The raw value whose pisrlu is `width`: width - 1.005 above 1.005, else the inverse of
// raw / sqrt(1 + raw^2).
double raw_of_width(double width) {
    const double y = width - pisrlu(0);
    return y > 0 ? y : y / std::sqrt(1 - y * y);
}

double bounded_atanh(double value) { return std::atanh(std::clamp(value, -0.998, 0.998)); }

struct FeatureMarginal {
    double location = 0, location_width = 1;  // of par1, before its activation
    double width = 1;
    double zero_fraction = 0.5;
};

FeatureMarginal log_normal_marginal(const std::vector<double>& values) {
    FeatureMarginal marginal;
    std::vector<double> logarithms;
    for (const double value : values) {
        if (value >= kZeroClip) {
            logarithms.push_back(std::log(value));
        }
    }
    const Moments moments = moments_of(logarithms);
    marginal.zero_fraction =
        1 - static_cast<double>(logarithms.size()) / static_cast<double>(values.size());
    marginal.location = moments.mean;
    marginal.location_width = marginal.width = moments.deviation;
    return marginal;
}

FeatureMarginal marginal_of(Likelihood likelihood, const std::vector<double>& values) {
    FeatureMarginal marginal;
    const auto count = static_cast<double>(values.size());
    switch (likelihood) {
        case Likelihood::clipped_log_normal:
            marginal = log_normal_marginal(values);
            break;
        case Likelihood::gaussian:
        case Likelihood::positive_gaussian:
        case Likelihood::discrete_gaussian: {
            const Moments moments = moments_of(values);
            marginal.location = moments.mean;
            marginal.location_width = marginal.width = moments.deviation;
            break;
        }
        case Likelihood::binomial: {
            const auto ones = static_cast<double>(std::count(values.begin(), values.end(), 1.0));
            marginal.location = bounded_atanh(2 * ones / count - 1);
            break;
        }
        case Likelihood::poisson: {
            const Moments moments = moments_of(values);
            marginal.location = std::max(moments.mean - 1, 0.0);
            marginal.location_width = moments.deviation;
            break;
        }
    }
    marginal.width = std::max(marginal.width, kLeastWidth);
    marginal.location_width = std::max(marginal.location_width, kLeastWidth);
    return marginal;
}

void expect_layer(const engine::Tensor& kernel, const engine::Tensor& bias) {
    Expects(kernel.shape.rank() == 2 && bias.shape.rank() == 1);
    Expects(kernel.shape[1] == bias.shape[0]);
}

}  // namespace

ColumnScaling robust_scaling(const FeatureTable& table) {
    Expects(table.rows() > 0);
    ColumnScaling scaling;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
        std::vector<double> values = column_of(table, column);
        const double deviation = moments_of(values).deviation;
        std::sort(values.begin(), values.end());
        const auto quantile = [&values](double fraction) {
            return values[static_cast<std::size_t>(fraction *
                                                   static_cast<double>(values.size() - 1))];
        };
        const double range = quantile(0.75) - quantile(0.25);
        scaling.offset.push_back(quantile(0.5));
        scaling.scale.push_back(range > 0 ? range : (deviation > 0 ? deviation : 1));
    }
    return scaling;
}

std::vector<float> scaled(const FeatureTable& table, const ColumnScaling& scaling) {
    std::vector<float> values(table.values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t column = i % table.columns.size();
        values[i] = static_cast<float>((double{table.values[i]} - scaling.offset[column]) /
                                       scaling.scale[column]);
    }
    return values;
}

HeadScaling marginal_scaling(const FeatureTable& table) {
    Expects(table.rows() > 0 && table.columns.size() == kHighLevelFeatureCount);
    HeadScaling scaling;
    const auto add = [](ColumnScaling& columns, double offset, double scale) {
        columns.offset.push_back(offset);
        columns.scale.push_back(scale);
    };
    for (std::size_t i = 0; i < kHighLevelFeatureCount; ++i) {
        const FeatureMarginal marginal = marginal_of(kFeatureLikelihoods[i], column_of(table, i));
        add(scaling.par1, marginal.location, marginal.location_width);
        if (i < kScaledFeatures) {
            add(scaling.par2_raw, raw_of_width(marginal.width), std::max(1.0, marginal.width));
        }
        if (i < kZeroFeatures) {
            add(scaling.par3_raw, bounded_atanh(2 * marginal.zero_fraction - 1), 1);
        }
    }
    return scaling;
}

void fold_into_inputs(const ColumnScaling& scaling, engine::Tensor& kernel, engine::Tensor& bias) {
    expect_layer(kernel, bias);
    const auto inputs = static_cast<std::size_t>(kernel.shape[0]);
    const auto units = static_cast<std::size_t>(kernel.shape[1]);
    Expects(scaling.offset.size() == inputs && scaling.scale.size() == inputs);
    for (std::size_t unit = 0; unit < units; ++unit) {
        double shift = bias.values[unit];
        for (std::size_t in = 0; in < inputs; ++in) {
            float& weight = kernel.values[in * units + unit];
            const double folded = weight / scaling.scale[in];
            shift -= folded * scaling.offset[in];
            weight = static_cast<float>(folded);
        }
        bias.values[unit] = static_cast<float>(shift);
    }
}

void fold_into_outputs(const ColumnScaling& scaling, engine::Tensor& kernel, engine::Tensor& bias) {
    expect_layer(kernel, bias);
    const auto units = static_cast<std::size_t>(kernel.shape[1]);
    Expects(scaling.offset.size() == units && scaling.scale.size() == units);
    for (std::size_t i = 0; i < kernel.values.size(); ++i) {
        kernel.values[i] = static_cast<float>(kernel.values[i] * scaling.scale[i % units]);
    }
    for (std::size_t unit = 0; unit < units; ++unit) {
        bias.values[unit] =
            static_cast<float>(bias.values[unit] * scaling.scale[unit] + scaling.offset[unit]);
    }
}

}  // namespace tamis::models::vae
