// Convolution with fewer multiplications: 6x6 windows of the image are transformed, the 36 planes
// of the transform multiplied as matrices (tiles x channels by channels x filters), the products
// transformed back. A pass takes few images, so that what is in between stays in the cache.
#include "engine/convolution_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/winograd_kernels.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "engine/convolution_store.inl"
#include "engine/winograd_products.inl"
#include "engine/winograd_transforms.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

// One pixel's channels, which lie side by side. Reads a whole register, so not of the last pixel.
HWY_INLINE void stage_side_by_side(const float* pixel, std::size_t used, float* staged) {
    const Tag tag;
    const Vector values = hn::LoadU(tag, pixel);
    hn::Store(hn::IfThenElseZero(hn::FirstN(tag, used), values), tag, staged);
}

// One row of one block of channels; what lies beyond the last channel is 0.
void stage_row(const ConvolutionPlan& plan, std::size_t block, const float* row, float* staged) {
    const ImageLayout& from = plan.source;
    const std::size_t first = block * kLanes;
    const std::size_t used = HWY_MIN(kLanes, plan.geometry.channels - first);
    std::size_t x = 0;
    // A register reaches into the next pixel at most.
    if (from.channel == 1 && first + kLanes <= from.pixel + plan.geometry.channels) {
        for (; x + 1 < plan.geometry.width; ++x, staged += kLanes) {
            stage_side_by_side(row + x * from.pixel, used, staged);
        }
    }
    for (; x < plan.geometry.width; ++x, staged += kLanes) {
        const float* pixel = row + x * from.pixel;
        for (std::size_t lane = 0; lane < used; ++lane) staged[lane] = pixel[lane * from.channel];
        for (std::size_t lane = used; lane < kLanes; ++lane) staged[lane] = 0.F;
    }
}

// A copy of one image in blocks of channels.
void stage_blocked(const ConvolutionPlan& plan, const float* image, float* staged) {
    const std::size_t row_floats = plan.geometry.width * kLanes;
    for (std::size_t block = 0; block < plan.channel_blocks(); ++block) {
        const float* channels = image + block * kLanes * plan.source.channel;
        for (std::size_t y = 0; y < plan.geometry.height; ++y, staged += row_floats) {
            stage_row(plan, block, channels + y * plan.source.row, staged);
        }
    }
}

// All channels of the window at this place of the result.
void transform_place(const ConvolutionPlan& plan, const Pass& pass, const float* image,
                     std::size_t y, std::size_t x, float* out) {
    const ConvolutionGeometry& geometry = plan.geometry;
    const auto top = static_cast<std::ptrdiff_t>(y) - static_cast<std::ptrdiff_t>(geometry.pad_top);
    const auto left =
        static_cast<std::ptrdiff_t>(x) - static_cast<std::ptrdiff_t>(geometry.pad_left);
    const bool inside =
        top >= 0 && left >= 0 &&
        top + static_cast<std::ptrdiff_t>(kWindow) <=
            static_cast<std::ptrdiff_t>(geometry.height) &&
        left + static_cast<std::ptrdiff_t>(kWindow) <= static_cast<std::ptrdiff_t>(geometry.width);
    const std::size_t block_floats = geometry.height * geometry.width * kLanes;
    for (std::size_t block = 0; block < plan.channel_blocks(); ++block) {
        const float* channels = image + block * block_floats;
        if (inside) {
            transform_window<true>(geometry, channels, top, left, out + block * pass.block, pass);
        } else {
            transform_window<false>(geometry, channels, top, left, out + block * pass.block, pass);
        }
    }
}

void transform_images(const ConvolutionPlan& plan, const ConvolutionBuffers& at, const Pass& pass,
                      float* planes) {
    const std::size_t tile = winograd_tile(plan.geometry);
    for (std::size_t image = 0; image < pass.images; ++image) {
        const float* source = at.source + (pass.first + image) * plan.source.image;
        if (!plan.source.blocked) {
            if (pass.first_row == 0) stage_blocked(plan, source, at.scratch);
            source = at.scratch;
        }
        for (std::size_t row = 0; row < pass.rows; ++row) {
            const std::size_t y = (pass.first_row + row) * tile;
            for (std::size_t x = 0; x < plan.geometry.out_width; x += tile, planes += kLanes) {
                transform_place(plan, pass, source, y, x, planes);
            }
        }
    }
}

// Where a tile's sums go.
struct TilePlace {
    float* image;
    std::size_t block, y, x;
};

template <std::size_t kTile>
HWY_INLINE void store_tile(const ConvolutionPlan& plan, const Finish& finish, const float* sums,
                           const TilePlace& place) {
    const Tag tag;
    const ImageLayout layout = plan.destination;  // no store may change a copy
    const std::size_t rows = HWY_MIN(kTile, plan.geometry.out_height - place.y);
    const std::size_t pixels = HWY_MIN(kTile, plan.geometry.out_width - place.x);
    if (plan.tail.pool == ConvolutionTail::Pool::none) {
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < pixels; ++j) {
                store_pixel(layout, place.image, plan.geometry.filters, place.block,
                            (place.y + i) * layout.row + (place.x + j) * layout.pixel,
                            finish(hn::Load(tag, sums + (i * kTile + j) * kLanes)));
            }
        }
        return;
    }
    for (std::size_t i = 0; i + 1 < rows; i += 2) {
        for (std::size_t j = 0; j + 1 < pixels; j += 2) {
            const float* at = sums + (i * kTile + j) * kLanes;
            const Vector pooled = finish.pooled(
                plan.tail.pool, hn::Load(tag, at), hn::Load(tag, at + kLanes),
                hn::Load(tag, at + kTile * kLanes), hn::Load(tag, at + (kTile + 1) * kLanes));
            store_pixel(layout, place.image, plan.geometry.filters, place.block,
                        (place.y + i) / 2 * layout.row + (place.x + j) / 2 * layout.pixel, pooled);
        }
    }
}

