#include "models/seed_filter/seed_filter_settings.hpp"

#include <algorithm>
#include <cmath>

#include "models/working_point.hpp"

namespace tamis::models {

namespace {

tl::expected<std::size_t, std::string> read_whole(const Parameter& parameter, double high) {
    const double value = parameter.values.size() == 1 ? parameter.values.front() : NAN;
    if (!(value >= 0 && value <= high) || value != std::floor(value)) {
        return tl::unexpected("parameter " + parameter.name + " is not one whole number of 0 to " +
                              std::to_string(static_cast<std::size_t>(high)) + "; give one");
    }
    return static_cast<std::size_t>(value);
}

tl::expected<double, std::string> read_threshold(const Parameter& parameter) {
    const double value = parameter.values.size() == 1 ? parameter.values.front() : NAN;
    if (!(value >= 0 && value < 1)) {
        return tl::unexpected("parameter " + parameter.name +
                              " is not one number from 0 to below 1; give the probability above "
                              "which a doublet is looked at");
    }
    return value;
}

tl::expected<void, std::string> read_parameter(const Parameter& parameter,
                                               SeedFilterSettings& settings) {
    constexpr double kMaxIndex = 1023;
    if (parameter.name == "prefilter_threshold") {
        const auto threshold = read_threshold(parameter);
        if (!threshold) {
            return tl::unexpected(threshold.error());
        }
        settings.prefilter_threshold = *threshold;
        return {};
    }
    const auto value = read_whole(parameter, parameter.name == "layout" ? 1 : kMaxIndex);
    if (!value) {
        return tl::unexpected(value.error());
    }
    if (parameter.name == "layout") {
        settings.layout = static_cast<DoubletLayout>(*value);
    } else if (parameter.name == "score_index") {
        settings.score_index = *value;
    } else if (parameter.name == "primary_point") {
        settings.primary_point = *value;
    } else {
        return tl::unexpected("parameter " + parameter.name +
                              " is unknown (the kind is seed_filter); known are layout, "
                              "score_index, primary_point, prefilter_threshold");
    }
    return {};
}

}  // namespace

tl::expected<SeedFilterSettings, std::string> read_seed_filter_settings(const Manifest& manifest) {
    SeedFilterSettings settings;
    for (const Parameter& parameter : manifest.parameters) {
        if (auto read = read_parameter(parameter, settings); !read) {
            return tl::unexpected(read.error());
        }
    }
    const std::size_t wanted = settings.prefilter_threshold ? 2 : 1;
    if (manifest.networks.size() != wanted) {
        return tl::unexpected(std::to_string(manifest.networks.size()) +
                              " networks (the kind is seed_filter); list " +
                              (settings.prefilter_threshold
                                   ? "two, for parameter prefilter_threshold is there: the filter, "
                                     "then the pre-filter"
                                   : "one, or two with a parameter prefilter_threshold"));
    }
    const std::size_t points = manifest.working_points.size();
    if (settings.primary_point >= std::max<std::size_t>(points, 1)) {
        return tl::unexpected("parameter primary_point is " +
                              std::to_string(settings.primary_point) + " (there are " +
                              std::to_string(points) +
                              " working points, counted from 0); name one of them");
    }
    if (auto checked = check_flat_thresholds(manifest); !checked) {
        return tl::unexpected(checked.error());
    }
    return settings;
}

std::vector<Parameter> seed_filter_parameters(const SeedFilterSettings& settings) {
    std::vector<Parameter> parameters = {
        {"layout", {static_cast<double>(settings.layout)}},
        {"primary_point", {static_cast<double>(settings.primary_point)}}};
    if (settings.score_index) {
        parameters.push_back({"score_index", {static_cast<double>(*settings.score_index)}});
    }
    if (settings.prefilter_threshold) {
        parameters.push_back({"prefilter_threshold", {*settings.prefilter_threshold}});
    }
    return parameters;
}

}  // namespace tamis::models
