// Convolution as it is written down, for images of few channels: the image is copied into a
// padded one, then a row of pixels times a group of filter blocks is summed in registers.
#include <cstring>

#include "engine/convolution_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/direct_convolution_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "engine/convolution_store.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

// The padded copy of an image.
struct Padded {
    explicit Padded(const ConvolutionGeometry& geometry)
        : row(geometry.out_width + geometry.kernel_width - 1),
          plane(row * (geometry.out_height + geometry.kernel_height - 1)) {}
    std::size_t row;
    std::size_t plane;
};

void stage_padded(const ConvolutionPlan& plan, const float* image, float* staged) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const Padded padded(geometry);
    std::memset(staged, 0, geometry.channels * padded.plane * sizeof(float));
    const std::size_t lanes = plan.source.blocked ? kLanes : 1;
    for (std::size_t c = 0; c < geometry.channels; ++c) {
        const float* channel = image + c / lanes * plan.source.channel + c % lanes;
        for (std::size_t y = 0; y < geometry.height; ++y) {
            const float* from = channel + y * plan.source.row;
            float* to =
                staged + c * padded.plane + (y + geometry.pad_top) * padded.row + geometry.pad_left;
            if (plan.source.pixel == 1) {
                for (std::size_t x = 0; x < geometry.width; ++x) to[x] = from[x];
            } else {
                for (std::size_t x = 0; x < geometry.width; ++x)
                    to[x] = from[x * plan.source.pixel];
            }
        }
    }
}

// Where finished pixels of a group of filter blocks go: side by side, blocks apart.
struct RowPlace {
    float* pixels;
    std::size_t block;
};

// kPixels neighbours of a row: bias and the sum over channels and taps, in their order; activation,
// scale and shift. tail: of the group's first block.
template <std::size_t kPixels, std::size_t kBlocks>
void sum_pixels(const ConvolutionPlan& plan, const float* padded, const float* weights,
                const float* tail, const RowPlace& place) {
    const Tag tag;
    const ConvolutionGeometry& geometry = plan.geometry;
    const Padded size(geometry);
    Vector totals[kPixels][kBlocks];
    for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
        for (std::size_t block = 0; block < kBlocks; ++block) {
            totals[pixel][block] = hn::Load(tag, tail + block * kLanes);
        }
    }
    // There is at least one of each: loops that know it keep the sums in registers.
    std::size_t channels = geometry.channels;
    do {
        const float* row = padded;
        std::size_t rows = geometry.kernel_height;
        do {
            const float* const end = row + geometry.kernel_width;
            do {
                // Each pixel is read again with the next tap: seen by the compiler, it is kept and
                // broadcast by the unit that multiplies (a third slower), not by the load.
                asm("" : "+r"(row));  // NOLINT
                add_products<1>(row, weights, totals);
                weights += kBlocks * kLanes;
            } while (++row != end);
            row += size.row - geometry.kernel_width;
        } while (--rows != 0);
        padded += size.plane;
    } while (--channels != 0);
    const Vector slope = hn::Set(tag, plan.tail.slope);
    const std::size_t values = plan.filter_blocks() * kLanes;
    for (std::size_t block = 0; block < kBlocks; ++block) {
        float* out = place.pixels + block * place.block;
        const Vector scale = hn::Load(tag, tail + values + block * kLanes);
        const Vector shift = hn::Load(tag, tail + 2 * values + block * kLanes);
        for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
            Vector value = totals[pixel][block];
            value = hn::Max(hn::Mul(value, slope), value);
            if (plan.tail.affine) value = hn::MulAdd(value, scale, shift);
            hn::Store(value, tag, out + pixel * kLanes);
        }
    }
}

using SumPixels = void (*)(const ConvolutionPlan&, const float*, const float*, const float*,
                           const RowPlace&);

constexpr SumPixels kSumPixels1[] = {
    sum_pixels<1, 1>,  sum_pixels<2, 1>,  sum_pixels<3, 1>,  sum_pixels<4, 1>,
    sum_pixels<5, 1>,  sum_pixels<6, 1>,  sum_pixels<7, 1>,  sum_pixels<8, 1>,
    sum_pixels<9, 1>,  sum_pixels<10, 1>, sum_pixels<11, 1>, sum_pixels<12, 1>,
    sum_pixels<13, 1>, sum_pixels<14, 1>, sum_pixels<15, 1>, sum_pixels<16, 1>};
constexpr SumPixels kSumPixels2[] = {sum_pixels<1, 2>,  sum_pixels<2, 2>,  sum_pixels<3, 2>,
                                     sum_pixels<4, 2>,  sum_pixels<5, 2>,  sum_pixels<6, 2>,
                                     sum_pixels<7, 2>,  sum_pixels<8, 2>,  sum_pixels<9, 2>,
                                     sum_pixels<10, 2>, sum_pixels<11, 2>, sum_pixels<12, 2>};
constexpr SumPixels kSumPixels4[] = {sum_pixels<1, 4>, sum_pixels<2, 4>, sum_pixels<3, 4>,
                                     sum_pixels<4, 4>, sum_pixels<5, 4>, sum_pixels<6, 4>};

