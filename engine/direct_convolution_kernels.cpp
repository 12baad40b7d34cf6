// Convolution as it is written down, for images of few channels: the image is copied into a
// padded one, then a row of pixels times a group of filter blocks is summed in registers.
#include <cstring>
#include <span>

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

// Sums of kPixels neighbours of kRows rows, by block of filters.
template <std::size_t kRows, std::size_t kPixels, std::size_t kBlocks>
using Sums = Vector[kRows][kPixels][kBlocks];

template <std::size_t kRows, std::size_t kPixels, std::size_t kBlocks>
HWY_INLINE void clear(Sums<kRows, kPixels, kBlocks>& sums) {
    for (auto& row : sums) {
        for (auto& pixel : row) {
            for (Vector& sum : pixel) sum = hn::Zero(Tag());
        }
    }
}

// One tap of one channel. row: floats from row to row.
template <std::size_t kRows, std::size_t kPixels, std::size_t kBlocks>
HWY_INLINE void add_tap(const float* pixels, std::size_t row, const float* weights,
                        Sums<kRows, kPixels, kBlocks>& sums) {
    for (std::size_t i = 0; i < kRows; ++i) add_products<1>(pixels + i * row, weights, sums[i]);
}

// Over channels and taps, in their order.
template <std::size_t kRows, std::size_t kPixels, std::size_t kBlocks>
HWY_INLINE void sum_pixels(const ConvolutionGeometry& geometry, const float* padded,
                           const float* weights, Sums<kRows, kPixels, kBlocks>& sums) {
    const Padded size(geometry);
    clear<kRows, kPixels, kBlocks>(sums);
    // There is at least one of each: loops that know it keep the sums in registers.
    std::size_t channels = geometry.channels;
    do {
        const float* line = padded;
        std::size_t lines = geometry.kernel_height;
        do {
            const float* const end = line + geometry.kernel_width;
            do {
                // Each pixel is read again with the next tap: seen by the compiler, it is kept and
                // broadcast by the unit that multiplies (a third slower), not by the load.
                asm("" : "+r"(line));  // NOLINT
                add_tap<kRows, kPixels, kBlocks>(line, size.row, weights, sums);
                weights += kBlocks * kLanes;
            } while (++line != end);
            line += size.row - geometry.kernel_width;
        } while (--lines != 0);
        padded += size.plane;
    } while (--channels != 0);
}

// A group of filter blocks of one image.
struct Group {
    std::size_t first;
    std::size_t blocks;
    const float* padded;
    const float* weights;
    const Finish* finishes;  // of each block
    float* image;            // where its results go
};

// Neighbours that are summed together, again and again along a row.
struct Stretch {
    std::size_t y, x;
    std::size_t times;
};

template <std::size_t kRows, std::size_t kPixels, std::size_t kBlocks>
HWY_INLINE void store_sums(const ConvolutionPlan& plan, const Group& group, std::size_t offset,
                           const Sums<kRows, kPixels, kBlocks>& sums) {
#pragma GCC unroll 4
    for (std::size_t block = 0; block < kBlocks; ++block) {
        const Finish finish = group.finishes[block];
        for (std::size_t pixel = 0; pixel < kPixels; pixel += kRows) {
            Vector value;
            if constexpr (kRows == 1) {
                value = finish(sums[0][pixel][block]);
            } else {
                value =
                    finish.pooled(plan.tail.pool, sums[0][pixel][block], sums[0][pixel + 1][block],
                                  sums[1][pixel][block], sums[1][pixel + 1][block]);
            }
            store_pixel(plan.destination, group.image, plan.geometry.filters, group.first + block,
                        offset + pixel / kRows * plan.destination.pixel, value);
        }
    }
}

// kPixels of kRows rows at a time: one row, or the pooled pixels of two.
template <std::size_t kRows, std::size_t kPixels, std::size_t kBlocks>
void convolve_pixels(const ConvolutionPlan& plan, const Group& group, const Stretch& stretch) {
    const float* padded = group.padded + stretch.y * Padded(plan.geometry).row + stretch.x;
    const ImageLayout& to = plan.destination;
    std::size_t offset = stretch.y / kRows * to.row + stretch.x / kRows * to.pixel;
    for (std::size_t left = stretch.times; left != 0; --left) {
        Sums<kRows, kPixels, kBlocks> sums;
        sum_pixels(plan.geometry, padded, group.weights, sums);
        store_sums(plan, group, offset, sums);
        padded += kPixels;
        offset += kPixels / kRows * to.pixel;
    }
}

using ConvolvePixels = void (*)(const ConvolutionPlan&, const Group&, const Stretch&);

