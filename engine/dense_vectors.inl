// Part of dense_kernels.cpp, compiled once per instruction set: vectors of floats, the functions on
// them, and how results are stored.
namespace tamis::engine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

constexpr Tag kTag;
constexpr std::size_t kLanes = hn::MaxLanes(Tag());
constexpr bool kMaskedAccess = HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86 != 0;

// count values, fewer than a vector has; touches nothing beyond them.
template <class D>
HWY_INLINE hn::Vec<D> load_some(D tag, const float* from, std::size_t count) {
    if constexpr (kMaskedAccess) {
        return hn::MaskedLoad(hn::FirstN(tag, count), tag, from);
    } else {
        HWY_ALIGN std::array<float, hn::MaxLanes(D())> lanes{};
        std::memcpy(lanes.data(), from, count * sizeof(float));
        return hn::Load(tag, lanes.data());
    }
}

template <class D>
HWY_INLINE void store_some(D tag, hn::Vec<D> vector, float* to, std::size_t count) {
    if constexpr (kMaskedAccess) {
        hn::BlendedStore(vector, hn::FirstN(tag, count), tag, to);
    } else {
        HWY_ALIGN std::array<float, hn::MaxLanes(D())> lanes;
        hn::Store(vector, tag, lanes.data());
        std::memcpy(to, lanes.data(), count * sizeof(float));
    }
}

// The lowest lanes of a vector: a narrower view of its register.
template <std::size_t TL, class V>
HWY_INLINE auto lowest(V vector) {
    if constexpr (hn::MaxLanes(hn::DFromV<V>()) <= TL) {
        return vector;
    } else {
        return lowest<TL>(hn::LowerHalf(vector));
    }
}

// The operands' order lets NaN through: x86 gives the second one.
template <class D>
HWY_INLINE hn::Vec<D> relu(D tag, hn::Vec<D> x) {
    return hn::Max(hn::Zero(tag), x);
}

template <class D>
HWY_INLINE hn::Vec<D> leaky_relu(D tag, hn::Vec<D> x, float slope) {
    return hn::MulAdd(hn::Min(hn::Zero(tag), x), hn::Set(tag, slope), relu(tag, x));
}

// x P(x^2) / Q(x^2) with |x| <= 9, where tanh is 1 to single precision. P and Q by a Lawson
// iteration in 50 digits: relative error below 2.1e-8 before rounding.
template <class D>
HWY_INLINE hn::Vec<D> tanh_of(D tag, hn::Vec<D> x) {
    const auto limit = hn::Set(tag, 9.F);
    const auto c = hn::Min(limit, hn::Max(hn::Neg(limit), x));
    const auto t = hn::Mul(c, c);
    auto p = hn::Set(tag, 1.33535476651e-8F);
    p = hn::MulAdd(p, t, hn::Set(tag, 2.06083293437e-5F));
    p = hn::MulAdd(p, t, hn::Set(tag, 3.49554563449e-3F));
    p = hn::MulAdd(p, t, hn::Set(tag, 0.133809913044F));
    p = hn::MulAdd(p, t, hn::Set(tag, 0.999999979649F));
    auto q = hn::Set(tag, 7.77611578938e-7F);
    q = hn::MulAdd(q, t, hn::Set(tag, 3.28556280097e-4F));
    q = hn::MulAdd(q, t, hn::Set(tag, 2.58768248315e-2F));
    q = hn::MulAdd(q, t, hn::Set(tag, 0.46714306981F));
    q = hn::MulAdd(q, t, hn::Set(tag, 1.F));
    return hn::Div(hn::Mul(c, p), q);
}

// exp(-x) overflows to infinity for large negative x and gives the 0 that is right there; Highway's
// is defined up to 104.
template <class D>
HWY_INLINE hn::Vec<D> sigmoid_of(D tag, hn::Vec<D> x) {
    const auto one = hn::Set(tag, 1.F);
    const auto exponent = hn::Min(hn::Set(tag, 104.F), hn::Neg(x));
    return hn::Div(one, hn::Add(one, hn::Exp(tag, exponent)));
}

