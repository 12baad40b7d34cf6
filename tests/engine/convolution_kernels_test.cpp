// Our convolution kernels on their own, on every instruction set of this machine: against the
// reference evaluation over random shapes, and a row's bits wherever the row is.
#include "engine/convolution_kernels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/convolution_weights.hpp"
#include "engine/random.hpp"
#include "engine/reference_network.hpp"
#include "tests/engine/vector_units.hpp"

namespace tamis::engine {
namespace {

using test::on_every_vector_unit;

struct Case {
    std::string name;
    ConvolutionGeometry geometry;
    ConvolutionTail tail;
    bool blocked_source = false;
    bool blocked_destination = false;
    std::size_t pad_bottom = 0, pad_right = 0;
};

std::size_t drawn(std::size_t& counter, std::size_t first, std::size_t last) {
    const double place = random_uniform(0x3a, 7, counter++);
    return first + static_cast<std::size_t>(place * static_cast<double>(last - first + 1));
}

Case random_case(std::size_t index, bool winograd) {
    std::size_t counter = index * 100;
    Case drawn_case;
    ConvolutionGeometry& geometry = drawn_case.geometry;
    geometry.channels = drawn(counter, 1, winograd ? 70 : 24);
    geometry.filters = drawn(counter, 1, 70);
    geometry.kernel_height = drawn(counter, winograd ? 3 : 1, 5);
    geometry.kernel_width = winograd ? geometry.kernel_height : drawn(counter, 1, 5);
    const std::size_t most_y = std::min<std::size_t>(2, geometry.kernel_height - 1);
    const std::size_t most_x = std::min<std::size_t>(2, geometry.kernel_width - 1);
    geometry.pad_top = drawn(counter, 0, most_y);
    geometry.pad_left = drawn(counter, 0, most_x);
    drawn_case.pad_bottom = drawn(counter, 0, most_y);
    drawn_case.pad_right = drawn(counter, 0, most_x);
    const auto extent = [&](std::size_t kernel, std::size_t pads) {
        return std::max(drawn(counter, 1, index % 6 == 0 ? 40 : 14),
                        kernel > pads ? kernel - pads : 1);
    };
    geometry.height = extent(geometry.kernel_height, geometry.pad_top + drawn_case.pad_bottom);
    geometry.width = extent(geometry.kernel_width, geometry.pad_left + drawn_case.pad_right);
    geometry.out_height =
        geometry.height + geometry.pad_top + drawn_case.pad_bottom + 1 - geometry.kernel_height;
    geometry.out_width =
        geometry.width + geometry.pad_left + drawn_case.pad_right + 1 - geometry.kernel_width;
    drawn_case.tail.slope = std::array{1.F, 0.F, 0.25F}[drawn(counter, 0, 2)];
    drawn_case.tail.affine = drawn(counter, 0, 1) == 1;
    const bool may_pool = geometry.out_height > 1 && geometry.out_width > 1 &&
                          (!winograd || winograd_pools(geometry));
    if (may_pool) {
        using Pool = ConvolutionTail::Pool;
        drawn_case.tail.pool =
            std::array{Pool::none, Pool::max, Pool::average}[drawn(counter, 0, 2)];
    }
    drawn_case.blocked_source = drawn(counter, 0, 1) == 1;
    drawn_case.blocked_destination = drawn(counter, 0, 1) == 1;
    drawn_case.name = std::to_string(geometry.channels) + " channels " +
                      std::to_string(geometry.height) + "x" + std::to_string(geometry.width) +
                      " to " + std::to_string(geometry.filters) + ", kernel " +
                      std::to_string(geometry.kernel_height) + "x" +
                      std::to_string(geometry.kernel_width) + ", case " + std::to_string(index);
    return drawn_case;
}

// The same layers as a graph; slope 1 stands for no activation.
Graph graph_of(const Case& drawn_case) {
    const ConvolutionGeometry& g = drawn_case.geometry;
    const auto number = [](std::size_t value) { return static_cast<std::int64_t>(value); };
    Graph graph;
    graph.name = drawn_case.name;
    graph.inputs = {{"x", Shape{number(g.channels), number(g.height), number(g.width)}}};
    const auto weight = [&](const std::string& name, Shape shape, bool positive = false) {
        Tensor tensor(std::move(shape));
        for (std::size_t i = 0; i < tensor.values.size(); ++i) {
            const float value = random_normal(9, stream_of(name.c_str()), i);
            tensor.values[i] = positive ? std::abs(value) + 0.25F : value;
        }
        graph.weights[name] = std::move(tensor);
        return name;
    };
    const Shape per_filter{number(g.filters)};
    graph.nodes.push_back(
        {"convolution",
         "Conv",
         {"x",
          weight("kernel", Shape{number(g.filters), number(g.channels), number(g.kernel_height),
                                 number(g.kernel_width)}),
          weight("bias", per_filter)},
         {"sums"},
         {{"kernel_shape", std::vector{number(g.kernel_height), number(g.kernel_width)}},
          {"strides", std::vector<std::int64_t>{1, 1}},
          {"dilations", std::vector<std::int64_t>{1, 1}},
          {"group", std::int64_t{1}},
          {"pads", std::vector{number(g.pad_top), number(g.pad_left), number(drawn_case.pad_bottom),
                               number(drawn_case.pad_right)}}}});
    graph.nodes.push_back(
        {"activation", "LeakyRelu", {"sums"}, {"active"}, {{"alpha", drawn_case.tail.slope}}});
    std::string last = "active";
    if (drawn_case.tail.affine) {
        graph.nodes.push_back({"normalisation",
                               "BatchNormalization",
                               {"active", weight("scale", per_filter), weight("shift", per_filter),
                                weight("mean", per_filter), weight("variance", per_filter, true)},
                               {"normal"},
                               {{"epsilon", 1e-3F}}});
        last = "normal";
    }
    if (drawn_case.tail.pool != ConvolutionTail::Pool::none) {
        const bool max = drawn_case.tail.pool == ConvolutionTail::Pool::max;
        graph.nodes.push_back({"pool",
                               max ? "MaxPool" : "AveragePool",
                               {last},
                               {"pooled"},
                               {{"kernel_shape", std::vector<std::int64_t>{2, 2}},
                                {"strides", std::vector<std::int64_t>{2, 2}},
                                {"dilations", std::vector<std::int64_t>{1, 1}},
                                {"pads", std::vector<std::int64_t>{0, 0, 0, 0}}}});
        last = "pooled";
    }
    graph.outputs = {last};
    return graph;
}

// A kernel with everything it needs, and row-major images in and out.
class Convolution {
 public:
    Convolution(const Case& drawn_case, const Graph& graph, const VectorUnit& unit, bool winograd,
                std::size_t most_images)
        : case_(drawn_case), lanes_(unit.lanes) {
        const ConvolutionGeometry& g = case_.geometry;
        const std::size_t shrunk = case_.tail.pool == ConvolutionTail::Pool::none ? 1 : 2;
        out_height_ = g.out_height / shrunk;
        out_width_ = g.out_width / shrunk;
        const ImageLayout source = case_.blocked_source
                                       ? blocked_layout(g.channels, g.height, g.width, lanes_)
                                       : row_major_layout(g.channels, g.height, g.width);
        const ImageLayout destination =
            case_.blocked_destination ? blocked_layout(g.filters, out_height_, out_width_, lanes_)
                                      : row_major_layout(g.filters, out_height_, out_width_);
        plan_ = winograd ? plan_winograd(g, case_.tail, source, destination, unit, most_images)
                         : plan_direct(g, case_.tail, source, destination, unit);
        const auto& kernel = graph.weights.at("kernel").values;
        if (winograd) taps_ = winograd_taps(plan_, kernel);
        weights_ = winograd ? winograd_weights(plan_, taps_) : direct_weights(plan_, kernel);
        TailValues values{graph.weights.at("bias").values, {}, {}};
        std::vector<double> scale;
        std::vector<double> shift;
        for (std::size_t k = 0; case_.tail.affine && k < g.filters; ++k) {
            const auto value = [&](const char* name) {
                return static_cast<double>(graph.weights.at(name).values[k]);
            };
            scale.push_back(value("scale") / std::sqrt(value("variance") + 1e-3F));
            shift.push_back(value("shift") - value("mean") * scale.back());
        }
        values.scale = scale;
        values.shift = shift;
        tail_ = tail_values(plan_, values);
        kernel_ = winograd ? winograd_kernel() : direct_convolution_kernel();
        scratch_.assign(plan_.scratch_floats(), std::numeric_limits<float>::quiet_NaN());
    }

