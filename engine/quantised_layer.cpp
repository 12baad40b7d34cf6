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
enum : std::size_t {
    kSource,
    kResult,
    kKernel,
    kSourceZero,
    kKernelZero,
    kSourceScale,
    kKernelScale,
    kResultScale,
    kResultZero,
    kBias
};

double convolved(const Product& p, const float* source, const float* kernel, std::size_t filter,
                 std::size_t position, double source_zero, double kernel_zero) {
    const std::size_t per_group = p.channels / p.groups;
    const std::size_t first = filter / (p.filters / p.groups) * per_group;
    double sum = 0.0;
    for (std::size_t c = 0; c < per_group; ++c) {
        const float* plane = source + (first + c) * p.taps.input_size;
        const float* weights = kernel + (filter * per_group + c) * p.taps.kernel_size;
        for (const Tap& tap : p.taps.at(position)) {
            sum += (plane[tap.input] - source_zero) * (weights[tap.kernel] - kernel_zero);
        }
    }
    return sum;
}

double multiplied(const Product& p, const float* source, const float* kernel, std::size_t filter,
                  std::size_t position, double source_zero, double kernel_zero) {
    double sum = 0.0;
    for (std::size_t k = 0; k < p.channels; ++k) {
        sum += (source[position * p.channels + k] - source_zero) *
               (kernel[k * p.filters + filter] - kernel_zero);
    }
    return sum;
}

void multiply_row(const Product& p, std::span<float* const> b, std::size_t row) {
    const float* source = b[kSource] + row * p.source_size();
    float* result = b[kResult] + row * p.result_size();
    const PerChannel kernel_zero{b[kKernelZero], p.single_kernel_zero};
    for (std::size_t filter = 0; filter < p.filters; ++filter) {
        double scale = 1.0;
        if (p.quantised) {
            const PerChannel kernel_scale{b[kKernelScale], p.single_kernel_scale};
            scale =
                static_cast<double>(b[kSourceScale][0]) * kernel_scale[filter] / b[kResultScale][0];
        }
        const auto sum_at = p.convolution ? convolved : multiplied;
        for (std::size_t position = 0; position < p.positions; ++position) {
            double sum = sum_at(p, source, b[kKernel], filter, position, b[kSourceZero][0],
                                kernel_zero[filter]);
            if (p.with_bias) sum += b[kBias][filter];
            float& to = result[p.convolution ? filter * p.positions + position
                                             : position * p.filters + filter];
            to = p.quantised ? to_byte(sum * scale, b[kResultZero][0], p.range)
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
    std::vector<std::string> weights{product.kernel, product.source_zero, product.kernel_zero};
    if (product.result) {
        const auto& result = *product.result;
        weights.insert(weights.end(), {result.source_scale, result.kernel_scale, result.by.scale,
                                       result.by.zero_point});
        if (!result.bias.empty()) weights.push_back(result.bias);
    }
    std::vector<BufferId> buffers{to.plain_source(layer.inputs[0], layer.name)};
    buffers.push_back(to.plain_destination(layer.outputs[0]));
    for (const std::string& weight : weights) {
        buffers.push_back(to.plain_parameter(weight, layer.name));
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
