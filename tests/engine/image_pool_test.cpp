// Pooling of images on its own, on every instruction set of this machine: against plain loops in
// double, and what a NaN does.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/convolution_kernels.hpp"
#include "engine/random.hpp"
#include "tests/engine/vector_units.hpp"

namespace tamis::engine {
namespace {

using Kind = ImagePoolPlan::Kind;
constexpr std::size_t kImages = 2;

std::size_t results_along(std::size_t extent, std::size_t pads, std::size_t kernel,
                          std::size_t stride) {
    return (extent + pads - kernel) / stride + 1;
}

struct Window {
    std::size_t kernel_height, kernel_width, stride_y, stride_x, pad_top, pad_left;
    std::size_t pad_bottom, pad_right;
};

ImagePoolPlan plan_of(Kind kind, const Window& window) {
    ImagePoolPlan plan;
    plan.kind = kind;
    plan.channels = 19;
    plan.height = 19;
    plan.width = 41;
    plan.kernel_height = window.kernel_height;
    plan.kernel_width = window.kernel_width;
    plan.stride_y = window.stride_y;
    plan.stride_x = window.stride_x;
    plan.pad_top = window.pad_top;
    plan.pad_left = window.pad_left;
    plan.out_height = results_along(plan.height, window.pad_top + window.pad_bottom,
                                    window.kernel_height, window.stride_y);
    plan.out_width = results_along(plan.width, window.pad_left + window.pad_right,
                                   window.kernel_width, window.stride_x);
    plan.destination = row_major_layout(plan.channels, plan.out_height, plan.out_width);
    return plan;
}

// Windows of a pixel, small and overlapping, a whole row and column, wider than any register.
constexpr Window kWindows[] = {{1, 1, 1, 1, 0, 0, 0, 0},   {2, 2, 2, 2, 0, 0, 0, 0},
                               {3, 2, 2, 1, 1, 1, 1, 0},   {3, 3, 1, 1, 1, 1, 1, 1},
                               {19, 1, 19, 1, 0, 0, 0, 0}, {1, 41, 1, 41, 0, 0, 0, 0},
                               {5, 37, 3, 2, 2, 9, 2, 3},  {2, 40, 1, 1, 0, 3, 1, 30}};
constexpr Kind kKinds[] = {Kind::max, Kind::average_of_inside, Kind::average_with_padding};

// Random images in the layout of the plan's source.
struct Images {
    Images(const ImagePoolPlan& plan, const VectorUnit& unit)
        : layout(plan.source), lanes(layout.blocked ? unit.lanes : 1) {
        for (std::size_t i = 0; i < kImages * layout.image; ++i) {
            values.push_back(random_normal(5, 2, i));
        }
    }

    float& at(std::size_t image, std::size_t channel, std::size_t y, std::size_t x) {
        return values[image * layout.image + channel / lanes * layout.channel + y * layout.row +
                      x * layout.pixel + channel % lanes];
    }

    ImageLayout layout;
    std::size_t lanes;
    FloatBuffer values;
};

// NaN where one is in the window.
double pooled(const ImagePoolPlan& plan, Images& images, std::size_t image, std::size_t channel,
              std::size_t y, std::size_t x) {
    double sum = 0;
    double most = -std::numeric_limits<double>::infinity();
    double inside = 0;
    for (std::size_t dy = 0; dy < plan.kernel_height; ++dy) {
        for (std::size_t dx = 0; dx < plan.kernel_width; ++dx) {
            const std::size_t row = y * plan.stride_y + dy;
            const std::size_t pixel = x * plan.stride_x + dx;
            if (row < plan.pad_top || row >= plan.height + plan.pad_top || pixel < plan.pad_left ||
                pixel >= plan.width + plan.pad_left) {
                continue;
            }
            const double value =
                images.at(image, channel, row - plan.pad_top, pixel - plan.pad_left);
            sum += value;
            most = std::max(most, value);
            ++inside;
        }
    }
    if (plan.kind == Kind::max) return std::isnan(sum) ? sum : most;
    const auto all = static_cast<double>(plan.kernel_height * plan.kernel_width);
    return sum / (plan.kind == Kind::average_of_inside ? inside : all);
}

// body(plan, unit) for every instruction set, kind, window and layout of the source.
template <class Body>
void on_every_plan(const Body& body) {
    test::on_every_vector_unit([&](const VectorUnit& unit) {
        for (const Kind kind : kKinds) {
            for (const Window& window : kWindows) {
                ImagePoolPlan plan = plan_of(kind, window);
                for (const bool blocked : {true, false}) {
                    SCOPED_TRACE(testing::Message()
                                 << "kind " << static_cast<int>(kind) << ", window "
                                 << window.kernel_height << "x" << window.kernel_width
                                 << (blocked ? ", blocked" : ", row-major"));
                    plan.source =
                        blocked ? blocked_layout(plan.channels, plan.height, plan.width, unit.lanes)
                                : row_major_layout(plan.channels, plan.height, plan.width);
                    body(plan, unit);
                }
            }
        }
    });
}

std::vector<float> run(const ImagePoolPlan& plan, const float* source, std::size_t images) {
    std::vector<float> result(images * plan.destination.image);
    image_pool_kernel()(plan, source, result.data(), images);
    return result;
}

TEST(ImagePool, agrees_with_plain_loops) {
    on_every_plan([](const ImagePoolPlan& plan, const VectorUnit& unit) {
        Images images(plan, unit);
        const std::vector<float> result = run(plan, images.values.data(), kImages);
        std::size_t i = 0;
        for (std::size_t image = 0; image < kImages; ++image) {
            for (std::size_t channel = 0; channel < plan.channels; ++channel) {
                for (std::size_t y = 0; y < plan.out_height; ++y) {
                    for (std::size_t x = 0; x < plan.out_width; ++x, ++i) {
                        ASSERT_NEAR(result[i], pooled(plan, images, image, channel, y, x), 2e-6)
                            << "channel " << channel << ", y " << y << ", x " << x;
                    }
                }
            }
        }
    });
}

TEST(ImagePool, gives_an_image_the_same_bits_alone) {
    on_every_plan([](const ImagePoolPlan& plan, const VectorUnit& unit) {
        Images images(plan, unit);
        const std::vector<float> both = run(plan, images.values.data(), kImages);
        const std::vector<float> last = run(plan, images.values.data() + plan.source.image, 1);
        EXPECT_EQ(std::memcmp(both.data() + plan.destination.image, last.data(),
                              last.size() * sizeof(float)),
                  0);
    });
}

// Else a row with a NaN would be scored as normal.
TEST(ImagePool, hands_on_a_nan_wherever_it_stands_in_a_window) {
    on_every_plan([](const ImagePoolPlan& plan, const VectorUnit& unit) {
        Images images(plan, unit);
        for (std::size_t x = 0; x < plan.width; x += 3) {
            images.at(0, 7, 8, x) = std::numeric_limits<float>::quiet_NaN();
            const std::vector<float> result = run(plan, images.values.data(), 1);
            const std::size_t plane = plan.out_height * plan.out_width;
            for (std::size_t i = 0; i < plane; ++i) {
                const bool spoilt =
                    std::isnan(pooled(plan, images, 0, 7, i / plan.out_width, i % plan.out_width));
                EXPECT_EQ(std::isnan(result[7 * plane + i]), spoilt) << "x " << x << ", " << i;
            }
            images.at(0, 7, 8, x) = 0.F;
        }
    });
}

}  // namespace
}  // namespace tamis::engine
