// Dense and convolution layers in 8-bit integers. oneDNN forms the sums of products, in whole
// numbers and therefore the same in any order and any batch; loops of ours make integers of its
// inputs and floats of its sums. Activations have 7 bits: on processors without VNNI two products
// are added in 16 bits, and 2 x 127 x 127 still fits. Weights have a scale per output channel.
// Internal to the engine (sees oneDNN); built on the cold path.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "engine/emission.hpp"
#include "engine/int8_ranges.hpp"

namespace tamis::engine {

// value = scale * (integer - zero)
struct Int8Scale {
    float scale = 1;
    std::int32_t zero = 0;  // 0..127
};
[[nodiscard]] Int8Scale int8_scale_of(const Int8Range& range) noexcept;

struct Int8Weights {
    std::vector<std::int8_t> values;  // by output channel, then as the primitive's dimensions
    std::vector<float> scales;        // per output channel
    std::vector<std::int32_t> sums;   // likewise: what a zero that is not 0 adds
};
// rows of one output channel each.
[[nodiscard]] Int8Weights int8_weights_of(std::span<const float> rows, std::size_t channels);

// Ranges and weights of a network's layers; shared by the programs of all tiles while they are
// made.
class Int8Layers {
 public:
    // `weights` outlives it. Error: not one range per dense and convolution layer, or none at all.
    [[nodiscard]] static tl::expected<Int8Layers, std::string> make(
        const LayerPlan& plan, const std::map<std::string, Tensor>& weights,
        const Int8Ranges& ranges);

    [[nodiscard]] Int8Scale scale_of(const PlanLayer& layer) const;
    [[nodiscard]] std::span<const float> weight(const std::string& name) const;
    // The weights as a constant in the wanted layout. natural: of weights.values.
    [[nodiscard]] BufferId packed(ProgramBuilder& program, const PlanLayer& layer,
                                  const Int8Weights& weights, const onednn::Desc& natural,
                                  const onednn::Desc& wanted);

 private:
    explicit Int8Layers(const std::map<std::string, Tensor>& weights) : weights_(&weights) {}

    const std::map<std::string, Tensor>* weights_;
    std::map<int, Int8Scale> scales_;  // by the layer's output
    std::map<int, std::vector<std::pair<onednn::Desc, dnnl::memory>>> packed_;
};

}  // namespace tamis::engine
