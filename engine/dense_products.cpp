#include "engine/dense_products.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/dense_products.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of a tile of two vectors of columns: all sums, two vectors of b and one value of a stay in
// registers, of which there are 16 or 32.
constexpr std::size_t kTileRows = HWY_TARGET <= HWY_AVX3 ? 12 : 6;
// What a run through all tiles reads of a and b again and again: half of the smallest first-level
// cache, for the other half is what it writes.
constexpr std::size_t kBlockFloats = 4096;

// Terms [first, last) of all sums.
struct Terms {
    std::size_t first = 0;
    std::size_t last = 0;
};

// kRows rows and kVectors vectors of columns, in registers from the first of these terms to the
// last. done: of the first so many columns these terms are there already.
template <std::size_t kRows, std::size_t kVectors, class D>
void tile(D d, const DenseProduct& p, const Terms& terms, std::size_t row, std::size_t column,
          std::size_t done = 0) {
    using V = hn::Vec<D>;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t row_stride = p.a_row_stride;
    float* const out = p.out + row * p.columns + column;
    std::array<V, kRows * kVectors> sums;
#pragma GCC unroll 24
    for (std::size_t i = 0; i < kRows * kVectors; ++i) {
        sums[i] = terms.first == 0
                      ? hn::Zero(d)
                      : hn::LoadU(d, out + i / kVectors * p.columns + i % kVectors * lanes);
    }
    const float* a = p.a + row * row_stride + terms.first * p.a_inner_stride;
    const float* b = p.b + terms.first * p.columns + column;
    for (std::size_t k = terms.first; k < terms.last; ++k) {
        std::array<V, kVectors> factors;
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kVectors; ++v) factors[v] = hn::LoadU(d, b + v * lanes);
#pragma GCC unroll 24
        for (std::size_t i = 0; i < kRows * kVectors; ++i) {
            const V value = hn::Set(d, a[i / kVectors * row_stride]);
            sums[i] = hn::MulAdd(value, factors[i % kVectors], sums[i]);
        }
        a += p.a_inner_stride;
        b += p.columns;
    }
    if (p.bias != nullptr && terms.last == p.inner) {
#pragma GCC unroll 24
        for (std::size_t i = 0; i < kRows * kVectors; ++i) {
            sums[i] = hn::Add(sums[i], hn::LoadU(d, p.bias + column + i % kVectors * lanes));
        }
    }
    if (p.has_relu && terms.last == p.inner) {
        const V slope = hn::Set(d, p.negative_slope);
#pragma GCC unroll 24
        for (std::size_t i = 0; i < kRows * kVectors; ++i) {
            const auto is_above = hn::Gt(sums[i], hn::Zero(d));
            sums[i] = hn::IfThenElse(is_above, sums[i], hn::Mul(slope, sums[i]));
        }
    }
    if (p.relu_result != nullptr && terms.last == p.inner) {
        const V slope = hn::Set(d, p.negative_slope);
        const float* const result = p.relu_result + row * p.columns + column;
#pragma GCC unroll 24
        for (std::size_t i = 0; i < kRows * kVectors; ++i) {
            const V value = hn::LoadU(d, result + i / kVectors * p.columns + i % kVectors * lanes);
            sums[i] = hn::IfThenElse(hn::Gt(value, hn::Zero(d)), sums[i], hn::Mul(slope, sums[i]));
        }
    }
    const auto is_done = hn::FirstN(d, done);
#pragma GCC unroll 24
    for (std::size_t i = 0; i < kRows * kVectors; ++i) {
        float* const to = out + i / kVectors * p.columns + i % kVectors * lanes;
        hn::StoreU(done == 0 ? sums[i] : hn::IfThenElse(is_done, hn::LoadU(d, to), sums[i]), d, to);
    }
}

// All columns of kRows rows. A last tile that would end beyond them begins earlier: no vector is a
// part of one, for storing parts is slow.
template <std::size_t kRows, class D>
void rows_of_tiles(D d, const DenseProduct& p, const Terms& terms, std::size_t row) {
    const std::size_t lanes = hn::Lanes(d);
    std::size_t column = 0;
    for (; column + 2 * lanes <= p.columns; column += 2 * lanes) {
        tile<kRows, 2>(d, p, terms, row, column);
    }
    for (; column + lanes <= p.columns; column += lanes) {
        tile<kRows, 1>(d, p, terms, row, column);
    }
    if (column < p.columns) {
        const std::size_t last = p.columns - lanes;
        tile<kRows, 1>(d, p, terms, row, last, column - last);
    }
}

template <std::size_t kRows, class D>
void rows_of_tiles(D d, const DenseProduct& p, const Terms& terms, std::size_t row,
                   std::size_t count) {
    if (count == kRows) return rows_of_tiles<kRows>(d, p, terms, row);
    if constexpr (kRows > 1) rows_of_tiles<kRows - 1>(d, p, terms, row, count);
}

template <class D>
void all_tiles(D d, const DenseProduct& p) {
    const std::size_t beside = p.columns + (p.a_inner_stride > 1 ? p.rows : kTileRows);
    const std::size_t blocks = (p.inner * beside + kBlockFloats - 1) / kBlockFloats;
    const std::size_t block = (p.inner + blocks - 1) / blocks;
    for (Terms terms; terms.first < p.inner; terms.first = terms.last) {
        terms.last = std::min(p.inner, terms.first + block);
        for (std::size_t row = 0; row < p.rows;) {
            const std::size_t left = p.rows - row;
            const std::size_t tiles = (left + kTileRows - 1) / kTileRows;
            // As even as they can be: a tile of few rows waits for its own sums.
            const std::size_t count = (left + tiles - 1) / tiles;
            rows_of_tiles<kTileRows>(d, p, terms, row, count);
            row += count;
        }
    }
}