constexpr ConvolvePixels kPixels1[] = {
    convolve_pixels<1, 1, 1>,  convolve_pixels<1, 2, 1>,  convolve_pixels<1, 3, 1>,
    convolve_pixels<1, 4, 1>,  convolve_pixels<1, 5, 1>,  convolve_pixels<1, 6, 1>,
    convolve_pixels<1, 7, 1>,  convolve_pixels<1, 8, 1>,  convolve_pixels<1, 9, 1>,
    convolve_pixels<1, 10, 1>, convolve_pixels<1, 11, 1>, convolve_pixels<1, 12, 1>,
    convolve_pixels<1, 13, 1>, convolve_pixels<1, 14, 1>, convolve_pixels<1, 15, 1>,
    convolve_pixels<1, 16, 1>};
constexpr ConvolvePixels kPixels2[] = {
    convolve_pixels<1, 1, 2>,  convolve_pixels<1, 2, 2>,  convolve_pixels<1, 3, 2>,
    convolve_pixels<1, 4, 2>,  convolve_pixels<1, 5, 2>,  convolve_pixels<1, 6, 2>,
    convolve_pixels<1, 7, 2>,  convolve_pixels<1, 8, 2>,  convolve_pixels<1, 9, 2>,
    convolve_pixels<1, 10, 2>, convolve_pixels<1, 11, 2>, convolve_pixels<1, 12, 2>};
constexpr ConvolvePixels kPixels4[] = {convolve_pixels<1, 1, 4>, convolve_pixels<1, 2, 4>,
                                       convolve_pixels<1, 3, 4>, convolve_pixels<1, 4, 4>,
                                       convolve_pixels<1, 5, 4>, convolve_pixels<1, 6, 4>};
// Pooled two by two: pairs of pixels of two rows.
constexpr ConvolvePixels kPairs1[] = {convolve_pixels<2, 2, 1>, convolve_pixels<2, 4, 1>,
                                      convolve_pixels<2, 6, 1>, convolve_pixels<2, 8, 1>};
constexpr ConvolvePixels kPairs2[] = {convolve_pixels<2, 2, 2>, convolve_pixels<2, 4, 2>,
                                      convolve_pixels<2, 6, 2>};
constexpr ConvolvePixels kPairs4[] = {convolve_pixels<2, 2, 4>};

// For 1, 2, ... pixels or pairs; as many as registers hold sums of.
using PixelsTable = std::span<const ConvolvePixels>;

PixelsTable table_for(const ConvolutionPlan& plan, std::size_t blocks) {
    if (plan.tail.pool == ConvolutionTail::Pool::none) {
        if (blocks == 4) return kPixels4;
        if (blocks == 2) return PixelsTable(kPixels2).first(kManyRegisters ? 12 : 6);
        return PixelsTable(kPixels1).first(kManyRegisters ? 16 : 12);
    }
    if (blocks == 4) return kPairs4;
    if (blocks == 2) return PixelsTable(kPairs2).first(kManyRegisters ? 3 : 1);
    return PixelsTable(kPairs1).first(kManyRegisters ? 4 : 3);
}

void convolve_group(const ConvolutionPlan& plan, const Group& group) {
    const PixelsTable table = table_for(plan, group.blocks);
    const std::size_t step = plan.tail.pool == ConvolutionTail::Pool::none ? 1 : 2;
    const std::size_t width = plan.geometry.out_width / step;
    // As equal as they come: sums of few pixels wait for each other.
    const std::size_t parts = (width + table.size() - 1) / table.size();
    const std::size_t count = width / parts;
    const std::size_t wider = width % parts;
    for (std::size_t y = 0; y + step <= plan.geometry.out_height; y += step) {
        table[count - 1](plan, group, {y, 0, parts - wider});
        if (wider != 0) table[count](plan, group, {y, (parts - wider) * count * step, wider});
    }
}

void direct(const ConvolutionPlan& plan, const ConvolutionBuffers& at, std::size_t images) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const std::size_t taps = geometry.channels * geometry.kernel_height * geometry.kernel_width;
    const std::size_t blocks = plan.filter_blocks();
    for (std::size_t image = 0; image < images; ++image) {
        stage_padded(plan, at.source + image * plan.source.image, at.scratch);
        Group group{0,          0,       at.scratch,
                    at.weights, nullptr, at.destination + image * plan.destination.image};
        while (group.first < blocks) {
            group.blocks = plan.group(blocks - group.first);
            const Finish finishes[] = {{plan, at.tail, group.first, 1.F},
                                       {plan, at.tail, HWY_MIN(group.first + 1, blocks - 1), 1.F},
                                       {plan, at.tail, HWY_MIN(group.first + 2, blocks - 1), 1.F},
                                       {plan, at.tail, HWY_MIN(group.first + 3, blocks - 1), 1.F}};
            group.finishes = finishes;
            convolve_group(plan, group);
            group.first += group.blocks;
            group.weights += taps * group.blocks * kLanes;
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
