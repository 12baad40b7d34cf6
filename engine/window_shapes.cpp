// Shapes of convolutions, pools and normalisation over channels.
#include <algorithm>

#include "engine/shape_rules.hpp"
#include "engine/window.hpp"

namespace tamis::engine {

namespace {

// Value, weight [filters, channels / groups, ...] at place `weight_at`, and the window.
struct ConvolutionParts {
    const Shape* x = nullptr;
    const Shape* w = nullptr;
    std::int64_t groups = 1;
    Window window;
};

tl::expected<ConvolutionParts, std::string> convolution_parts(const Inspection& at,
                                                              std::size_t weight_at) {
    ConvolutionParts parts{at.value(0), at.weight(weight_at), at.node.integer("group", 1), {}};
    if (parts.x == nullptr || parts.w == nullptr) {
        return tl::unexpected(std::string("needs a value and a weight"));
    }
    const Shape& x = *parts.x;
    const Shape& w = *parts.w;
    if (x.rank() < 2 || x.rank() > 4 || w.rank() != x.rank() + 1) {
        return tl::unexpected("input row " + x.text() + " with weight " + w.text() +
                              " (unsupported); supported are convolutions in one to three "
                              "dimensions");
    }
    auto window = read_window(at.node, x.rank() - 1);
    if (!window) return tl::unexpected(window.error());
    parts.window = std::move(*window);
    for (std::size_t axis = 0; axis < parts.window.kernel.size(); ++axis) {
        if (parts.window.kernel[axis] != w[axis + 2]) {
            return tl::unexpected("kernel_shape does not match the weight " + w.text());
        }
    }
    if (parts.groups < 1 || x[0] % parts.groups != 0 || w[0] % parts.groups != 0) {
        return tl::unexpected("weight " + w.text() + " does not fit " + std::to_string(x[0]) +
                              " input channels in " + std::to_string(parts.groups) + " groups");
    }
    return parts;
}

ShapeResult convolved(const Inspection& at, std::size_t weight_at) {
    const auto parts = convolution_parts(at, weight_at);
    if (!parts) return tl::unexpected(parts.error());
    const Shape& x = *parts->x;
    const Shape& w = *parts->w;
    if (w[1] != x[0] / parts->groups) {
        return refuse_shape("weight " + w.text() + " does not fit " + std::to_string(x[0]) +
                            " input channels in " + std::to_string(parts->groups) + " groups");
    }
    return windowed_shape(parts->window, x, w[0]);
}

ShapeResult with_bias(const Inspection& at, std::size_t bias_at, ShapeResult shape) {
    if (!shape || at.node.inputs.size() <= bias_at) return shape;
    const Shape* bias = at.weight(bias_at);
    if (at.node.inputs.size() > bias_at + 1 || bias == nullptr || *bias != Shape{(*shape)[0]}) {
        return refuse_shape("the bias must be a weight with one value per output channel");
    }
    return shape;
}

ShapeResult conv_shape(const Inspection& at) { return with_bias(at, 2, convolved(at, 1)); }

ShapeResult transposed_shape(const Inspection& at) {
    const auto parts = convolution_parts(at, 1);
    if (!parts) return tl::unexpected(parts.error());
    const Shape& x = *parts->x;
    const Shape& w = *parts->w;
    if (w[0] != x[0]) {
        return refuse_shape("weight " + w.text() + " does not fit " + std::to_string(x[0]) +
                            " input channels");
    }
    const std::vector<std::int64_t> more = at.node.integers("output_padding");
    if (more.size() != x.rank() - 1) return refuse_shape("output_padding has the wrong length");
    std::vector<std::int64_t> dimensions{w[1] * parts->groups};
    for (std::size_t axis = 0; axis < more.size(); ++axis) {
        const Window& window = parts->window;
        if (more[axis] < 0 || more[axis] > kMaxDimension) {
            return refuse_shape("output_padding out of range");
        }
        dimensions.push_back(window.strides[axis] * (x[axis + 1] - 1) + more[axis] +
                             window.dilations[axis] * (window.kernel[axis] - 1) + 1 -
                             window.pads_begin[axis] - window.pads_end[axis]);
    }
    return with_bias(at, 2, Shape::make(dimensions));
}

ShapeResult integer_convolution(const Inspection& at, std::size_t weight_at, std::size_t inputs) {
    auto shape = convolved(at, weight_at);
    if (!shape) return shape;
    for (std::size_t input = 1; input < inputs; ++input) {
        const Shape* other = at.weight(input);
        if (other == nullptr) return refuse_shape("all inputs but the first must be weights");
        const bool per_channel = input > weight_at && *other == Shape{(*shape)[0]};
        if (input != weight_at && other->element_count() != 1 && !per_channel) {
            return refuse_shape(
                "scales and zero points have one value, those of the kernel may "
                "have one per output channel");
        }
    }
    return shape;
}

ShapeResult conv_integer_shape(const Inspection& at) {
    if (at.node.inputs.size() != 4) return refuse_shape("needs four inputs");
    return integer_convolution(at, 1, 4);
}

ShapeResult qlinear_conv_shape(const Inspection& at) {
    if (at.node.inputs.size() < 8) return refuse_shape("needs eight or nine inputs");
    return with_bias(at, 8, integer_convolution(at, 3, 8));
}

ShapeResult pool_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || at.node.inputs.size() != 1 || x->rank() < 2 || x->rank() > 4) {
        return refuse_shape("needs one value with rows [channels, ...] of one to three axes");
    }
    auto window = read_window(at.node, x->rank() - 1);
    if (!window) return refuse_shape(window.error());
    const bool dense = std::ranges::all_of(window->dilations, [](auto d) { return d == 1; });
    if (!dense && at.node.op != "MaxPool") {
        return refuse_shape("dilations other than 1 are supported in MaxPool only");
    }
    return windowed_shape(*window, *x, (*x)[0]);
}

ShapeResult normalisation_shape(const Inspection& at) {
    const Shape* x = at.value(0);
    if (x == nullptr || x->rank() < 1 || at.node.inputs.size() != 5) {
        return refuse_shape("needs a value, scale, shift, mean and variance");
    }
    for (std::size_t input = 1; input < 5; ++input) {
        const Shape* weight = at.weight(input);
        if (weight == nullptr || *weight != Shape{(*x)[0]}) {
            return refuse_shape("scale, shift, mean and variance must be weights of shape [" +
                                std::to_string((*x)[0]) + "]");
        }
    }
    if (!(at.node.real("epsilon", 1e-5F) > 0.F)) return refuse_shape("epsilon must be above 0");
    return *x;
}

constexpr std::array kRules = {
    ShapeRule{"AveragePool", pool_shape},
    ShapeRule{"BatchNormalization", normalisation_shape},
    ShapeRule{"Conv", conv_shape},
    ShapeRule{"ConvInteger", conv_integer_shape},
    ShapeRule{"ConvTranspose", transposed_shape},
    ShapeRule{"MaxPool", pool_shape},
    ShapeRule{"QLinearConv", qlinear_conv_shape},
};

}  // namespace

std::span<const ShapeRule> window_shape_rules() { return kRules; }

}  // namespace tamis::engine
