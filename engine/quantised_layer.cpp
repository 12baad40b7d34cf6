// Layers of bytes: quantising, dequantising, and products whose sums are exact (taken in double;
// bytes times bytes stay below 2^53 for any layer that fits). By plain loops. No derivative.
#include <algorithm>
#include <cmath>

#include "engine/emission.hpp"
#include "engine/window_taps.hpp"

namespace tamis::engine {

namespace {

// Rounds halves to even, as ONNX wants it (the processor's default mode).
float to_byte(double value, float zero_point, ByteRange range) {
    const double shifted = std::nearbyint(value) + zero_point;
    return static_cast<float>(
        std::clamp(shifted, static_cast<double>(range.low), static_cast<double>(range.high)));
}

// One value for all, or one per channel.
struct PerChannel {
    const float* values;
    bool single;
    float operator[](std::size_t channel) const { return values[single ? 0 : channel]; }
};

bool is_single(const Emission& to, const std::string& weight) {
    return to.weight_shape(weight).element_count() == 1;
}

struct Product {
    WindowTaps taps;         // of a convolution
    std::size_t positions;   // results per output channel
    std::size_t channels;    // inputs of one result are channels x taps, or channels alone
    std::size_t filters;     // output channels
    std::size_t groups = 1;  // of a convolution
    bool convolution;
    bool quantised, with_bias;
    bool single_kernel_zero, single_kernel_scale;
    ByteRange range;

