#include "models/fixed_point/input_schemas.hpp"

#include <array>
#include <string>

namespace tamis::models {
namespace {

constexpr const char* kUnit = "hardware";

struct Collection {
    const char* name;
    std::size_t objects;  // 0: one without a number
};
constexpr auto kCollections =
    std::to_array<Collection>({{"met", 0}, {"eg", 4}, {"mu", 4}, {"jet", 10}});

FeatureSpec feature(std::string name) {
    FeatureSpec spec;
    spec.name = std::move(name);
    spec.unit = kUnit;
    return spec;
}

void add_object(std::vector<FeatureSpec>& features, const std::string& name) {
    for (const char* const quantity : {"_et", "_eta", "_phi"}) {
        features.push_back(feature(std::string(name).append(quantity)));
    }
}

}  // namespace

std::vector<FeatureSpec> object_features() {
    std::vector<FeatureSpec> features;
    for (const Collection& collection : kCollections) {
        if (collection.objects == 0) {
            add_object(features, collection.name);
        }
        for (std::size_t i = 0; i < collection.objects; ++i) {
            add_object(features, std::string(collection.name).append(std::to_string(i)));
        }
    }
    return features;
}

std::vector<FeatureSpec> region_features() {
    std::vector<FeatureSpec> features;
    for (std::size_t i = 0; i < kRegionRows * kRegionColumns; ++i) {
        features.push_back(feature(std::string("r").append(std::to_string(i))));
    }
    return features;
}

}  // namespace tamis::models