    [[nodiscard]] std::size_t input_size() const {
        return case_.geometry.channels * case_.geometry.height * case_.geometry.width;
    }
    [[nodiscard]] std::size_t output_size() const {
        return case_.geometry.filters * out_height_ * out_width_;
    }

    std::vector<float> operator()(std::span<const float> images, std::size_t count) {
        const ConvolutionGeometry& g = case_.geometry;
        FloatBuffer source(count * plan_.source.image);
        const ImageLayout row_major = row_major_layout(g.channels, g.height, g.width);
        const auto each = [&](std::size_t channels, std::size_t height, std::size_t width,
                              const auto& body) {
            for (std::size_t image = 0; image < count; ++image) {
                for (std::size_t c = 0; c < channels; ++c) {
                    for (std::size_t y = 0; y < height; ++y) {
                        for (std::size_t x = 0; x < width; ++x) body(image, c, y, x);
                    }
                }
            }
        };
        const auto at = [&](const ImageLayout& layout, std::size_t image, std::size_t c,
                            std::size_t y, std::size_t x) {
            const std::size_t channel =
                layout.blocked ? c / lanes_ * layout.channel + c % lanes_ : c * layout.channel;
            return image * layout.image + channel + y * layout.row + x * layout.pixel;
        };
        each(g.channels, g.height, g.width, [&](auto image, auto c, auto y, auto x) {
            source[at(plan_.source, image, c, y, x)] = images[at(row_major, image, c, y, x)];
        });
        FloatBuffer destination(count * plan_.destination.image,
                                std::numeric_limits<float>::quiet_NaN());
        kernel_(plan_,
                {source.data(), destination.data(), scratch_.data(), weights_.data(), taps_.data(),
                 tail_.data(), weights_},
                count);
        const ImageLayout result = row_major_layout(g.filters, out_height_, out_width_);
        std::vector<float> out(count * output_size());
        each(g.filters, out_height_, out_width_, [&](auto image, auto c, auto y, auto x) {
            out[at(result, image, c, y, x)] = destination[at(plan_.destination, image, c, y, x)];
        });
        return out;
    }

