#include "models/ringer/ringer_settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace tamis::models {

namespace {

constexpr double kMaxEnsembles = 64;

struct Field {
    std::string_view name;
    double value;  // the default
    double low, high;
};

std::string trimmed(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
        text.pop_back();
    }
    return text;
}

tl::expected<void, std::string> read_fields(const Manifest& manifest, std::span<Field> fields) {
    for (const Parameter& parameter : manifest.parameters) {
        const auto field = std::find_if(fields.begin(), fields.end(), [&](const Field& each) {
            return each.name == parameter.name;
        });
        if (field == fields.end()) {
            std::string known;
            for (const Field& each : fields) {
                known += (known.empty() ? "" : ", ") + std::string(each.name);
            }
            return tl::unexpected("parameter " + parameter.name +
                                  " is unknown (the kind is ringer); known are " + known);
        }
        const double value = parameter.values.size() == 1 ? parameter.values.front() : NAN;
        if (!(value >= field->low && value <= field->high) || value != std::floor(value)) {
            return tl::unexpected("parameter " + parameter.name + " is not one whole number of " +
                                  trimmed(field->low) + " to " + trimmed(field->high) +
                                  "; give one");
        }
        field->value = value;
    }
    return {};
}

tl::expected<void, std::string> check_thresholds(const Manifest& manifest,
                                                 FinalActivation activation) {
    const double low = activation == FinalActivation::tanh ? -1.0 : 0.0;
    for (const WorkingPoint& point : manifest.working_points) {
        if (point.bins.empty()) {
            return tl::unexpected("working point " + point.name +
                                  " has no threshold (no bins); give one for each bin");
        }
        for (const ThresholdBin& bin : point.bins) {
            if (activation != FinalActivation::none && !(bin.offset >= low && bin.offset <= 1.0)) {
                return tl::unexpected("working point " + point.name + " has the offset " +
                                      trimmed(bin.offset) +
                                      " (out of reach of final_activation); give one of " +
                                      trimmed(low) + " to 1 or the activation that fits");
            }
        }
    }
    return {};
}

}  // namespace

tl::expected<RingerSettings, std::string> read_ringer_settings(const Manifest& manifest) {
    std::array<Field, 6> fields = {{{"normalisation", 1, 0, 3},
                                    {"half_rings", 0, 0, 1},
                                    {"ensembles", 1, 1, kMaxEnsembles},
                                    {"final_activation", 0, 0, 2},
                                    {"inclusive", 0, 0, 1},
                                    {"primary_point", 0, 0, 1e6}}};
    if (auto read = read_fields(manifest, fields); !read) {
        return tl::unexpected(read.error());
    }
    RingerSettings settings;
    settings.normalisation = static_cast<RingNormalisation>(fields[0].value);
    settings.half_rings = fields[1].value != 0;
    settings.ensembles = static_cast<std::size_t>(fields[2].value);
    settings.final_activation = static_cast<FinalActivation>(fields[3].value);
    settings.inclusive = fields[4].value != 0;
    settings.primary_point = static_cast<std::size_t>(fields[5].value);
    const std::size_t points = manifest.working_points.size();
    if (settings.ensembles != 1 && settings.ensembles != points) {
        return tl::unexpected("parameter ensembles is " + std::to_string(settings.ensembles) +
                              " (there are " + std::to_string(points) +
                              " working points); give 1 or their number");
    }
    if (manifest.networks.empty() || manifest.networks.size() % settings.ensembles != 0) {
        return tl::unexpected(std::to_string(manifest.networks.size()) +
                              " networks cannot be shared out to " +
                              std::to_string(settings.ensembles) +
                              " ensembles; list one network for each bin of each ensemble");
    }
    if (settings.primary_point >= std::max<std::size_t>(points, 1)) {
        return tl::unexpected("parameter primary_point is " +
                              std::to_string(settings.primary_point) + " (there are " +
                              std::to_string(points) +
                              " working points, counted from 0); name one of them");
    }
    if (settings.normalisation == RingNormalisation::sequential && settings.half_rings) {
        return tl::unexpected(std::string(
            "normalisation is sequential with half_rings (it is defined for whole sets of rings); "
            "give half_rings 0 or another normalisation"));
    }
    if (auto checked = check_thresholds(manifest, settings.final_activation); !checked) {
        return tl::unexpected(checked.error());
    }
    return settings;
}

std::span<const float> make_network_inputs(const RingerSettings& settings,
                                           std::span<const float, kRingCount> rings,
                                           std::span<float, kRingCount> buffer) noexcept {
    if (settings.half_rings) {
        const auto& half = half_ring_indices();
        std::transform(half.begin(), half.end(), buffer.begin(),
                       [&](std::uint8_t ring) { return rings[ring]; });
    } else {
        std::copy(rings.begin(), rings.end(), buffer.begin());
    }
    const std::span<float> inputs = buffer.first(settings.input_count());
    normalise_rings(settings.normalisation, inputs);
    return inputs;
}

std::vector<Parameter> ringer_parameters(const RingerSettings& settings) {
    const auto number = [](auto value) { return std::vector<double>{static_cast<double>(value)}; };
    return {{"normalisation", number(settings.normalisation)},
            {"half_rings", number(settings.half_rings)},
            {"ensembles", number(settings.ensembles)},
            {"final_activation", number(settings.final_activation)},
            {"inclusive", number(settings.inclusive)},
            {"primary_point", number(settings.primary_point)}};
}

}  // namespace tamis::models
