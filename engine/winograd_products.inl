// The products between Winograd's transforms: per plane tiles x channels times channels x filters.
// Compiled once per instruction set, inside winograd_kernels.cpp.
#if defined(TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL
#undef TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL
#else
#define TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL
#endif

#include <hwy/highway.h>

#include "engine/winograd_transforms.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

// Tiles [0, kRows) times a group of filter blocks. Every product is a sum over the channels in
// their order, whatever kRows and kBlocks.
template <std::size_t kRows, std::size_t kBlocks>
void multiply(const float* tiles, std::size_t channel_stride, const float* weights,
              std::size_t channels, float* products, std::size_t block_stride) {
    const Tag tag;
    Vector sums[kRows][kBlocks];
    for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t block = 0; block < kBlocks; ++block) sums[row][block] = hn::Zero(tag);
    }
    // There is at least one channel: loops that know it keep the sums in registers.
    do {
        const std::size_t lanes = HWY_MIN(kLanes, channels);
        const float* const end = tiles + lanes;
        do {
            add_products<kLanes>(tiles, weights, sums);
            weights += kBlocks * kLanes;
        } while (++tiles != end);
        tiles += channel_stride - lanes;
        channels -= lanes;
    } while (channels != 0);
    for (std::size_t row = 0; row < kRows; ++row) {
        for (std::size_t block = 0; block < kBlocks; ++block) {
            hn::Store(sums[row][block], tag, products + block * block_stride + row * kLanes);
        }
    }
}

using Multiply = void (*)(const float*, std::size_t, const float*, std::size_t, float*,
                          std::size_t);

constexpr Multiply kMultiply1[] = {multiply<1, 1>,  multiply<2, 1>,  multiply<3, 1>,
                                   multiply<4, 1>,  multiply<5, 1>,  multiply<6, 1>,
                                   multiply<7, 1>,  multiply<8, 1>,  multiply<9, 1>,
                                   multiply<10, 1>, multiply<11, 1>, multiply<12, 1>};
constexpr Multiply kMultiply2[] = {multiply<1, 2>,  multiply<2, 2>,  multiply<3, 2>,
                                   multiply<4, 2>,  multiply<5, 2>,  multiply<6, 2>,
                                   multiply<7, 2>,  multiply<8, 2>,  multiply<9, 2>,
                                   multiply<10, 2>, multiply<11, 2>, multiply<12, 2>};
constexpr Multiply kMultiply4[] = {multiply<1, 4>, multiply<2, 4>, multiply<3, 4>,
                                   multiply<4, 4>, multiply<5, 4>, multiply<6, 4>};

struct MultiplyTable {
    const Multiply* by_rows;  // for 1, 2, ... rows
    std::size_t most_rows;    // as many as registers hold sums of
};

MultiplyTable table_for(std::size_t blocks) {
    if (blocks == 4) return {kMultiply4, 6};
    if (blocks == 2) return {kMultiply2, std::size_t{kManyRegisters ? 12 : 6}};
    return {kMultiply1, 12};
}

// All planes of a slab of filters. Returns where the next slab's weights are.
const float* multiply_planes(const ConvolutionPlan& plan, const Pass& pass, const float* weights,
                             std::size_t blocks, const float* inputs, float* products) {
    const std::size_t stride = pass.tiles * kLanes;
    for (std::size_t plane = 0; plane < kPlanes; ++plane) {
        for (std::size_t block = 0; block < blocks;) {
            const std::size_t group = plan.group(blocks - block);
            const MultiplyTable table = table_for(group);
            std::size_t parts = (pass.tiles + table.most_rows - 1) / table.most_rows;
            for (std::size_t row = 0; row < pass.tiles; --parts) {
                const std::size_t rows = (pass.tiles - row) / parts;
                table.by_rows[rows - 1](
                    inputs + plane * plan.input_plane + row * kLanes, stride, weights,
                    plan.geometry.channels,
                    products + plane * plan.output_plane + block * stride + row * kLanes, stride);
                row += rows;
            }
            weights += plan.geometry.channels * group * kLanes;
            block += group;
        }
    }
    return weights;
}

// Passes of so few tiles transform the weights as they go: waiting for the transformed ones, four
// times as many, would take longer.
constexpr std::size_t kFewTiles = 4;

// Row kRow of the transform of one filter block and channel, along y; as convolution_weights does.
template <std::size_t kRow>
HWY_INLINE Vector column_at_point(const float* column) {
    const Tag tag;
    const Vector first = hn::Load(tag, column);
    if constexpr (kRow == 0) return first;
    const Vector last = hn::Load(tag, column + 6 * kLanes);
    if constexpr (kRow == 5) return last;
    const Vector middle = hn::Load(tag, column + 3 * kLanes);
    constexpr float kPoint = kRow < 3 ? kWinogradPointP : kWinogradPointQ;
    const Vector even = hn::MulAdd(hn::Set(tag, kPoint * kPoint), last, first);
    if constexpr (kRow % 2 == 1) return hn::MulAdd(hn::Set(tag, kPoint), middle, even);
    return hn::NegMulAdd(hn::Set(tag, kPoint), middle, even);
}

