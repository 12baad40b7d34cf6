#include "models/event_inputs.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>
#include <numeric>

namespace tamis::models {
namespace {

using Value = tl::expected<float, streams::PayloadFault>;
using streams::CalorimeterClusters;
using streams::PhysicsObjects;
using streams::PixelDoublets;

float count_of(std::size_t n) noexcept { return static_cast<float>(n); }

// Largest element, 0 of none.
float largest(std::span<const float> values) noexcept {
    return values.empty() ? 0.0F : *std::max_element(values.begin(), values.end());
}

std::size_t jets_above(const streams::JetArrays& jets, float pt_gev) noexcept {
    return static_cast<std::size_t>(
        std::count_if(jets.pt.begin(), jets.pt.end(), [pt_gev](float pt) { return pt > pt_gev; }));
}

template <auto Of>
Value of_objects(EventInputs& inputs) noexcept {
    return inputs.payloads().physics_objects().map(
        [](const PhysicsObjects* objects) { return Of(*objects); });
}

template <auto Of>
Value of_clusters(EventInputs& inputs) noexcept {
    return inputs.payloads().calorimeter_clusters().map(
        [](const CalorimeterClusters* clusters) { return Of(*clusters); });
}

template <auto Of>
Value of_doublets(EventInputs& inputs) noexcept {
    return inputs.payloads().pixel_doublets().map(
        [](const PixelDoublets* doublets) { return Of(*doublets); });
}

// Does any fragment announce a payload of that type? Nothing is decoded, so this never fails.
template <streams::PayloadType Type>
Value carries(EventInputs& inputs) noexcept {
    const streams::Event& event = inputs.event();
    for (std::size_t i = 0; i < event.fragments.size(); ++i) {
        if (event.has(static_cast<streams::SourceIndex>(i)) &&
            event.fragments[i].payload_type == Type) {
            return 1.0F;
        }
    }
    return 0.0F;
}

Value source_count(EventInputs& inputs) noexcept {
    return count_of(static_cast<std::size_t>(__builtin_popcountll(inputs.event().sources_seen)));
}

Value payload_bytes(EventInputs& inputs) noexcept { return count_of(inputs.event().payload_bytes); }

struct Quantity {
    std::string_view name;
    Value (*of)(EventInputs&) noexcept;
};

// Beyond the 21 features, whose names come first in quantity_names().
constexpr auto kQuantities = std::to_array<Quantity>({
    {"n_electrons",
     of_objects<[](const PhysicsObjects& o) { return count_of(o.electrons.pt.size()); }>},
    {"n_muons", of_objects<[](const PhysicsObjects& o) { return count_of(o.muons.pt.size()); }>},
    {"n_leptons", of_objects<[](const PhysicsObjects& o) {
         return count_of(o.electrons.pt.size() + o.muons.pt.size());
     }>},
    {"n_jets", of_objects<[](const PhysicsObjects& o) { return count_of(o.jets.pt.size()); }>},
    {"n_jets30",
     of_objects<[](const PhysicsObjects& o) { return count_of(jets_above(o.jets, 30.0F)); }>},
    {"n_bjets", of_objects<[](const PhysicsObjects& o) {
         return count_of(static_cast<std::size_t>(std::count_if(
             o.jets.btag.begin(), o.jets.btag.end(), [](float btag) { return btag > 0.5F; })));
     }>},
    {"leading_electron_pt",
     of_objects<[](const PhysicsObjects& o) { return largest(o.electrons.pt); }>},
    {"leading_muon_pt", of_objects<[](const PhysicsObjects& o) { return largest(o.muons.pt); }>},
    {"leading_lepton_pt", of_objects<[](const PhysicsObjects& o) {
         return std::max(largest(o.electrons.pt), largest(o.muons.pt));
     }>},
    {"leading_jet_pt", of_objects<[](const PhysicsObjects& o) { return largest(o.jets.pt); }>},
    {"jet_pt_sum", of_objects<[](const PhysicsObjects& o) {
         return std::accumulate(o.jets.pt.begin(), o.jets.pt.end(), 0.0F);
     }>},
    {"met", of_objects<[](const PhysicsObjects& o) { return o.met_pt; }>},
    {"n_charged_hadrons",
     of_objects<[](const PhysicsObjects& o) { return count_of(o.charged_hadrons); }>},
    {"n_neutral_hadrons",
     of_objects<[](const PhysicsObjects& o) { return count_of(o.neutral_hadrons); }>},
    {"n_vertices", of_objects<[](const PhysicsObjects& o) { return count_of(o.vertices); }>},
    {"passes_lepton_trigger", of_objects<[](const PhysicsObjects& o) {
         const auto lepton = find_trigger_lepton(o);
         return lepton && lepton->passes_trigger ? 1.0F : 0.0F;
     }>},
    {"n_clusters", of_clusters<[](const CalorimeterClusters& c) { return count_of(c.et.size()); }>},
    {"leading_cluster_et", of_clusters<[](const CalorimeterClusters& c) { return largest(c.et); }>},
    {"average_mu", of_clusters<[](const CalorimeterClusters& c) { return c.average_mu; }>},
    {"n_cells",
     of_clusters<[](const CalorimeterClusters& c) { return count_of(c.cell_energy.size()); }>},
    {"n_doublets", of_doublets<[](const PixelDoublets& d) { return count_of(d.count); }>},
    {"n_sources", source_count},
    {"payload_bytes", payload_bytes},
    {"has_physics_objects", carries<streams::PayloadType::physics_objects>},
    {"has_clusters", carries<streams::PayloadType::calorimeter_clusters>},
    {"has_doublets", carries<streams::PayloadType::pixel_doublets>},
    {"has_features", carries<streams::PayloadType::features>},
});

constexpr auto kQuantityNames = [] {
    std::array<std::string_view, kHighLevelFeatureCount + kQuantities.size()> names;
    std::copy(kFeatureNames.begin(), kFeatureNames.end(), names.begin());
    for (std::size_t i = 0; i < kQuantities.size(); ++i) {
        names[kHighLevelFeatureCount + i] = kQuantities[i].name;
    }
    return names;
}();

}  // namespace

std::span<const std::string_view> quantity_names() noexcept { return kQuantityNames; }

std::optional<QuantityId> find_quantity(std::string_view name) noexcept {
    const auto* const found = std::find(kQuantityNames.begin(), kQuantityNames.end(), name);
    if (found == kQuantityNames.end()) {
        return std::nullopt;
    }
    return static_cast<QuantityId>(found - kQuantityNames.begin());
}

EventInputs::EventInputs(const streams::PayloadLimits& limits) : payloads_(limits) {}

void EventInputs::attach(const streams::Event& event) noexcept {
    event_ = &event;
    features_.reset();
    payloads_.attach(event);
}

tl::expected<const HighLevelFeatures*, streams::PayloadFault>
EventInputs::high_level_features() noexcept {
    Expects(event_ != nullptr);
    if (!features_) {
        features_ = payloads_.physics_objects().and_then(
            [](const PhysicsObjects* objects)
                -> tl::expected<HighLevelFeatures, streams::PayloadFault> {
                const HighLevelFeatures features = models::high_level_features(*objects);
                // Finite objects can still be absurd: a pseudorapidity of 1000 overflows a mass.
                const bool finite = std::all_of(features.begin(), features.end(),
                                                [](float value) { return std::isfinite(value); });
                if (!finite) {
                    return tl::make_unexpected(streams::PayloadFault::not_finite);
                }
                return features;
            });
    }
    if (!features_->has_value()) {
        return tl::make_unexpected(features_->error());
    }
    return &features_->value();
}

tl::expected<float, streams::PayloadFault> EventInputs::quantity(QuantityId id) noexcept {
    Expects(event_ != nullptr);
    const auto index = static_cast<std::size_t>(id);
    Expects(index < kQuantityNames.size());
    if (index < kHighLevelFeatureCount) {
        return high_level_features().map(
            [index](const HighLevelFeatures* features) { return (*features)[index]; });
    }
    return kQuantities[index - kHighLevelFeatureCount].of(*this);
}

}  // namespace tamis::models
