#include "models/manifest.hpp"

#include <algorithm>
#include <cmath>

namespace tamis::models {

const Parameter* find_parameter(const Manifest& manifest, std::string_view name) noexcept {
    const auto found =
        std::find_if(manifest.parameters.begin(), manifest.parameters.end(),
                     [name](const Parameter& parameter) { return parameter.name == name; });
    return found == manifest.parameters.end() ? nullptr : &*found;
}

tl::expected<std::vector<double>, std::string> read_parameter(const Manifest& manifest,
                                                              std::string_view name,
                                                              std::size_t count) {
    const Parameter* parameter = find_parameter(manifest, name);
    const std::size_t found = parameter == nullptr ? 0 : parameter->values.size();
    if (parameter == nullptr || found != count) {
        return tl::make_unexpected("parameter '" + std::string(name) + "' has " +
                                   std::to_string(found) + " values; right are " +
                                   std::to_string(count));
    }
    if (!std::all_of(parameter->values.begin(), parameter->values.end(),
                     [](double value) { return std::isfinite(value); })) {
        return tl::make_unexpected("parameter '" + std::string(name) +
                                   "' is not finite; right are numbers");
    }
    return parameter->values;
}

}  // namespace tamis::models
