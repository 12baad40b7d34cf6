#include "engine/int8_layers.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "engine/int8_kernels.hpp"

namespace tamis::engine {

namespace {

using onednn::Element;

constexpr float kLargest = 127.F;
// Of one sum: 127 x 127 x so many still fits 32 bits.
constexpr std::size_t kMostProducts = 100'000;

bool takes_integers(const LayerSpec& spec) {
    return std::holds_alternative<DenseLayer>(spec) ||
           std::holds_alternative<ConvolutionLayer>(spec);
}

// Sums to floats: what a step of a program keeps.
struct FromSums {
    std::vector<float> scales;          // of input and weights together
    std::vector<std::int32_t> offsets;  // zero times the sum of weights
    std::vector<float> bias;
    float negative_slope = 1;  // of negative values; 1: no activation

    void operator()(const std::int32_t* sums, float* values, std::size_t count) const noexcept {
        from_sums(sums, values, count,
                  {.offsets = offsets.data(),
                   .scales = scales.data(),
                   .bias = bias.data(),
                   .channels = scales.size(),
                   .negative_slope = negative_slope});
    }
};

bool is_relu(const std::optional<Activation>& activation) {
    return activation && activation->kind == Activation::Kind::relu;
}

FromSums scales_of_sums(const Int8Layers& int8, const Int8Weights& weights, const Int8Scale& scale,
                        const std::string& bias, const std::optional<Activation>& activation) {
    FromSums from;
    for (std::size_t channel = 0; channel < weights.scales.size(); ++channel) {
        from.scales.push_back(scale.scale * weights.scales[channel]);
        from.offsets.push_back(scale.zero * weights.sums[channel]);
    }
    from.bias.assign(weights.scales.size(), 0.F);
    if (!bias.empty()) std::ranges::copy(int8.weight(bias), from.bias.begin());
    if (is_relu(activation)) from.negative_slope = activation->negative_slope;
    return from;
}

// NaN becomes 0, as everything below the range does; such a row is flagged by the runner.
void quantise(const float* values, std::uint8_t* integers, std::size_t count,
              const Int8Scale& scale) noexcept {
    to_integers(values, integers, count, 1.F / scale.scale, static_cast<float>(scale.zero) + 0.5F);
}

// An image of a batch whose border is filled with what stands for 0.
struct Border {
    std::size_t height = 1, width = 1, channels = 1;
    std::size_t top = 0, bottom = 0, left = 0, right = 0;
};

void to_bordered_integers(const float* values, std::uint8_t* integers, std::size_t images,
                          const Border& border, const Int8Scale& scale) {
    const std::size_t row = border.width * border.channels;
    const std::size_t padded_row = (border.left + border.width + border.right) * border.channels;
    const auto zero = static_cast<std::uint8_t>(scale.zero);
    const auto fill = [&integers, zero](std::size_t count) {
        std::memset(integers, zero, count);
        integers += count;
    };
    for (std::size_t image = 0; image < images; ++image) {
        fill(border.top * padded_row);
        for (std::size_t y = 0; y < border.height; ++y) {
            fill(border.left * border.channels);
            quantise(values, integers, row, scale);
            values += row;
            integers += row;
            fill(border.right * border.channels);
        }
        fill(border.bottom * padded_row);
    }
}

// The layer's result from its sums; an activation that is no ReLU follows as a step of its own.
void append_result(Emission& to, const PlanLayer& layer, BufferId sums, const onednn::Desc& layout,
                   FromSums from, const std::optional<Activation>& activation) {
    ProgramBuilder& program = to.program();
    const BufferId dst = to.destination(layer.outputs[0], layout);
    const std::size_t count = onednn::bytes_of(layout) / sizeof(float);
    program.append(layer.name, "from int32",
                   [from = std::move(from), count](std::span<float* const> buffers, std::size_t) {
                       from(reinterpret_cast<const std::int32_t*>(buffers[0]), buffers[1], count);
                   },
                   {sums, dst});
    if (activation && !is_relu(activation)) {
        program.append(layer.name, onednn::activation(to.config().use, *activation, layout),
                       {{DNNL_ARG_SRC, dst}, {DNNL_ARG_DST, dst}});
    }
    to.set_value(layer.outputs[0], dst);
}

// [units, in] of a dense layer.
std::vector<float> rows_of_units(std::span<const float> kernel, const DenseLayer& dense,
                                 std::size_t units) {
    std::vector<float> rows(kernel.begin(), kernel.end());
    if (dense.units_first) return rows;
    const std::size_t in = kernel.size() / units;
    for (std::size_t unit = 0; unit < units; ++unit) {
        for (std::size_t i = 0; i < in; ++i) rows[unit * in + i] = kernel[i * units + unit];
    }
    return rows;
}

std::optional<onednn::MadeForward<onednn::DenseHint>> made_dense(const onednn::Dims& src,
                                                                 const onednn::Dims& dst) {
    try {
        return onednn::dense(onednn::Use::inference, onednn::plain(src, Element::u8),
                             onednn::any({dst[1], src[1]}, Element::s8), {},
                             onednn::plain(dst, Element::s32), std::nullopt);
    } catch (const dnnl::error&) {
        return std::nullopt;
    }
}

std::optional<onednn::MadeForward<onednn::ConvolutionHint>> made_convolution(
    const onednn::Dims& src, const onednn::Dims& weights, const onednn::Dims& dst,
    const Window& window) {
    try {
        return onednn::convolution(onednn::Use::inference,
                                   {onednn::channels_last(src, Element::u8),
                                    onednn::any(weights, Element::s8),
                                    {},
                                    onednn::channels_last(dst, Element::s32)},
                                   window, std::nullopt);
    } catch (const dnnl::error&) {
        return std::nullopt;
    }
}

Border border_of(const onednn::Dims& src, const Window& window) {
    const auto at = [](const std::vector<std::int64_t>& values, std::size_t axis) {
        return static_cast<std::size_t>(values[axis]);
    };
    Border border;
    border.channels = at(src, 1);
    const std::size_t last = window.kernel.size() - 1;
    border.width = at(src, last + 2);
    border.left = at(window.pads_begin, last);
    border.right = at(window.pads_end, last);
    if (last == 1) {
        border.height = at(src, 2);
        border.top = at(window.pads_begin, 0);
        border.bottom = at(window.pads_end, 0);
    }
    return border;
}

}  // namespace

Int8Scale int8_scale_of(const Int8Range& range) noexcept {
    const float low = std::min(range.low, 0.F);
    const float high = std::max(range.high, 0.F);
    const float scale = (high - low) / kLargest;
    if (!(scale > 0.F)) return {};
    return {scale, static_cast<std::int32_t>(std::lround(-low / scale))};
}

Int8Weights int8_weights_of(std::span<const float> rows, std::size_t channels) {
    Int8Weights weights;
    weights.values.reserve(rows.size());
    const std::size_t size = rows.size() / channels;
    for (std::size_t channel = 0; channel < channels; ++channel) {
        const auto row = rows.subspan(channel * size, size);
        float largest = 0;
        for (const float value : row) largest = std::max(largest, std::abs(value));
        const float scale = largest > 0 ? largest / kLargest : 1.F;
        std::int32_t sum = 0;
        for (const float value : row) {
            const auto integer = static_cast<std::int32_t>(std::lround(value / scale));
            weights.values.push_back(static_cast<std::int8_t>(std::clamp(integer, -127, 127)));
            sum += weights.values.back();
        }
        weights.scales.push_back(scale);
        weights.sums.push_back(sum);
    }
    return weights;
}

tl::expected<Int8Layers, std::string> Int8Layers::make(const LayerPlan& plan,
                                                       const std::map<std::string, Tensor>& weights,
                                                       const Int8Ranges& ranges) {
    Int8Layers layers(weights);
    std::size_t next = 0;
    for (const PlanLayer& layer : plan.layers) {
        if (!takes_integers(layer.spec)) continue;
        if (next < ranges.size()) {
            const Int8Range& range = ranges[next];
            if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high) {
                return tl::unexpected("layer " + layer.name +
                                      ": the range of its int8 inputs is none; calibrate again");
            }
            layers.scales_[layer.outputs[0]] = int8_scale_of(range);
        }
        ++next;
    }
    if (next != ranges.size() || next == 0) {
        return tl::unexpected(std::to_string(ranges.size()) + " int8 ranges for " +
                              std::to_string(next) +
                              " dense and convolution layers (of another network?); one for each "
                              "is needed, and one at least: calibrate this network");
    }
    return layers;
}