struct SumPixelsTable {
    const SumPixels* by_pixels;  // for 1, 2, ... pixels
    std::size_t most_pixels;     // as many as registers hold sums of
};

SumPixelsTable table_for(std::size_t blocks) {
    if (blocks == 4) return {kSumPixels4, 6};
    if (blocks == 2) return {kSumPixels2, std::size_t{kManyRegisters ? 12 : 6}};
    return {kSumPixels1, std::size_t{kManyRegisters ? 16 : 12}};
}

// A group of filter blocks, and where the call's image and weights for it are.
struct Group {
    std::size_t first;
    std::size_t blocks;
    const float* padded;
    const float* weights;
    const float* tail;
};

// One row of the image.
void sum_row(const ConvolutionPlan& plan, const Group& group, std::size_t y, RowPlace place) {
    const SumPixelsTable table = table_for(group.blocks);
    const std::size_t width = plan.geometry.out_width;
    const float* padded = group.padded + y * Padded(plan.geometry).row;
    std::size_t parts = (width + table.most_pixels - 1) / table.most_pixels;
    for (std::size_t x = 0; x < width; --parts) {
        const std::size_t pixels = (width - x) / parts;
        table.by_pixels[pixels - 1](plan, padded + x, group.weights, group.tail, place);
        place.pixels += pixels * kLanes;
        x += pixels;
    }
}

Vector pooled(ConvolutionTail::Pool pool, const float* above, const float* below) {
    const Tag tag;
    const Vector a = hn::Load(tag, above);
    const Vector b = hn::Load(tag, above + kLanes);
    const Vector c = hn::Load(tag, below);
    const Vector d = hn::Load(tag, below + kLanes);
    if (pool == ConvolutionTail::Pool::max) return largest(largest(a, b), largest(c, d));
    return hn::Mul(hn::Add(hn::Add(a, b), hn::Add(c, d)), hn::Set(tag, 0.25F));
}

// rows: one finished row, or two where they are pooled, of each block of the group.
void store_rows(const ConvolutionPlan& plan, const Group& group, std::size_t y, const float* rows,
                float* image) {
    const ConvolutionTail::Pool pool = plan.tail.pool;
    const std::size_t width = plan.geometry.out_width;
    const std::size_t step = pool == ConvolutionTail::Pool::none ? 1 : 2;
    for (std::size_t block = 0; block < group.blocks; ++block) {
        const float* above = rows + block * width * kLanes;
        const float* below = above + group.blocks * width * kLanes;
        for (std::size_t x = 0; x + step <= width; x += step) {
            const Vector value = step == 1 ? hn::Load(Tag(), above + x * kLanes)
                                           : pooled(pool, above + x * kLanes, below + x * kLanes);
            store_pixel(plan.destination, image, plan.geometry.filters, group.first + block,
                        y / step * plan.destination.row + x / step * plan.destination.pixel, value);
        }
    }
}

void convolve_group(const ConvolutionPlan& plan, const Group& group, float* rows, float* image) {
    const ImageLayout& layout = plan.destination;
    const std::size_t height = plan.geometry.out_height;
    const std::size_t block_floats = plan.geometry.out_width * kLanes;
    if (plan.tail.pool != ConvolutionTail::Pool::none) {
        for (std::size_t y = 0; y + 2 <= height; y += 2) {
            sum_row(plan, group, y, {rows, block_floats});
            sum_row(plan, group, y + 1, {rows + group.blocks * block_floats, block_floats});
            store_rows(plan, group, y, rows, image);
        }
    } else if (layout.blocked) {
        float* first = image + group.first * layout.channel;
        for (std::size_t y = 0; y < height; ++y) {
            sum_row(plan, group, y, {first + y * layout.row, layout.channel});
        }
    } else {
        for (std::size_t y = 0; y < height; ++y) {
            sum_row(plan, group, y, {rows, block_floats});
            store_rows(plan, group, y, rows, image);
        }
    }
}

void direct(const ConvolutionPlan& plan, const ConvolutionBuffers& at, std::size_t images) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const std::size_t taps = geometry.channels * geometry.kernel_height * geometry.kernel_width;
    for (std::size_t image = 0; image < images; ++image) {
        stage_padded(plan, at.source + image * plan.source.image, at.scratch);
        Group group{0, 0, at.scratch, at.weights, at.tail};
        while (group.first < plan.filter_blocks()) {
            group.blocks = plan.group(plan.filter_blocks() - group.first);
            convolve_group(plan, group, at.scratch + plan.staged,
                           at.destination + image * plan.destination.image);
            group.first += group.blocks;
            group.weights += taps * group.blocks * kLanes;
            group.tail += group.blocks * kLanes;
        }
    }
}

ConvolutionKernel choose_direct() { return direct; }

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {
HWY_EXPORT(choose_direct);

ConvolutionKernel direct_convolution_kernel() { return HWY_DYNAMIC_DISPATCH(choose_direct)(); }

}  // namespace tamis::engine
#endif