// Where the results of a call go, apart from what the compiler must expect a store to change.
struct Target {
    explicit Target(const DenseCall& call)
        : rows(call.result.rows),
          stride(call.result.stride),
          units(call.units),
          padded(call.result.padded),
          is_relu(call.function == DenseFunction::relu),
          slope(call.negative_slope) {}

    // V vectors of one row from `unit` on, with the function if it is a cheap one.
    template <class D, std::size_t V>
    HWY_INLINE void store(D tag, std::size_t row, std::size_t unit,
                          hn::Vec<D> (&sums)[V]) const {  // NOLINT
        constexpr std::size_t kWidth = hn::MaxLanes(D());
        if (is_relu && slope != 0.F) {
            HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
                sums[v] = leaky_relu(tag, sums[v], slope);
            }
        } else if (is_relu) {
            HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) sums[v] = relu(tag, sums[v]);
        }
        float* to = rows + row * stride + unit;
        HWY_UNROLL(8) for (std::size_t v = 0; v + 1 < V; ++v) {
            hn::StoreU(sums[v], tag, to + v * kWidth);
        }
        constexpr std::size_t kLast = (V - 1) * kWidth;
        if (padded || unit + kLast + kWidth <= units) {
            hn::StoreU(sums[V - 1], tag, to + kLast);
        } else {
            store_some(tag, sums[V - 1], to + kLast, units - unit - kLast);
        }
    }

    float* rows;
    std::size_t stride;
    std::size_t units;
    bool padded;
    bool is_relu;
    float slope;
};

template <class D, class Function>
HWY_INLINE void each_vector_of(D tag, const DenseResult& result, std::size_t units,
                               std::size_t rows, const Function& function) {
    constexpr std::size_t kWidth = hn::MaxLanes(D());
    for (std::size_t row = 0; row < rows; ++row) {
        float* values = result.rows + row * result.stride;
        std::size_t unit = 0;
        for (; unit + kWidth <= units || (result.padded && unit < units); unit += kWidth) {
            hn::StoreU(function(tag, hn::LoadU(tag, values + unit)), tag, values + unit);
        }
        if (unit >= units) continue;
        const auto rest = load_some(tag, values + unit, units - unit);
        store_some(tag, function(tag, rest), values + unit, units - unit);
    }
}

// Few units on short vectors: a division of a whole one takes twice as long.
template <class Function>
HWY_INLINE void each_vector(const DenseResult& result, std::size_t units, std::size_t rows,
                            const Function& function) {
    using Short = hn::CappedTag<float, 8>;
    if (units <= hn::MaxLanes(Short())) {
        each_vector_of(Short(), result, units, rows, function);
    } else {
        each_vector_of(kTag, result, units, rows, function);
    }
}

// exp(x - largest) over its sum; the sum in the order of the units.
void softmax(const DenseResult& result, std::size_t units, std::size_t rows) {
    for (std::size_t row = 0; row < rows; ++row) {
        const DenseResult one{result.rows + row * result.stride, result.stride, result.padded};
        const float largest = *std::max_element(one.rows, one.rows + units);
        each_vector(one, units, 1, [=](auto tag, auto x) {
            return hn::Exp(tag, hn::Sub(x, hn::Set(tag, largest)));
        });
        float sum = 0.F;
        for (std::size_t unit = 0; unit < units; ++unit) sum += one.rows[unit];
        each_vector(one, units, 1, [=](auto tag, auto x) { return hn::Div(x, hn::Set(tag, sum)); });
    }
}

void apply(DenseFunction function, float negative_slope, const DenseResult& result,
           std::size_t units, std::size_t rows) noexcept {
    switch (function) {
        case DenseFunction::none:
            break;
        case DenseFunction::relu:
            each_vector(result, units, rows,
                        [=](auto tag, auto x) { return leaky_relu(tag, x, negative_slope); });
            break;
        case DenseFunction::tanh:
            each_vector(result, units, rows, [](auto tag, auto x) { return tanh_of(tag, x); });
            break;
        case DenseFunction::sigmoid:
            each_vector(result, units, rows, [](auto tag, auto x) { return sigmoid_of(tag, x); });
            break;
        case DenseFunction::softmax:
            softmax(result, units, rows);
            break;
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