Int8Scale Int8Layers::scale_of(const PlanLayer& layer) const {
    return scales_.at(layer.outputs[0]);
}

std::span<const float> Int8Layers::weight(const std::string& name) const {
    return weights_->at(name).values;
}

BufferId Int8Layers::packed(ProgramBuilder& program, const PlanLayer& layer,
                            const Int8Weights& weights, const onednn::Desc& natural,
                            const onednn::Desc& wanted) {
    auto& versions = packed_[layer.outputs[0]];
    for (const auto& [layout, memory] : versions) {
        if (layout == wanted) return program.constant(memory);
    }
    std::vector<std::int8_t> values = weights.values;
    dnnl::memory from(natural, onednn::cpu(), values.data());
    dnnl::memory to(wanted, onednn::cpu());
    dnnl::stream stream(onednn::cpu());
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    versions.emplace_back(wanted, to);
    return program.constant(to);
}

bool emit_int8(Emission& to, const PlanLayer& layer, const DenseLayer& dense) {
    Int8Layers& int8 = *to.config().int8;
    ProgramBuilder& program = to.program();
    const onednn::Dims src = to.dims(layer.inputs[0]);
    const onednn::Dims dst = to.dims(layer.outputs[0]);
    const auto in = static_cast<std::size_t>(src[1]);
    const auto units = static_cast<std::size_t>(dst[1]);
    const auto made = in <= kMostProducts ? made_dense(src, dst) : std::nullopt;
    if (!made) return false;
    const Int8Scale scale = int8.scale_of(layer);
    const Int8Weights weights =
        int8_weights_of(rows_of_units(int8.weight(dense.kernel), dense, units), units);
    const BufferId values =
        program.in_layout(to.value_buffer(layer.inputs[0]), onednn::plain(src), layer.name);
    const BufferId integers = program.arena(made->src);
    const std::size_t count = static_cast<std::size_t>(src[0]) * in;
    program.append(layer.name, "to uint8",
                   [scale, count](std::span<float* const> buffers, std::size_t) {
                       quantise(buffers[0], reinterpret_cast<std::uint8_t*>(buffers[1]), count,
                                scale);
                   },
                   {values, integers});
    const BufferId sums = program.arena(made->dst);
    program.append(layer.name, *made,
                   {{DNNL_ARG_SRC, integers},
                    {DNNL_ARG_WEIGHTS,
                     int8.packed(program, layer, weights,
                                 onednn::plain({dst[1], src[1]}, Element::s8), made->weights)},
                    {DNNL_ARG_DST, sums}});
    append_result(to, layer, sums, onednn::plain(dst),
                  scales_of_sums(int8, weights, scale, dense.bias, dense.activation),
                  dense.activation);
    return true;
}

