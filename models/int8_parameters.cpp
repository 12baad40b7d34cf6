#include "models/int8_parameters.hpp"

namespace tamis::models {

namespace {

constexpr const char* kLow = "int8.low";
constexpr const char* kHigh = "int8.high";

}  // namespace

tl::expected<engine::Int8Ranges, std::string> read_int8_ranges(const Manifest& manifest) {
    const Parameter* low = find_parameter(manifest, kLow);
    const Parameter* high = find_parameter(manifest, kHigh);
    if (low == nullptr && high == nullptr) {
        return engine::Int8Ranges{};
    }
    if (low == nullptr || high == nullptr || low->values.size() != high->values.size() ||
        low->values.empty()) {
        return tl::make_unexpected(
            std::string("parameters 'int8.low' and 'int8.high' do not fit; right are both with a "
                        "value per dense or convolution layer, or neither"));
    }
    engine::Int8Ranges ranges;
    for (std::size_t layer = 0; layer < low->values.size(); ++layer) {
        ranges.push_back(
            {static_cast<float>(low->values[layer]), static_cast<float>(high->values[layer])});
    }
    return ranges;
}

void set_int8_ranges(Manifest& manifest, const engine::Int8Ranges& ranges) {
    std::erase_if(manifest.parameters, [](const Parameter& parameter) {
        return parameter.name == kLow || parameter.name == kHigh;
    });
    Parameter low{kLow, {}};
    Parameter high{kHigh, {}};
    for (const engine::Int8Range& range : ranges) {
        low.values.push_back(range.low);
        high.values.push_back(range.high);
    }
    manifest.parameters.push_back(std::move(low));
    manifest.parameters.push_back(std::move(high));
}

}  // namespace tamis::models
