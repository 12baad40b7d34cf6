#include "engine/reference_network.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gsl/assert>
#include <limits>

#include "engine/recurrent_form.hpp"
#include "engine/recurrent_reference.hpp"
#include "engine/window.hpp"

namespace tamis::engine {

namespace {

using Values = std::vector<double>;

struct Evaluation {
    const Graph& graph;
    const ValueShapes& shapes;
    std::size_t rows;
    bool batch_statistics;
    std::map<std::string, Values> values;

    [[nodiscard]] const FloatBuffer& weight(const Node& node, std::size_t input) const {
        return graph.weights.at(node.inputs[input]).values;
    }
    [[nodiscard]] const Values& value(const Node& node, std::size_t input) const {
        return values.at(node.inputs[input]);
    }
    [[nodiscard]] const Shape& in(const Node& node) const { return shapes.at(node.inputs[0]); }
    [[nodiscard]] const Shape& out(const Node& node) const { return shapes.at(node.outputs[0]); }
};

using Axes = std::vector<std::size_t>;

Axes extents(const Shape& shape) { return {shape.dimensions().begin(), shape.dimensions().end()}; }

// Calls back with every index tuple of the extents, last axis fastest.
void for_each_index(const Axes& extent, const std::function<void(const Axes&)>& call) {
    Axes index(extent.size(), 0);
    std::size_t count = 1;
    for (const std::size_t length : extent) count *= length;
    for (std::size_t i = 0; i < count; ++i) {
        call(index);
        for (std::size_t axis = extent.size(); axis-- > 0;) {
            if (++index[axis] < extent[axis]) break;
            index[axis] = 0;
        }
    }
}

std::size_t offset_of(const Axes& index, const Axes& extent) {
    std::size_t offset = 0;
    for (std::size_t axis = 0; axis < extent.size(); ++axis) {
        offset = offset * extent[axis] + index[axis];
    }
    return offset;
}

Values dense(const Evaluation& at, const Node& node) {
    const Shape& kernel = at.graph.weights.at(node.inputs[1]).shape;
    const bool transposed = node.integer("transB", 0) != 0;
    const double alpha = node.real("alpha", 1.F);
    const double beta = node.real("beta", 1.F);
    const auto units = static_cast<std::size_t>(at.out(node)[0]);
    const auto ins = static_cast<std::size_t>(at.in(node)[0]);
    const auto columns = static_cast<std::size_t>(kernel[1]);
    const Values& x = at.value(node, 0);
    const FloatBuffer& weights = at.weight(node, 1);
    Values y(at.rows * units);
    for (std::size_t row = 0; row < at.rows; ++row) {
        for (std::size_t unit = 0; unit < units; ++unit) {
            double sum = 0.0;
            for (std::size_t k = 0; k < ins; ++k) {
                const std::size_t place = transposed ? unit * columns + k : k * columns + unit;
                sum += x[row * ins + k] * weights[place];
            }
            const double bias = node.inputs.size() > 2 ? at.weight(node, 2)[unit] : 0.0;
            y[row * units + unit] = alpha * sum + beta * bias;
        }
    }
    return y;
}

// One place of the window that lies inside the input.
struct Tap {
    std::size_t kernel = 0;  // offset in the kernel's plane
    std::size_t input = 0;   // offset in the input's plane
};

// The taps of every output position, in the order of the positions.
std::vector<std::vector<Tap>> taps_of(const Window& window, const Axes& input_extent,
                                      const Axes& output_extent) {
    const Axes kernel(window.kernel.begin(), window.kernel.end());
    std::vector<std::vector<Tap>> all;
    for_each_index(output_extent, [&](const Axes& position) {
        std::vector<Tap>& taps = all.emplace_back();
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

std::size_t product(const Axes& extent) {
    std::size_t count = 1;
    for (const std::size_t length : extent) count *= length;
    return count;
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
            for (const std::vector<Tap>& position : taps) {
                double sum = bias;
                for (const Tap& tap : position) {
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
        for (const std::vector<Tap>& position : taps) {
            double largest = -std::numeric_limits<double>::infinity();
            double sum = 0.0;
            for (const Tap& tap : position) {
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

Values arithmetic(const Evaluation& at, const Node& node) {
    const Axes out = extents(at.out(node));
    // One side at an index of the result: repeated where it is shorter.
    const auto side = [&](std::size_t input, std::size_t row, const Axes& index) {
        const auto weight = at.graph.weights.find(node.inputs[input]);
        const bool is_weight = weight != at.graph.weights.end();
        const Axes own =
            extents(is_weight ? weight->second.shape : at.shapes.at(node.inputs[input]));
        Axes place(own.size());
        for (std::size_t axis = 0; axis < own.size(); ++axis) {
            place[axis] = own[axis] == 1 ? 0 : index[axis + index.size() - own.size()];
        }
        const std::size_t offset = offset_of(place, own);
        return is_weight ? static_cast<double>(weight->second.values[offset])
                         : at.value(node, input)[row * product(own) + offset];
    };
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(out, [&](const Axes& index) {
            const double left = side(0, row, index);
            const double right = side(1, row, index);
            y.push_back(node.op == "Add" ? left + right : left * right);
        });
    }
    return y;
}

Values softmax(const Evaluation& at, const Node& node) {
    const Values& x = at.value(node, 0);
    const Axes extent = extents(at.in(node));
    const auto axis = static_cast<std::size_t>(node.integer("axis", 1) - 1);
    std::size_t stride = 1;
    for (std::size_t k = axis + 1; k < extent.size(); ++k) stride *= extent[k];
    Values y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t first = i - i / stride % extent[axis] * stride;
        double largest = x[first];
        for (std::size_t k = 0; k < extent[axis]; ++k) {
            largest = std::max(largest, x[first + k * stride]);
        }
        double sum = 0.0;
        for (std::size_t k = 0; k < extent[axis]; ++k) {
            sum += std::exp(x[first + k * stride] - largest);
        }
        y[i] = std::exp(x[i] - largest) / sum;
    }
    return y;
}

Values concat(const Evaluation& at, const Node& node) {
    const auto axis = static_cast<std::size_t>(node.integer("axis", 1) - 1);
    const Axes out = extents(at.out(node));
    std::size_t outer = at.rows;
    for (std::size_t k = 0; k < axis; ++k) outer *= out[k];
    Values y;
    for (std::size_t block = 0; block < outer; ++block) {
        for (std::size_t input = 0; input < node.inputs.size(); ++input) {
            const Values& part = at.value(node, input);
            const std::size_t length = part.size() / outer;
            const auto first = part.begin() + static_cast<std::ptrdiff_t>(block * length);
            y.insert(y.end(), first, first + static_cast<std::ptrdiff_t>(length));
        }
    }
    return y;
}

Values transpose(const Evaluation& at, const Node& node) {
    const std::vector<std::int64_t> perm = node.integers("perm");
    const Axes in = extents(at.in(node));
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(extents(at.out(node)), [&](const Axes& index) {
            Axes place(in.size());
            for (std::size_t k = 0; k < index.size(); ++k) {
                place[static_cast<std::size_t>(perm[k + 1] - 1)] = index[k];
            }
            y.push_back(at.value(node, 0)[row * product(in) + offset_of(place, in)]);
        });
    }
    return y;
}

double activated(const Node& node, double x) {
    if (node.op == "Relu") return std::max(x, 0.0);
    if (node.op == "LeakyRelu") return x >= 0.0 ? x : x * node.real("alpha", 0.01F);
    if (node.op == "Tanh") return std::tanh(x);
    if (node.op == "Sigmoid") return 1.0 / (1.0 + std::exp(-x));
    return x;  // Flatten, Reshape, Identity, Dropout: the same values in the same order
}

Values evaluate_node(const Evaluation& at, const Node& node) {
    if (node.op == "Gemm" || node.op == "MatMul") return dense(at, node);
    if (node.op == "Conv") return convolution(at, node);
    if (node.op == "MaxPool" || node.op == "AveragePool") return pool(at, node);
    if (node.op == "BatchNormalization") return normalisation(at, node);
    if (node.op == "Add" || node.op == "Mul") return arithmetic(at, node);
    if (node.op == "Softmax") return softmax(at, node);
    if (node.op == "Concat") return concat(at, node);
    if (node.op == "Transpose") return transpose(at, node);
    Values y = at.value(node, 0);
    for (double& value : y) value = activated(node, value);
    return y;
}

}  // namespace

tl::expected<std::vector<std::vector<double>>, std::string> evaluate_reference(
    const Graph& graph, std::size_t rows, std::span<const std::vector<double>> inputs,
    const ReferenceOptions& options) {
    auto shapes = check_graph(graph);
    if (!shapes) return tl::unexpected(shapes.error());
    Evaluation evaluation{graph, *shapes, rows, options.batch_statistics, {}};
    if (inputs.size() != graph.inputs.size()) {
        return tl::unexpected("the network has " + std::to_string(graph.inputs.size()) +
                              " inputs; " + std::to_string(inputs.size()) + " were given");
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i].size() != rows * graph.inputs[i].row_shape.element_count()) {
            return tl::unexpected("input \"" + graph.inputs[i].name +
                                  "\" has the wrong number of values; it needs rows of shape " +
                                  graph.inputs[i].row_shape.text());
        }
        evaluation.values[graph.inputs[i].name] = inputs[i];
    }
    for (const Node& node : graph.nodes) {
        if (is_recurrent(node)) {
            auto outputs = evaluate_recurrence(graph, node, evaluation.value(node, 0),
                                               shapes->at(node.inputs[0]));
            for (std::size_t i = 0; i < outputs.size(); ++i) {
                evaluation.values[node.outputs[i]] = std::move(outputs[i]);
            }
            continue;
        }
        evaluation.values[node.outputs[0]] = evaluate_node(evaluation, node);
    }
    std::vector<std::vector<double>> outputs;
    for (const std::string& output : graph.outputs) {
        outputs.push_back(evaluation.values.at(output));
    }
    return outputs;
}

}  // namespace tamis::engine