bool emit_int8(Emission& to, const PlanLayer& layer, const ConvolutionLayer& convolution) {
    Int8Layers& int8 = *to.config().int8;
    ProgramBuilder& program = to.program();
    const onednn::Dims src = to.dims(layer.inputs[0]);
    const onednn::Dims dst = to.dims(layer.outputs[0]);
    const auto kernel = int8.weight(convolution.kernel);
    const auto filters = static_cast<std::size_t>(dst[1]);
    if (kernel.size() / filters > kMostProducts || src.size() > 4) return false;
    // The border is part of the integers, because what stands for 0 need not be 0.
    Window window = convolution.window;
    onednn::Dims bordered = src;
    for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
        bordered[axis + 2] += window.pads_begin[axis] + window.pads_end[axis];
        window.pads_begin[axis] = 0;
        window.pads_end[axis] = 0;
    }
    onednn::Dims weight_dims;
    if (convolution.groups > 1) weight_dims.push_back(convolution.groups);
    weight_dims.push_back(dst[1] / convolution.groups);
    weight_dims.push_back(src[1] / convolution.groups);
    weight_dims.insert(weight_dims.end(), window.kernel.begin(), window.kernel.end());
    const auto made = made_convolution(bordered, weight_dims, dst, window);
    if (!made) return false;

    const Int8Scale scale = int8.scale_of(layer);
    const Int8Weights weights = int8_weights_of(kernel, filters);
    const BufferId values = program.in_layout(to.value_buffer(layer.inputs[0]),
                                              onednn::channels_last(src, Element::f32), layer.name);
    const BufferId integers = program.arena(made->src);
    const auto images = static_cast<std::size_t>(src[0]);
    program.append(layer.name, "to uint8",
                   [scale, images, border = border_of(src, convolution.window)](
                       std::span<float* const> buffers, std::size_t) {
                       to_bordered_integers(buffers[0], reinterpret_cast<std::uint8_t*>(buffers[1]),
                                            images, border, scale);
                   },
                   {values, integers});
    const BufferId sums = program.arena(made->dst);
    program.append(
        layer.name, *made,
        {{DNNL_ARG_SRC, integers},
         {DNNL_ARG_WEIGHTS, int8.packed(program, layer, weights,
                                        onednn::plain(weight_dims, Element::s8), made->weights)},
         {DNNL_ARG_DST, sums}});
    append_result(to, layer, sums, onednn::channels_last(dst, Element::f32),
                  scales_of_sums(int8, weights, scale, convolution.bias, convolution.activation),
                  convolution.activation);
    return true;
}

}  // namespace tamis::engine
