// Reference convolutions, pools and normalisation.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/reference_values.hpp"
#include "engine/window.hpp"

namespace tamis::engine::reference {

namespace {

// One place of the window that lies inside the input.
struct Place {
    std::size_t kernel = 0;  // offset in the kernel's plane
    std::size_t input = 0;   // offset in the input's plane
};

// The taps of every output position, in the order of the positions.
std::vector<std::vector<Place>> taps_of(const Window& window, const Axes& input_extent,
                                        const Axes& output_extent) {
    const Axes kernel(window.kernel.begin(), window.kernel.end());
    std::vector<std::vector<Place>> all;
    for_each_index(output_extent, [&](const Axes& position) {
        std::vector<Place>& taps = all.emplace_back();
        for_each_index(kernel, [&](const Axes& tap) {
            Axes place(tap.size());
            for (std::size_t axis = 0; axis < tap.size(); ++axis) {
                const std::int64_t at =
                    static_cast<std::int64_t>(position[axis]) * window.strides[axis] -
                    window.pads_begin[axis] +
                    static_cast<std::int64_t>(tap[axis]) * window.dilations[axis];
                if (at < 0 || at >= static_cast<std::int64_t>(input_extent[axis])) return;
                place[axis] = static_cast<std::size_t>(at);
            }
            taps.push_back({offset_of(tap, kernel), offset_of(place, input_extent)});
        });
    });
    return all;
}

Axes spatial_extents(const Shape& row) {
    return {row.dimensions().begin() + 1, row.dimensions().end()};
}

Values convolution(const Evaluation& at, const Node& node) {
    const Window window = *read_window(node, at.in(node).rank() - 1);
    const Axes in_space = spatial_extents(at.in(node));
    const auto taps = taps_of(window, in_space, spatial_extents(at.out(node)));
    const auto groups = static_cast<std::size_t>(node.integer("group", 1));
    const auto channels = static_cast<std::size_t>(at.in(node)[0]);
    const auto filters = static_cast<std::size_t>(at.out(node)[0]);
    const std::size_t per_group = channels / groups;
    const std::size_t kernel_size = product(Axes(window.kernel.begin(), window.kernel.end()));
    const std::size_t plane_size = product(in_space);
    const Values& x = at.value(node, 0);
    const FloatBuffer& kernel = at.weight(node, 1);
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for (std::size_t filter = 0; filter < filters; ++filter) {
            const std::size_t first = row * channels + filter / (filters / groups) * per_group;
            const double bias = node.inputs.size() > 2 ? at.weight(node, 2)[filter] : 0.0;
            for (const std::vector<Place>& position : taps) {
                double sum = bias;
                for (const Place& tap : position) {
                    for (std::size_t c = 0; c < per_group; ++c) {
                        sum += x[(first + c) * plane_size + tap.input] *
                               kernel[(filter * per_group + c) * kernel_size + tap.kernel];
                    }
                }
                y.push_back(sum);
            }
        }
    }
    return y;
}

Values pool(const Evaluation& at, const Node& node) {
    const Window window = *read_window(node, at.in(node).rank() - 1);
    const Axes in_space = spatial_extents(at.in(node));
    const auto taps = taps_of(window, in_space, spatial_extents(at.out(node)));
    const std::size_t planes = at.rows * static_cast<std::size_t>(at.in(node)[0]);
    const bool maximum = node.op == "MaxPool";
    const bool with_padding = node.integer("count_include_pad", 0) != 0;
    const std::size_t kernel_size = product(Axes(window.kernel.begin(), window.kernel.end()));
    const Values& x = at.value(node, 0);
    Values y;
    for (std::size_t plane = 0; plane < planes; ++plane) {
        for (const std::vector<Place>& position : taps) {
            double largest = -std::numeric_limits<double>::infinity();
            double sum = 0.0;
            for (const Place& tap : position) {
                const double value = x[plane * product(in_space) + tap.input];
                largest = std::max(largest, value);
                sum += value;
            }
            const std::size_t count = with_padding ? kernel_size : position.size();
            y.push_back(maximum ? largest : sum / static_cast<double>(count));
        }
    }
    return y;
}

Values normalisation(const Evaluation& at, const Node& node) {
    const Values& x = at.value(node, 0);
    const auto channels = static_cast<std::size_t>(at.in(node)[0]);
    const std::size_t space = at.in(node).element_count() / channels;
    const double epsilon = node.real("epsilon", 1e-5F);
    Values y(x.size());
    for (std::size_t c = 0; c < channels; ++c) {
        double mean = at.weight(node, 3)[c];
        double variance = at.weight(node, 4)[c];
        const auto place = [&](std::size_t i) {
            return (i / space * channels + c) * space + i % space;
        };
        const std::size_t count = at.rows * space;
        if (at.batch_statistics) {
            mean = variance = 0.0;
            for (std::size_t i = 0; i < count; ++i) mean += x[place(i)];
            mean /= static_cast<double>(count);
            for (std::size_t i = 0; i < count; ++i) variance += std::pow(x[place(i)] - mean, 2);
            variance /= static_cast<double>(count);
        }
        for (std::size_t i = 0; i < count; ++i) {
            y[place(i)] =
                (x[place(i)] - mean) / std::sqrt(variance + epsilon) * at.weight(node, 1)[c] +
                at.weight(node, 2)[c];
        }
    }
    return y;
}

// The scatter form of the definition: every source element times the kernel, added where it lands.
Values transposed_convolution(const Evaluation& at, const Node& node) {
    const Window window = *read_window(node, at.in(node).rank() - 1);
    const Axes in_space = spatial_extents(at.in(node));
    const Axes out_space = spatial_extents(at.out(node));
    const Axes kernel_extent(window.kernel.begin(), window.kernel.end());
    const auto channels = static_cast<std::size_t>(at.in(node)[0]);
    const auto filters = static_cast<std::size_t>(at.out(node)[0]);
    const auto groups = static_cast<std::size_t>(node.integer("group", 1));
    const std::size_t per_group = filters / groups;
    Values y(at.rows * filters * product(out_space));
    for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] = node.inputs.size() > 2 ? at.weight(node, 2)[i / product(out_space) % filters] : 0.F;
    }
    const auto land = [&](std::size_t row, std::size_t c, const Axes& from) {
        const double x =
            at.value(node, 0)[(row * channels + c) * product(in_space) + offset_of(from, in_space)];
        for_each_index(kernel_extent, [&](const Axes& tap) {
            Axes place(tap.size());
            for (std::size_t k = 0; k < tap.size(); ++k) {
                place[k] = from[k] * static_cast<std::size_t>(window.strides[k]) +
                           tap[k] * static_cast<std::size_t>(window.dilations[k]) -
                           static_cast<std::size_t>(window.pads_begin[k]);
                if (place[k] >= out_space[k]) return;  // also what wrapped below 0
            }
            for (std::size_t f = 0; f < per_group; ++f) {
                const std::size_t filter = c / (channels / groups) * per_group + f;
                y[(row * filters + filter) * product(out_space) + offset_of(place, out_space)] +=
                    x * at.weight(node, 1)[(c * per_group + f) * product(kernel_extent) +
                                           offset_of(tap, kernel_extent)];
            }
        });
    };
    for (std::size_t row = 0; row < at.rows; ++row) {
        for (std::size_t c = 0; c < channels; ++c) {
            for_each_index(in_space, [&](const Axes& from) { land(row, c, from); });
        }
    }
    return y;
}

}  // namespace

Results evaluate_window(const Evaluation& at, const Node& node) {
    if (node.op == "Conv") return {convolution(at, node)};
    if (node.op == "ConvTranspose") return {transposed_convolution(at, node)};
    if (node.op == "MaxPool" || node.op == "AveragePool") return {pool(at, node)};
    if (node.op == "BatchNormalization") return {normalisation(at, node)};
    return {};
}

}  // namespace tamis::engine::reference