    [[nodiscard]] std::size_t source_size() const {
        return channels * (convolution ? taps.input_size : positions);
    }
    [[nodiscard]] std::size_t result_size() const { return filters * positions; }
};

// Inputs of the loop in this order.
enum Argument : std::size_t {
    at_source,
    at_result,
    at_kernel,
    at_source_zero,
    at_kernel_zero,
    at_source_scale,
    at_kernel_scale,
    at_result_scale,
    at_result_zero,
    at_bias
};

// Which result.
struct Place {
    std::size_t filter, position;
    double source_zero, kernel_zero;
};

double convolved(const Product& p, const float* source, const float* kernel, const Place& at) {
    const std::size_t per_group = p.channels / p.groups;
    const std::size_t first = at.filter / (p.filters / p.groups) * per_group;
    double sum = 0.0;
    for (std::size_t c = 0; c < per_group; ++c) {
        const float* plane = source + (first + c) * p.taps.input_size;
        const float* weights = kernel + (at.filter * per_group + c) * p.taps.kernel_size;
        for (const Tap& tap : p.taps.at(at.position)) {
            sum += (plane[tap.input] - at.source_zero) * (weights[tap.kernel] - at.kernel_zero);
        }
    }
    return sum;
}

double multiplied(const Product& p, const float* source, const float* kernel, const Place& at) {
    double sum = 0.0;
    for (std::size_t k = 0; k < p.channels; ++k) {
        sum += (source[at.position * p.channels + k] - at.source_zero) *
               (kernel[k * p.filters + at.filter] - at.kernel_zero);
    }
    return sum;
}

// Of the sums of one filter, where they become bytes again.
double scale_of(const Product& p, std::span<float* const> b, std::size_t filter) {
    if (!p.quantised) return 1.0;
    const PerChannel kernel_scale{b[at_kernel_scale], p.single_kernel_scale};
    return static_cast<double>(b[at_source_scale][0]) * kernel_scale[filter] /
           b[at_result_scale][0];
}

void multiply_row(const Product& p, std::span<float* const> b, std::size_t row) {
    const float* source = b[at_source] + row * p.source_size();
    float* result = b[at_result] + row * p.result_size();
    const PerChannel kernel_zero{b[at_kernel_zero], p.single_kernel_zero};
    const auto sum_at = p.convolution ? convolved : multiplied;
    for (std::size_t filter = 0; filter < p.filters; ++filter) {
        const double scale = scale_of(p, b, filter);
        const double bias = p.with_bias ? b[at_bias][filter] : 0.0;
        for (std::size_t position = 0; position < p.positions; ++position) {
            const double sum =
                bias + sum_at(p, source, b[at_kernel],
                              {filter, position, b[at_source_zero][0], kernel_zero[filter]});
            float& to = result[p.convolution ? filter * p.positions + position
                                             : position * p.filters + filter];
            to = p.quantised ? to_byte(sum * scale, b[at_result_zero][0], p.range)
                             : static_cast<float>(sum);
        }
    }
}

Product product_of(const Emission& to, const PlanLayer& layer, const IntegerProductLayer& spec) {
    const Shape& source = to.row_shape(layer.inputs[0]);
    const Shape& result = to.row_shape(layer.outputs[0]);
    Product p{};
    p.convolution = spec.window.has_value();
    p.groups = static_cast<std::size_t>(spec.groups);
    if (p.convolution) {
        auto taps = window_taps(*spec.window, source, result);
        if (!taps) throw EmissionError("layer " + layer.name + ": " + taps.error());
        p.taps = std::move(*taps);
    }
    const std::size_t axis = p.convolution ? 0 : source.rank() - 1;
    p.channels = static_cast<std::size_t>(source[axis]);
    p.filters = static_cast<std::size_t>(result[axis]);
    p.positions = result.element_count() / p.filters;
    p.single_kernel_zero = is_single(to, spec.kernel_zero);
    p.quantised = spec.result.has_value();
    if (p.quantised) {
        p.with_bias = !spec.result->bias.empty();
        p.single_kernel_scale = is_single(to, spec.result->kernel_scale);
        p.range = spec.result->range;
    }
    return p;
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const IntegerProductLayer& product) {
    to.refuse_derivative(layer);
    const auto made = std::make_shared<const Product>(product_of(to, layer, product));
    std::vector<BufferId> buffers{to.plain_source(layer.inputs[0], layer.name)};
    buffers.push_back(to.plain_destination(layer.outputs[0]));
    const auto add = [&](const std::string& weight) {
        buffers.push_back(to.plain_parameter(weight, layer.name));
    };
    for (const auto* weight : {&product.kernel, &product.source_zero, &product.kernel_zero}) {
        add(*weight);
    }
    if (product.result) {
        const auto& result = *product.result;
        for (const auto* weight : {&result.source_scale, &result.kernel_scale, &result.by.scale,
                                   &result.by.zero_point}) {
            add(*weight);
        }
        if (!result.bias.empty()) add(result.bias);
    }
    to.program().append(
        layer.name, "loop",
        [made](std::span<float* const> b, std::size_t rows) {
            for (std::size_t row = 0; row < rows; ++row) multiply_row(*made, b, row);
        },
        buffers, ProgramBuilder::Rows::any);
}

void emit(Emission& to, const PlanLayer& layer, const QuantiseLayer& quantise) {
    to.refuse_derivative(layer);
    const Shape& row = to.row_shape(layer.inputs[0]);
    const bool single = is_single(to, quantise.by.scale);
    std::size_t inner = 1;
    for (std::size_t axis = quantise.axis + 1; !single && axis < row.rank(); ++axis) {
        inner *= static_cast<std::size_t>(row[axis]);
    }
    const std::size_t channels = single ? 1 : static_cast<std::size_t>(row[quantise.axis]);
    const bool to_bytes = quantise.direction == QuantiseLayer::Direction::to_bytes;
    to.program().append(
        layer.name, "loop",
        [size = row.element_count(), inner, channels, to_bytes, range = quantise.range](
            std::span<float* const> b, std::size_t rows) {
            for (std::size_t i = 0; i < rows * size; ++i) {
                const std::size_t channel = i / inner % channels;
                const float scale = b[2][channel];
                const float zero = b[3][channel];
                b[1][i] =
                    to_bytes ? to_byte(b[0][i] / scale, zero, range) : (b[0][i] - zero) * scale;
            }
        },
        {to.plain_source(layer.inputs[0], layer.name), to.plain_destination(layer.outputs[0]),
         to.plain_parameter(quantise.by.scale, layer.name),
         to.plain_parameter(quantise.by.zero_point, layer.name)},
        ProgramBuilder::Rows::any);
}

}  // namespace tamis::engine
