// The products between Winograd's transforms: per plane tiles x channels times channels x filters.
// Compiled once per instruction set, inside winograd_kernels.cpp.
#if defined(TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL
#undef TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL
#else
#define TAMIS_ENGINE_WINOGRAD_PRODUCTS_INL
#endif

#include <hwy/highway.h>

#include "engine/winograd_weights.inl"

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {
namespace {

// Tiles [0, kRows) times a group of filter blocks. Every product is a sum over the channels in
// their order, whatever kRows and kBlocks. Meanwhile weights so many floats ahead are fetched, one
// line per channel.
template <std::size_t kRows, std::size_t kBlocks>
void multiply(const float* tiles, std::size_t channel_stride, const float* weights,
              std::size_t channels, float* products, std::size_t block_stride, std::size_t ahead) {
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
            __builtin_prefetch(weights + ahead, 0, 2);
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

using Multiply = void (*)(const float*, std::size_t, const float*, std::size_t, float*, std::size_t,
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
            // The next plane's, another line of each channel by each call.
            std::size_t ahead = plan.geometry.channels * blocks * kLanes;
            for (std::size_t row = 0; row < pass.tiles; --parts) {
                const std::size_t rows = (pass.tiles - row) / parts;
                table.by_rows[rows - 1](
                    inputs + plane * plan.input_plane + row * kLanes, stride, weights,
                    plan.geometry.channels,
                    products + plane * plan.output_plane + block * stride + row * kLanes, stride,
                    ahead);
                ahead += kLanes;
                row += rows;
            }
            weights += plan.geometry.channels * group * kLanes;
            block += group;
        }
    }
    return weights;
}

// Adds one channel to the six planes of kRow.
template <std::size_t kTiles, std::size_t kRow>
HWY_INLINE void add_transformed(const float* tiles, const float* taps,
                                Vector (&sums)[kWindow][kTiles]) {
    transform_taps<3, kRow>(taps, [&](std::size_t j, Vector weights) {
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            const Vector value = hn::Set(Tag(), tiles[(j * kTiles + tile) * kLanes]);
            sums[j][tile] = hn::MulAdd(value, weights, sums[j][tile]);
        }
    });
}

// Weights of so many channels stay in the first-level cache, from where they are read six times.
constexpr std::size_t kTapChannels = 2 * kLanes;

// With each channel of a row two lines of what is read after the pass come into the second-level
// cache: more would hold up the sums.
constexpr std::size_t kFetchedFloats = 2 * 16;

// Adds up to kTapChannels channels to six planes (those of kRow) of kTiles tiles and one
// block of filters. The sums are multiply()'s. Returns what is to be fetched next.
template <std::size_t kTiles, std::size_t kRow, bool kFetches>
const float* add_taps(const ConvolutionPlan& plan, const Pass& pass, std::size_t first_channel,
                      const float* taps, const float* tiles, float* products,
                      const float* upcoming) {
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
            if constexpr (kFetches) {
                __builtin_prefetch(upcoming, 0, 2);
                __builtin_prefetch(upcoming + kFetchedFloats / 2, 0, 2);
                upcoming += kFetchedFloats;
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
    return upcoming;
}

template <std::size_t kTiles, bool kFetches>
void multiply_taps(const ConvolutionPlan& plan, const Pass& pass, const float* taps,
                   const float* tiles, float* products, const float* upcoming) {
    for (std::size_t first = 0; first < plan.geometry.channels; first += kTapChannels) {
        const auto add = [&](auto row) {
            upcoming = add_taps<kTiles, decltype(row)::value, kFetches>(plan, pass, first, taps,
                                                                        tiles, products, upcoming);
        };
        add(std::integral_constant<std::size_t, 0>());
        add(std::integral_constant<std::size_t, 1>());
        add(std::integral_constant<std::size_t, 2>());
        add(std::integral_constant<std::size_t, 3>());
        add(std::integral_constant<std::size_t, 4>());
        add(std::integral_constant<std::size_t, 5>());
    }
}

using MultiplyTaps = void (*)(const ConvolutionPlan&, const Pass&, const float*, const float*,
                              float*, const float*);
constexpr MultiplyTaps kMultiplyTaps[kWinogradFewTiles] = {
    multiply_taps<1, false>, multiply_taps<2, false>, multiply_taps<3, false>,
    multiply_taps<4, false>};
constexpr MultiplyTaps kFetchingMultiplyTaps[kWinogradFewTiles] = {
    multiply_taps<1, true>, multiply_taps<2, true>, multiply_taps<3, true>, multiply_taps<4, true>};

// As multiply_planes, from the weights as they are.
void multiply_few(const ConvolutionPlan& plan, const Pass& pass, const float* taps,
                  std::size_t first_block, std::size_t blocks, const float* inputs,
                  float* products) {
    const std::size_t block_taps = plan.geometry.channels * 9 * kLanes;
    const std::size_t block_fetches = plan.geometry.channels * kWindow * kFetchedFloats;
    for (std::size_t block = first_block; block < first_block + blocks; ++block) {
        const bool fetches = (block + 1) * block_fetches <= pass.upcoming.size();
        const float* upcoming = pass.upcoming.data() + (fetches ? block * block_fetches : 0);
        const MultiplyTaps* by_tiles = fetches ? kFetchingMultiplyTaps : kMultiplyTaps;
        by_tiles[pass.tiles - 1](plan, pass, taps + block * block_taps, inputs, products, upcoming);
        products += pass.tiles * kLanes;
    }
}

}  // namespace
}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
