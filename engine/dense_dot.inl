// Part of dense_kernels.cpp, compiled once per instruction set: layers of few units, as dot
// products over vectors of inputs. Broadcasting would read an input for every vector of units; here
// one vector of inputs serves all units.
namespace tamis::engine::HWY_NAMESPACE {

using UnitTag = hn::CappedTag<float, kDenseDotUnits>;

// Neighbouring lanes added, in turns of two vectors: a0 + a1, b0 + b1, a2 + a3, b2 + b3, ...
HWY_INLINE Vector sums_of_lanes(Vector a, Vector b) {
    return hn::Add(hn::OddEven(b, a), hn::Shuffle2301(hn::OddEven(a, b)));
}

// The same of pairs of lanes, a pair of each of two vectors in a block of four lanes.
HWY_INLINE Vector sums_of_pairs(Vector a, Vector b) {
    const hn::Repartition<double, Tag> pairs;
    const auto first = hn::BitCast(pairs, a);
    const auto second = hn::BitCast(pairs, b);
    return hn::Add(hn::BitCast(kTag, hn::InterleaveLower(pairs, first, second)),
                   hn::BitCast(kTag, hn::InterleaveUpper(pairs, first, second)));
}

// The same of blocks, in turns.
HWY_INLINE Vector sums_of_blocks(Vector a, Vector b) {
    return hn::Add(hn::OddEvenBlocks(b, a), hn::SwapAdjacentBlocks(hn::OddEvenBlocks(a, b)));
}

// The sum of the lanes of each of U <= 8 vectors. Always neighbours first, so that a unit's sum
// does not depend on how many units there are.
template <std::size_t U>
HWY_INLINE hn::Vec<UnitTag> lane_sums(const Vector (&of)[U]) {  // NOLINT
    Vector pairs[4];  // NOLINT: vectors of Highway live in plain arrays only
    HWY_UNROLL(4) for (std::size_t i = 0; i < 4; ++i) {
        const Vector second = 2 * i + 1 < U ? of[2 * i + 1] : hn::Zero(kTag);
        pairs[i] = 2 * i < U ? sums_of_lanes(of[2 * i], second) : hn::Zero(kTag);
    }
    const Vector low = sums_of_pairs(pairs[0], pairs[1]);
    const Vector high = U > 4 ? sums_of_pairs(pairs[2], pairs[3]) : hn::Zero(kTag);
    Vector all = sums_of_blocks(low, high);
    if constexpr (kLanes > kDenseDotUnits) {
        all = hn::Add(all, hn::ConcatLowerUpper(kTag, all, all));
    }
    return lowest<kDenseDotUnits>(all);
}

template <std::size_t R, std::size_t U>
HWY_INLINE void dot_rows(const DenseCall& call, const Target& target, std::size_t row,
                         const float* weights, std::size_t unit_stride) {
    Vector sums[R][U];  // NOLINT
    HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) {
        HWY_UNROLL(8) for (std::size_t u = 0; u < U; ++u) sums[r][u] = hn::Zero(kTag);
    }
    const auto add = [&](const auto& load, const float* x, std::size_t stride, const float* w) {
        Vector inputs[R];  // NOLINT
        HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) inputs[r] = load(x + r * stride);
        HWY_UNROLL(8) for (std::size_t u = 0; u < U; ++u) {
            const Vector weight = load(w + u * unit_stride);
            HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) {
                sums[r][u] = hn::MulAdd(inputs[r], weight, sums[r][u]);
            }
        }
    };
    for (const DenseSource& source : call.sources) {
        const float* x = source.rows + row * source.stride;
        std::size_t k = 0;
        for (; k + kLanes <= source.width; k += kLanes) {
            add([](const float* from) { return hn::LoadU(kTag, from); }, x + k, source.stride,
                weights + k);
        }
        if (k < source.width) {
            const std::size_t rest = source.width - k;
            add([rest](const float* from) { return load_some(kTag, from, rest); }, x + k,
                source.stride, weights + k);
        }
        weights += source.width;
    }
    const auto bias = hn::Load(UnitTag(), call.weights);
    HWY_UNROLL(4) for (std::size_t r = 0; r < R; ++r) {
        hn::Vec<UnitTag> results[1] = {hn::Add(lane_sums(sums[r]), bias)};  // NOLINT
        target.store(UnitTag(), row + r, 0, results);
    }
}

template <std::size_t U>
void dot_layer(const DenseCall& call, const float* weights, std::size_t unit_stride) {
    constexpr std::size_t kSums = kManyRegisters ? 20 : 10;
    constexpr std::size_t kRows = std::min<std::size_t>(4, kSums / U);
    const Target target(call);
    std::size_t row = 0;
    if constexpr (kRows > 1) {
        for (; row + kRows <= call.rows; row += kRows) {
            dot_rows<kRows, U>(call, target, row, weights, unit_stride);
        }
    }
    for (; row < call.rows; ++row) dot_rows<1, U>(call, target, row, weights, unit_stride);
}

void dot_layer(const DenseCall& call, const float* weights, std::size_t unit_stride) {
    switch (call.units) {
        case 1:
            return dot_layer<1>(call, weights, unit_stride);
        case 2:
            return dot_layer<2>(call, weights, unit_stride);
        case 3:
            return dot_layer<3>(call, weights, unit_stride);
        case 4:
            return dot_layer<4>(call, weights, unit_stride);
        case 5:
            return dot_layer<5>(call, weights, unit_stride);
        case 6:
            return dot_layer<6>(call, weights, unit_stride);
        case 7:
            return dot_layer<7>(call, weights, unit_stride);
        default:
            return dot_layer<8>(call, weights, unit_stride);
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
