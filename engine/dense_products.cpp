#include "engine/dense_products.hpp"

// Highway compiles this file once per instruction set; the best one is chosen when it runs.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/dense_products.cpp"
#include <hwy/foreach_target.h>
// After the line above, as Highway wants it.
#include <hwy/highway.h>

#include <algorithm>
#include <array>

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

// With the widest vectors that the columns fill.
void multiply(const DenseProduct& p) {
    const hn::ScalableTag<float> full;
    if (p.columns >= hn::Lanes(full)) return all_tiles(full, p);
    if (p.columns >= 8) return all_tiles(hn::CappedTag<float, 8>(), p);
    if (p.columns >= 4) return all_tiles(hn::CappedTag<float, 4>(), p);
    all_tiles(hn::CappedTag<float, 1>(), p);
}

void sum_rows(const float* values, std::size_t rows, std::size_t columns, float* out) {
    std::fill_n(out, columns, 0.F);
    const auto at = [&](auto d, const float* row, std::size_t column) HWY_ATTR {
        float* const sum = out + column;
        hn::StoreU(hn::Add(hn::LoadU(d, sum), hn::LoadU(d, row + column)), d, sum);
    };
    const hn::ScalableTag<float> full;
    for (std::size_t row = 0; row < rows; ++row, values += columns) {
        std::size_t column = 0;
        for (; column + hn::Lanes(full) <= columns; column += hn::Lanes(full)) {
            at(full, values, column);
        }
        for (; column < columns; ++column) at(hn::CappedTag<float, 1>(), values, column);
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tamis::engine {

HWY_EXPORT(multiply);
HWY_EXPORT(sum_rows);

void multiply(const DenseProduct& product) noexcept { HWY_DYNAMIC_DISPATCH(multiply)(product); }

void sum_rows(const float* values, std::size_t rows, std::size_t columns, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(sum_rows)(values, rows, columns, out);
}

}  // namespace tamis::engine
#endif
