// Transposed convolution in one to three dimensions, by plain loops over a list of taps: the list
// of the convolution that leads from its result back to its source.
#include <algorithm>

#include "engine/emission.hpp"
#include "engine/window_taps.hpp"

namespace tamis::engine {

namespace {

struct Spread {
    WindowTaps taps;  // per position of the source: places in the result's plane
    std::size_t channels, filters, groups;
    bool with_bias;

    [[nodiscard]] std::size_t source_size() const { return channels * taps.positions(); }
    [[nodiscard]] std::size_t result_size() const { return filters * taps.input_size; }
    [[nodiscard]] std::size_t kernel_count() const {
        return channels * (filters / groups) * taps.kernel_size;
    }

    // Calls back with channel, filter and the first element of their kernel.
    template <class Call>
    void for_each_pair(const Call& call) const {
        const std::size_t per_group = filters / groups;
        for (std::size_t c = 0; c < channels; ++c) {
            const std::size_t first = c / (channels / groups) * per_group;
            for (std::size_t f = 0; f < per_group; ++f) {
                call(c, first + f, (c * per_group + f) * taps.kernel_size);
            }
        }
    }
};

// Buffers: source, kernel, bias, result.
void spread_row(const Spread& s, std::span<float* const> b, std::size_t row) {
    const float* source = b[0] + row * s.source_size();
    float* result = b[3] + row * s.result_size();
    for (std::size_t f = 0; f < s.filters; ++f) {
        std::fill_n(result + f * s.taps.input_size, s.taps.input_size, s.with_bias ? b[2][f] : 0.F);
    }
    s.for_each_pair([&](std::size_t c, std::size_t f, std::size_t kernel) {
        float* plane = result + f * s.taps.input_size;
        for (std::size_t p = 0; p < s.taps.positions(); ++p) {
            const float x = source[c * s.taps.positions() + p];
            for (const Tap& tap : s.taps.at(p)) plane[tap.input] += x * b[1][kernel + tap.kernel];
        }
    });
}

// Buffers: source, kernel, gradient of the result, gradients of source, kernel and bias.
void differentiate(const Spread& s, std::span<float* const> b, std::size_t rows) {
    std::fill_n(b[3], rows * s.source_size(), 0.F);
    std::fill_n(b[4], s.kernel_count(), 0.F);
    std::fill_n(b[5], s.filters, 0.F);
    for (std::size_t row = 0; row < rows; ++row) {
        const float* source = b[0] + row * s.source_size();
        const float* after = b[2] + row * s.result_size();
        float* before = b[3] + row * s.source_size();
        for (std::size_t f = 0; f < s.filters; ++f) {
            for (std::size_t i = 0; i < s.taps.input_size; ++i) {
                b[5][f] += after[f * s.taps.input_size + i];
            }
        }
        s.for_each_pair([&](std::size_t c, std::size_t f, std::size_t kernel) {
            const float* plane = after + f * s.taps.input_size;
            for (std::size_t p = 0; p < s.taps.positions(); ++p) {
                const std::size_t place = c * s.taps.positions() + p;
                for (const Tap& tap : s.taps.at(p)) {
                    before[place] += plane[tap.input] * b[1][kernel + tap.kernel];
                    b[4][kernel + tap.kernel] += plane[tap.input] * source[place];
                }
            }
        });
    }
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const TransposedConvolutionLayer& convolution) {
    const Shape& source = to.row_shape(layer.inputs[0]);
    const Shape& result = to.row_shape(layer.outputs[0]);
    auto taps = window_taps(convolution.window, result, source);
    if (!taps) throw EmissionError("layer " + layer.name + ": " + taps.error());
    const bool with_bias = !convolution.bias.empty();
    const auto spread = std::make_shared<const Spread>(Spread{
        std::move(*taps), static_cast<std::size_t>(source[0]), static_cast<std::size_t>(result[0]),
        static_cast<std::size_t>(convolution.groups), with_bias});
    const BufferId src = to.plain_source(layer.inputs[0], layer.name);
    const BufferId kernel = to.plain_parameter(convolution.kernel, layer.name);
    const BufferId bias = with_bias ? to.plain_parameter(convolution.bias, layer.name) : kernel;
    const BufferId dst = to.plain_destination(layer.outputs[0]);
    to.program().append(
        layer.name, "loop",
        [spread](std::span<float* const> b, std::size_t rows) {
            for (std::size_t row = 0; row < rows; ++row) spread_row(*spread, b, row);
        },
        {src, kernel, bias, dst}, ProgramBuilder::Rows::any);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &convolution, spread, src, kernel] {
        ProgramBuilder& program = to.program();
        const BufferId after = to.plain_gradient(layer.outputs[0], layer.name);
        const BufferId before = program.arena(to.desc(src));
        const BufferId of_kernel = program.arena(to.desc(kernel));
        const BufferId of_bias =
            program.arena(onednn::plain({static_cast<std::int64_t>(spread->filters)}));
        program.append(layer.name, "loop",
                       [spread](std::span<float* const> b, std::size_t rows) {
                           differentiate(*spread, b, rows);
                       },
                       {src, kernel, after, before, of_kernel, of_bias});
        to.add_parameter_gradient(convolution.kernel, to.weight_layout(convolution.kernel),
                                  of_kernel, layer.name);
        if (spread->with_bias) {
            to.add_parameter_gradient(convolution.bias, to.weight_layout(convolution.bias), of_bias,
                                      layer.name);
        }
        if (to.needs_gradient(layer.inputs[0])) to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