// Adds one channel to the six planes of kRow.
template <std::size_t kTiles, std::size_t kRow>
HWY_INLINE void add_transformed(const float* tiles, const float* taps,
                                Vector (&sums)[kWindow][kTiles]) {
    const Tag tag;
    const Vector first = column_at_point<kRow>(taps);
    const Vector middle = column_at_point<kRow>(taps + kLanes);
    const Vector last = column_at_point<kRow>(taps + 2 * kLanes);
    const Vector p = hn::Set(tag, kWinogradPointP);
    const Vector q = hn::Set(tag, kWinogradPointQ);
    const Vector even_p = hn::MulAdd(hn::Mul(p, p), last, first);
    const Vector even_q = hn::MulAdd(hn::Mul(q, q), last, first);
    const Vector weights[kWindow] = {first,
                                     hn::MulAdd(p, middle, even_p),
                                     hn::NegMulAdd(p, middle, even_p),
                                     hn::MulAdd(q, middle, even_q),
                                     hn::NegMulAdd(q, middle, even_q),
                                     last};
    for (std::size_t j = 0; j < kWindow; ++j) {
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            const Vector value = hn::Set(tag, tiles[(j * kTiles + tile) * kLanes]);
            sums[j][tile] = hn::MulAdd(value, weights[j], sums[j][tile]);
        }
    }
}

// Weights of so many channels stay in the first-level cache, from where they are read six times.
constexpr std::size_t kTapChannels = 2 * kLanes;

// Adds up to kTapChannels channels to six planes (those of kRow) of kTiles tiles and one
// block of filters. The sums are multiply()'s.
template <std::size_t kTiles, std::size_t kRow>
void add_taps(const ConvolutionPlan& plan, const Pass& pass, std::size_t first_channel,
              const float* taps, const float* tiles, float* products) {
    const Tag tag;
    tiles += kRow * pass.row + first_channel / kLanes * pass.block;
    taps += first_channel * 9 * kLanes;
    products += kRow * kWindow * plan.output_plane;
    Vector sums[kWindow][kTiles];
    for (std::size_t j = 0; j < kWindow; ++j) {
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            const float* sum = products + j * plan.output_plane + tile * kLanes;
            sums[j][tile] = first_channel == 0 ? hn::Zero(tag) : hn::Load(tag, sum);
        }
    }
    std::size_t channels = HWY_MIN(kTapChannels, plan.geometry.channels - first_channel);
    do {
        const std::size_t lanes = HWY_MIN(kLanes, channels);
        const float* const end = tiles + lanes;
        do {
            // The next channels' into the second-level cache, two of nine lines per row.
            if constexpr (kRow < 5) {
                __builtin_prefetch(taps + (kTapChannels * 9 + 2 * kRow) * kLanes, 0, 2);
                __builtin_prefetch(taps + (kTapChannels * 9 + 2 * kRow + 1) * kLanes, 0, 2);
            }
            add_transformed<kTiles, kRow>(tiles, taps, sums);
            taps += 9 * kLanes;
        } while (++tiles != end);
        tiles += kWindow * kTiles * kLanes - lanes;
        channels -= lanes;
    } while (channels != 0);
    for (std::size_t j = 0; j < kWindow; ++j) {
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            hn::Store(sums[j][tile], tag, products + j * plan.output_plane + tile * kLanes);
        }
    }
}

template <std::size_t kTiles>
void multiply_taps(const ConvolutionPlan& plan, const Pass& pass, const float* taps,
                   const float* tiles, float* products) {
    for (std::size_t first = 0; first < plan.geometry.channels; first += kTapChannels) {
        add_taps<kTiles, 0>(plan, pass, first, taps, tiles, products);
        add_taps<kTiles, 1>(plan, pass, first, taps, tiles, products);
        add_taps<kTiles, 2>(plan, pass, first, taps, tiles, products);
        add_taps<kTiles, 3>(plan, pass, first, taps, tiles, products);
        add_taps<kTiles, 4>(plan, pass, first, taps, tiles, products);
        add_taps<kTiles, 5>(plan, pass, first, taps, tiles, products);
    }
}

using MultiplyTaps = void (*)(const ConvolutionPlan&, const Pass&, const float*, const float*,
                              float*);
constexpr MultiplyTaps kMultiplyTaps[kFewTiles] = {multiply_taps<1>, multiply_taps<2>,
                                                   multiply_taps<3>, multiply_taps<4>};

bool is_few(const ConvolutionPlan& plan, std::size_t tiles) {
    return plan.transforms_taps() && tiles <= kFewTiles;
}

// As multiply_planes, from the weights as they are.
void multiply_few(const ConvolutionPlan& plan, const Pass& pass, const float* taps,
                  std::size_t blocks, const float* inputs, float* products) {
    for (std::size_t block = 0; block < blocks; ++block) {
        kMultiplyTaps[pass.tiles - 1](plan, pass, taps, inputs,
                                      products + block * pass.tiles * kLanes);
        taps += plan.geometry.channels * 9 * kLanes;
    }
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