 private:
    Case case_;
    std::size_t lanes_;
    std::size_t out_height_ = 0;
    std::size_t out_width_ = 0;
    ConvolutionPlan plan_;
    ConvolutionKernel kernel_ = nullptr;
    FloatBuffer weights_, taps_, tail_, scratch_;
};

std::vector<float> random_images(std::size_t count) {
    std::vector<float> images(count);
    for (std::size_t i = 0; i < count; ++i) images[i] = random_normal(5, 2, i);
    return images;
}

void agrees_with_the_reference(bool winograd, double limit) {
    constexpr std::size_t kImages = 3;
    double worst = 0;
    for (std::size_t index = 0; index < 60; ++index) {
        const Case drawn_case = random_case(index, winograd);
        SCOPED_TRACE(drawn_case.name);
        const Graph graph = graph_of(drawn_case);
        const std::vector<float> images =
            random_images(kImages * graph.inputs[0].row_shape.element_count());
        const std::vector<std::vector<double>> inputs = {{images.begin(), images.end()}};
        const auto expected = evaluate_reference(graph, kImages, inputs);
        ASSERT_TRUE(expected.has_value()) << expected.error();
        double largest = 0;
        for (const double value : (*expected)[0]) largest = std::max(largest, std::abs(value));
        on_every_vector_unit([&](const VectorUnit& unit) {
            Convolution convolution(drawn_case, graph, unit, winograd, kImages);
            const std::vector<float> ours = convolution(images, kImages);
            for (std::size_t i = 0; i < ours.size(); ++i) {
                const double off = std::abs(ours[i] - (*expected)[0][i]) / largest;
                ASSERT_LT(off, limit) << "value " << i;
                worst = std::max(worst, off);
            }
        });
    }
    std::cout << "at most " << worst << " of the largest value\n";
}

TEST(ConvolutionKernels, winograd_agrees_with_the_reference_over_random_shapes) {
    agrees_with_the_reference(true, 1e-4);
}

TEST(ConvolutionKernels, direct_agrees_with_the_reference_over_random_shapes) {
    agrees_with_the_reference(false, 1e-5);
}

// An image alone, and the same image in calls of any size at any place.
void gives_an_image_the_same_bits(bool winograd) {
    on_every_vector_unit([&](const VectorUnit& unit) {
        for (std::size_t index = 0; index < 8; ++index) {
            const Case drawn_case = random_case(index * 7 + 1, winograd);
            SCOPED_TRACE(drawn_case.name);
            const Graph graph = graph_of(drawn_case);
            constexpr std::size_t kImages = 67;
            Convolution convolution(drawn_case, graph, unit, winograd, kImages);
            const std::vector<float> images = random_images(kImages * convolution.input_size());
            const std::size_t in = convolution.input_size();
            const std::size_t out = convolution.output_size();
            std::vector<float> alone;
            for (std::size_t image = 0; image < kImages; ++image) {
                const auto one = convolution(std::span(images).subspan(image * in, in), 1);
                alone.insert(alone.end(), one.begin(), one.end());
            }
            for (const std::size_t count : {2, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64, 67}) {
                const std::size_t first = kImages - count;
                const auto many =
                    convolution(std::span(images).subspan(first * in, count * in), count);
                ASSERT_EQ(std::memcmp(many.data(), alone.data() + first * out,
                                      many.size() * sizeof(float)),
                          0)
                    << count << " images";
            }
        }
    });
}

TEST(ConvolutionKernels, winograd_gives_an_image_the_same_bits_in_every_call) {
    gives_an_image_the_same_bits(true);
}

TEST(ConvolutionKernels, direct_gives_an_image_the_same_bits_in_every_call) {
    gives_an_image_the_same_bits(false);
}

// Every third image is spoilt; its neighbours keep their bits, it does not become a number.
void keeps_nan_to_its_image(bool winograd) {
    on_every_vector_unit([&](const VectorUnit& unit) {
        for (std::size_t index = 0; index < 12; ++index) {
            const Case drawn_case = random_case(index * 5 + 3, winograd);
            SCOPED_TRACE(drawn_case.name);
            const Graph graph = graph_of(drawn_case);
            constexpr std::size_t kImages = 10;
            Convolution convolution(drawn_case, graph, unit, winograd, kImages);
            const std::size_t in = convolution.input_size();
            const std::size_t out = convolution.output_size();
            std::vector<float> images = random_images(kImages * in);
            const auto clean = convolution(images, kImages);
            for (std::size_t image = 0; image < kImages; image += 3) {
                for (std::size_t i = 0; i < in; ++i) {
                    images[image * in + i] = i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                                                        : std::numeric_limits<float>::infinity();
                }
            }
            const auto spoilt = convolution(images, kImages);
            for (std::size_t image = 0; image < kImages; ++image) {
                if (image % 3 != 0) {
                    EXPECT_EQ(std::memcmp(spoilt.data() + image * out, clean.data() + image * out,
                                          out * sizeof(float)),
                              0)
                        << image;
                }
            }
        }
    });
}

TEST(ConvolutionKernels, winograd_keeps_nan_to_its_image) { keeps_nan_to_its_image(true); }

TEST(ConvolutionKernels, direct_keeps_nan_to_its_image) { keeps_nan_to_its_image(false); }

}  // namespace
}  // namespace tamis::engine