// function(tag) of the widest vectors that the columns fill.
template <class Function>
void with_vectors_of(std::size_t columns, const Function& function) {
    const hn::ScalableTag<float> full;
    if (columns >= hn::Lanes(full)) return function(full);
    if (columns >= 8) return function(hn::CappedTag<float, 8>());
    if (columns >= 4) return function(hn::CappedTag<float, 4>());
    function(hn::CappedTag<float, 1>());
}

void multiply(const DenseProduct& p) {
    with_vectors_of(p.columns, [&](auto d) HWY_ATTR { all_tiles(d, p); });
}

// Sums that stay in registers while a run goes through all rows.
constexpr std::size_t kStripVectors = 8;

// kVectors of columns from `first` on. One that would end beyond the columns begins earlier.
template <std::size_t kVectors, class D>
void sum_strip(D d, const float* values, std::size_t rows, std::size_t columns, std::size_t first,
               float* out) {
    std::array<std::size_t, kVectors> column;
    std::array<hn::Vec<D>, kVectors> sums;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
        column[v] = std::min(first + v * hn::Lanes(d), columns - hn::Lanes(d));
        sums[v] = hn::Zero(d);
    }
    for (std::size_t row = 0; row < rows; ++row, values += columns) {
#pragma GCC unroll 8
        for (std::size_t v = 0; v < kVectors; ++v) {
            sums[v] = hn::Add(sums[v], hn::LoadU(d, values + column[v]));
        }
    }
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, out + column[v]);
}

template <std::size_t kVectors, class D>
void sum_strips(D d, const float* values, std::size_t rows, std::size_t columns, float* out) {
    const std::size_t vectors = (columns + hn::Lanes(d) - 1) / hn::Lanes(d);
    std::size_t done = 0;
    for (; done + kVectors <= vectors; done += kVectors) {
        sum_strip<kVectors>(d, values, rows, columns, done * hn::Lanes(d), out);
    }
    const auto rest = [&]<std::size_t... kBefore>(std::index_sequence<kBefore...>) {
        (void)((vectors - done == kBefore + 1 &&
                (sum_strip<kBefore + 1>(d, values, rows, columns, done * hn::Lanes(d), out),
                 true)) ||
               ...);
    };
    rest(std::make_index_sequence<kVectors - 1>());
}

void sum_rows(const float* values, std::size_t rows, std::size_t columns, float* out) {
    with_vectors_of(columns, [&](auto d) HWY_ATTR {
        sum_strips<kStripVectors>(d, values, rows, columns, out);
    });
}

void transpose_singly(const float* from, std::size_t rows, std::size_t columns, float* to) {
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t c = 0; c < columns; ++c) to[c * rows + row] = from[row * columns + c];
    }
}

#if HWY_TARGET == HWY_SCALAR
void transpose(const float* from, std::size_t rows, std::size_t columns, float* to) {
    transpose_singly(from, rows, columns, to);
}
#else
// Squares of 4x4, the last of a row or column from a little before the end.
void transpose(const float* from, std::size_t rows, std::size_t columns, float* to) {
    constexpr std::size_t kSquare = 4;
    if (std::min(rows, columns) < kSquare) return transpose_singly(from, rows, columns, to);
    const hn::FixedTag<float, kSquare> d;
    const hn::Repartition<double, decltype(d)> pairs;
    const auto lower = [&](auto a, auto b) HWY_ATTR {
        return hn::BitCast(
            d, hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
    };
    const auto upper = [&](auto a, auto b) HWY_ATTR {
        return hn::BitCast(
            d, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
    };
    for (std::size_t square = 0; square < columns; square += kSquare) {
        const std::size_t column = std::min(square, columns - kSquare);
        for (std::size_t first = 0; first < rows; first += kSquare) {
            const std::size_t row = std::min(first, rows - kSquare);
            const float* const at = from + row * columns + column;
            const auto a = hn::LoadU(d, at);
            const auto b = hn::LoadU(d, at + columns);
            const auto c = hn::LoadU(d, at + 2 * columns);
            const auto e = hn::LoadU(d, at + 3 * columns);
            const auto low_ab = hn::InterleaveLower(d, a, b);
            const auto low_ce = hn::InterleaveLower(d, c, e);
            const auto high_ab = hn::InterleaveUpper(d, a, b);
            const auto high_ce = hn::InterleaveUpper(d, c, e);
            float* const out = to + column * rows + row;
            hn::StoreU(lower(low_ab, low_ce), d, out);
            hn::StoreU(upper(low_ab, low_ce), d, out + rows);
            hn::StoreU(lower(high_ab, high_ce), d, out + 2 * rows);
            hn::StoreU(upper(high_ab, high_ce), d, out + 3 * rows);
        }
    }
}
#endif

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(multiply);
HWY_EXPORT(sum_rows);
HWY_EXPORT(transpose);

void multiply(const DenseProduct& product) noexcept { HWY_DYNAMIC_DISPATCH(multiply)(product); }

void sum_rows(const float* values, std::size_t rows, std::size_t columns, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(sum_rows)(values, rows, columns, out);
}

void transpose(const float* from, std::size_t rows, std::size_t columns, float* to) noexcept {
    HWY_DYNAMIC_DISPATCH(transpose)(from, rows, columns, to);
}

}  // namespace tamis::engine
#endif