// One image and one block of filters; returns where the next image's products are.
template <std::size_t kTile>
const float* restore_image(const ConvolutionPlan& plan, const Pass& pass, const Finish& finish,
                           TilePlace place, const float* products) {
    HWY_ALIGN float sums[kTile * kTile * kLanes];
    for (std::size_t row = 0; row < pass.rows; ++row) {
        place.y = (pass.first_row + row) * kTile;
        for (place.x = 0; place.x < plan.geometry.out_width; place.x += kTile) {
            restore_tile<kTile>(products, plan.output_plane, sums);
            store_tile<kTile>(plan, finish, sums, place);
            products += kLanes;
        }
    }
    return products;
}

template <std::size_t kTile>
void restore_images(const ConvolutionPlan& plan, const ConvolutionBuffers& at, const Pass& pass,
                    std::size_t first_block, std::size_t blocks, const float* products) {
    for (std::size_t block = first_block; block < first_block + blocks; ++block) {
        const Finish finish(plan, at.tail, block, kRestored);
        for (std::size_t image = 0; image < pass.images; ++image) {
            float* destination = at.destination + (pass.first + image) * plan.destination.image;
            products =
                restore_image<kTile>(plan, pass, finish, {destination, block, 0, 0}, products);
        }
    }
}

void run_pass(const ConvolutionPlan& plan, const ConvolutionBuffers& at, const Pass& pass) {
    float* inputs = at.scratch + plan.staged;
    float* products = inputs + kPlanes * plan.input_plane;
    transform_images(plan, at, pass, inputs);
    constexpr std::size_t kSlabBlocks = HWY_MAX(kWinogradSlab / kLanes, 1);
    const float* weights = at.weights;
    for (std::size_t block = 0; block < plan.filter_blocks(); block += kSlabBlocks) {
        const std::size_t blocks = HWY_MIN(kSlabBlocks, plan.filter_blocks() - block);
        if (plan.transforms_taps(pass.tiles)) {
            multiply_few(plan, pass, at.taps, block, blocks, inputs, products);
        } else {
            weights = multiply_planes(plan, pass, weights, blocks, inputs, products);
        }
        switch (winograd_tile(plan.geometry)) {
            case 4:
                restore_images<4>(plan, at, pass, block, blocks, products);
                break;
            case 3:
                restore_images<3>(plan, at, pass, block, blocks, products);
                break;
            default:
                restore_images<2>(plan, at, pass, block, blocks, products);
                break;
        }
    }
}

void run(const ConvolutionPlan& plan, const ConvolutionBuffers& at, Pass pass) {
    pass.tiles = pass.images * pass.rows * winograd_tile_columns(plan.geometry);
    const std::size_t tiles = pass.tiles * kLanes;
    if (plan.transforms_taps(pass.tiles)) {
        // What is read together lies together.
        pass.plane = tiles;
        pass.block = kWindow * tiles;
        pass.row = plan.channel_blocks() * pass.block;
    } else {
        pass.plane = plan.input_plane;
        pass.block = tiles;
        pass.row = kWindow * pass.plane;
    }
    run_pass(plan, at, pass);
}

void winograd(const ConvolutionPlan& plan, const ConvolutionBuffers& at, std::size_t images) {
    const std::size_t rows = winograd_tile_rows(plan.geometry);
    std::size_t parts = (images + plan.images - 1) / plan.images;
    for (std::size_t first = 0; first < images; --parts) {
        const std::size_t count = (images - first) / parts;
        // More than one band only where a pass is less than an image.
        std::size_t bands = (rows + plan.tile_rows - 1) / plan.tile_rows;
        for (std::size_t row = 0; row < rows; --bands) {
            const std::size_t part = (rows - row) / bands;
            Pass pass;
            pass.first = first;
            pass.images = count;
            pass.first_row = row;
            pass.rows = part;
            row += part;
            if (parts == 1 && bands == 1) pass.upcoming = at.upcoming;
            run(plan, at, pass);
        }
        first += count;
    }
}

ConvolutionKernel choose_winograd() { return winograd; }

void transform_taps_of(const ConvolutionPlan& plan, const float* taps, float* weights) {
    switch (plan.geometry.kernel_height) {
        case 3:
            return transform_weights<3>(plan, taps, weights);
        case 4:
            return transform_weights<4>(plan, taps, weights);
        default:
            return transform_weights<5>(plan, taps, weights);
    }
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {
HWY_EXPORT(choose_winograd);
HWY_EXPORT(transform_taps_of);

ConvolutionKernel winograd_kernel() { return HWY_DYNAMIC_DISPATCH(choose_winograd)(); }

FloatBuffer winograd_weights(const ConvolutionPlan& plan, std::span<const float> taps) {
    FloatBuffer weights(kWinogradPlanes * plan.geometry.channels * plan.filter_blocks() *
                        plan.lanes);
    HWY_DYNAMIC_DISPATCH(transform_taps_of)(plan, taps.data(), weights.data());
    return weights;
}

}  // namespace tamis::engine
#endif
