// Part of dense_kernels.cpp, compiled once per instruction set: a block of rows into columns and
// back, four columns at a time. Vectors are put together from pieces of four floats, which costs no
// shuffle; only the 4x4 squares in them are turned.
namespace tamis::engine::HWY_NAMESPACE {

constexpr std::size_t kSquare = 4;
constexpr std::size_t kSquares = kLanes / kSquare;

// Each 4x4 square of four vectors, turned.
HWY_INLINE void turn_squares(Vector (&v)[kSquare]) {  // NOLINT
    const hn::Repartition<double, Tag> pairs;
    const auto join = [&](Vector low, Vector high, bool upper) {
        const auto a = hn::BitCast(pairs, low);
        const auto b = hn::BitCast(pairs, high);
        return hn::BitCast(
            kTag, upper ? hn::InterleaveUpper(pairs, a, b) : hn::InterleaveLower(pairs, a, b));
    };
    const Vector low01 = hn::InterleaveLower(kTag, v[0], v[1]);
    const Vector low23 = hn::InterleaveLower(kTag, v[2], v[3]);
    const Vector high01 = hn::InterleaveUpper(kTag, v[0], v[1]);
    const Vector high23 = hn::InterleaveUpper(kTag, v[2], v[3]);
    v[0] = join(low01, low23, false);
    v[1] = join(low01, low23, true);
    v[2] = join(high01, high23, false);
    v[3] = join(high01, high23, true);
}

// Each four lanes from `stride` floats after those before.
HWY_INLINE Vector load_pieces(const float* from, std::size_t stride) {
    if constexpr (kSquares == 2) {
        const hn::Half<Tag> half;
        return hn::Combine(kTag, hn::LoadU(half, from + stride), hn::LoadU(half, from));
    } else {
        const auto lane = hn::Iota(kTag, 0.F);
        Vector all = hn::LoadDup128(kTag, from);
        HWY_UNROLL(4) for (std::size_t s = 1; s < kSquares; ++s) {
            const auto later = hn::Ge(lane, hn::Set(kTag, static_cast<float>(s * kSquare)));
            all = hn::IfThenElse(later, hn::LoadDup128(kTag, from + s * stride), all);
        }
        return all;
    }
}

// The first column of each group of four: the last group overlaps the one before it.
template <class Function>
HWY_INLINE void each_group(std::size_t width, const Function& function) {
    std::size_t column = 0;
    for (; column + kSquare <= width; column += kSquare) function(column);
    if (column < width) function(width - kSquare);
}

// 0 times a value is 0, or NaN where the value is NaN or Inf; who adds these up learns whether all
// are finite.
bool to_columns(const DenseSource& source, float* columns) noexcept {
    const Vector zero = hn::Zero(kTag);
    Vector zeros[kBlockVectors] = {zero, zero};  // NOLINT
    const auto all_finite = [&] {
        return hn::AllTrue(kTag, hn::Eq(hn::Add(zeros[0], zeros[1]), zero));
    };
    if (source.width < kSquare) {
        for (std::size_t c = 0; c < source.width; ++c) {
            float* column = columns + c * kBlockRows;
            for (std::size_t row = 0; row < kBlockRows; ++row) {
                column[row] = source.rows[row * source.stride + c];
            }
            zeros[0] = hn::MulAdd(zero, hn::Load(kTag, column), zeros[0]);
            zeros[1] = hn::MulAdd(zero, hn::Load(kTag, column + kLanes), zeros[1]);
        }
        return all_finite();
    }
    const std::size_t stride = source.stride;  // no store may change a copy
    const float* const first_row = source.rows;
    each_group(source.width, [&](std::size_t column) {
        // The next block, of which this group reads as much.
        const float* const next = first_row + kBlockRows * (stride + column);
        HWY_UNROLL(4) for (std::size_t line = 0; line < kSquare; ++line) {
            __builtin_prefetch(next + line * kBlockRows);
        }
        for (std::size_t first = 0; first < kBlockRows; first += kLanes) {
            const float* from = first_row + first * stride + column;
            Vector rows[kSquare];  // NOLINT
            HWY_UNROLL(4) for (std::size_t i = 0; i < kSquare; ++i) {
                rows[i] = load_pieces(from + i * stride, kSquare * stride);
                zeros[i % kBlockVectors] = hn::MulAdd(zero, rows[i], zeros[i % kBlockVectors]);
            }
            turn_squares(rows);
            HWY_UNROLL(4) for (std::size_t i = 0; i < kSquare; ++i) {
                hn::Store(rows[i], kTag, columns + (column + i) * kBlockRows + first);
            }
        }
    });
    return all_finite();
}

// Each four lanes `stride` floats after those before.
template <class D>
HWY_INLINE void store_pieces(D tag, hn::Vec<D> vector, float* to, std::size_t stride) {
    if constexpr (hn::MaxLanes(D()) == kSquare) {
        hn::StoreU(vector, tag, to);
    } else {
        const hn::Half<D> half;
        store_pieces(half, hn::LowerHalf(half, vector), to, stride);
        store_pieces(half, hn::UpperHalf(half, vector), to + hn::MaxLanes(half) / kSquare * stride,
                     stride);
    }
}

void to_rows(const float* columns, const DenseResult& result, std::size_t width) noexcept {
    const std::size_t stride = result.stride;
    float* const first_row = result.rows;
    if (width < kSquare) {
        for (std::size_t row = 0; row < kBlockRows; ++row) {
            for (std::size_t c = 0; c < width; ++c) {
                first_row[row * stride + c] = columns[c * kBlockRows + row];
            }
        }
        return;
    }
    each_group(width, [&](std::size_t column) {
        for (std::size_t first = 0; first < kBlockRows; first += kLanes) {
            Vector rows[kSquare];  // NOLINT
            HWY_UNROLL(4) for (std::size_t i = 0; i < kSquare; ++i) {
                rows[i] = hn::Load(kTag, columns + (column + i) * kBlockRows + first);
            }
            turn_squares(rows);
            HWY_UNROLL(4) for (std::size_t i = 0; i < kSquare; ++i) {
                store_pieces(kTag, rows[i], first_row + (first + i) * stride + column,
                             kSquare * stride);
            }
        }
    });
}

}  // namespace tamis::engine::HWY_NAMESPACE
