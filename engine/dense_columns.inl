// Part of dense_kernels.cpp, compiled once per instruction set: layers of whole blocks of rows, a
// row per lane. No lane is lost to units that do not fill a vector, and nothing is added up across
// lanes; the sums are those of the kernels of few rows, in the same order.
namespace tamis::engine::HWY_NAMESPACE {

constexpr std::size_t kBlockVectors = 2;
constexpr std::size_t kBlockRows = kBlockVectors * kLanes;
// Sums of a tile fill the registers but for two vectors of inputs and a weight.
constexpr std::size_t kTileUnits = kManyRegisters ? 12 : 6;

// How the sum of a unit is made: inputs of each source in turns into `parts`, those added up two
// neighbours at a time.
struct SumOrder {
    std::size_t parts;
    bool is_dot;  // whole vectors of inputs, the bias last
};

SumOrder order_of(const DenseCall& call) {
    if (kPacking.uses_dot(call.inputs, call.units)) return {kLanes, true};
    const std::size_t vectors = (call.units + kLanes - 1) / kLanes;
    if (vectors > kPanelVectors) return {1, false};
    return {splits_of(vectors) / (vectors == 1 && call.inputs < kShortInputs ? 2 : 1), false};
}

// The weight of input k and unit u is at k * input_stride + u * unit_stride.
struct UnitWeights {
    const float* first;
    std::size_t input_stride;
    std::size_t unit_stride;
};

// The sums of U units of a block.
template <std::size_t U, bool kIsDot>
struct ColumnTile {
    HWY_INLINE void start(const float* bias) {
        HWY_UNROLL(12) for (std::size_t u = 0; u < U; ++u) {
            const Vector first = bias == nullptr ? hn::Zero(kTag) : hn::Set(kTag, bias[u]);
            HWY_UNROLL(2) for (std::size_t v = 0; v < kBlockVectors; ++v) sums[u][v] = first;
        }
    }

    HWY_INLINE void add_part(const DenseCall& call, const UnitWeights& weights, std::size_t part,
                             std::size_t parts) {
        const std::size_t unit_stride = kIsDot ? weights.unit_stride : 1;
        const float* first = weights.first;
        for (const DenseSource& source : call.sources) {
            const float* x = source.rows + part * kBlockRows;
            const float* w = first + part * weights.input_stride;
            for (std::size_t k = part; k < source.width; k += parts) {
                const Vector low = hn::Load(kTag, x);
                const Vector high = hn::Load(kTag, x + kLanes);
                HWY_UNROLL(12) for (std::size_t u = 0; u < U; ++u) {
                    const Vector weight = hn::Set(kTag, w[u * unit_stride]);
                    sums[u][0] = hn::MulAdd(low, weight, sums[u][0]);
                    sums[u][1] = hn::MulAdd(high, weight, sums[u][1]);
                }
                x += parts * kBlockRows;
                w += parts * weights.input_stride;
            }
            // The last vector of a dot product is filled with zeros, and a negative zero plus zero
            // is zero.
            const std::size_t rest = source.width % parts;
            if (kIsDot && rest != 0 && part >= rest) {
                each([](Vector sum, std::size_t) { return hn::Add(sum, hn::Zero(kTag)); });
            }
            first += source.width * weights.input_stride;
        }
    }

    // function(sum, number of the vector)
    template <class Function>
    HWY_INLINE void each(const Function& function) {
        HWY_UNROLL(12) for (std::size_t u = 0; u < U; ++u) {
            HWY_UNROLL(2) for (std::size_t v = 0; v < kBlockVectors; ++v) {
                sums[u][v] = function(sums[u][v], u * kBlockVectors + v);
            }
        }
    }

    HWY_INLINE void run(const DenseCall& call, const UnitWeights& weights, std::size_t unit) {
        constexpr std::size_t kLevels = 4;              // of up to 16 parts
        HWY_ALIGN float held[kLevels][U * kBlockRows];  // NOLINT: left unset
        const SumOrder order = order_of(call);
        const float* bias = call.weights + unit;
        for (std::size_t part = 0; part < order.parts; ++part) {
            start(part == 0 && !kIsDot ? bias : nullptr);
            add_part(call, weights, part, order.parts);
            std::size_t level = 0;
            for (; (part >> level & 1) != 0; ++level) {
                each([&](Vector sum, std::size_t i) {
                    return hn::Add(hn::Load(kTag, held[level] + i * kLanes), sum);
                });
            }
            if (part + 1 == order.parts) break;
            each([&](Vector sum, std::size_t i) {
                hn::Store(sum, kTag, held[level] + i * kLanes);
                return sum;
            });
        }
        if constexpr (kIsDot) {
            each([&](Vector sum, std::size_t i) {
                return hn::Add(sum, hn::Set(kTag, bias[i / kBlockVectors]));
            });
        }
        store(call, unit);
    }

    HWY_INLINE void store(const DenseCall& call, std::size_t unit) {
        if (call.function == DenseFunction::relu && call.negative_slope != 0.F) {
            const float slope = call.negative_slope;
            each([&](Vector sum, std::size_t) { return leaky_relu(kTag, sum, slope); });
        } else if (call.function == DenseFunction::relu) {
            each([](Vector sum, std::size_t) { return relu(kTag, sum); });
        }
        float* to = call.result.rows + unit * kBlockRows;
        each([&](Vector sum, std::size_t i) {
            hn::Store(sum, kTag, to + i * kLanes);
            return sum;
        });
    }

    Vector sums[U][kBlockVectors];  // NOLINT: vectors of Highway live in plain arrays only
};

template <std::size_t U, bool kIsDot>
void column_tile(const DenseCall& call, const UnitWeights& weights, std::size_t unit,
                 std::size_t units) {
    if constexpr (U > 1) {
        if (units < U) return column_tile<U - 1, kIsDot>(call, weights, unit, units);
    }
    ColumnTile<U, kIsDot>().run(call, weights, unit);
}

// Units [unit, unit + units) whose weights lie evenly, in tiles of nearly the same size.
template <bool kIsDot>
void column_units(const DenseCall& call, UnitWeights weights, std::size_t unit, std::size_t units) {
    constexpr std::size_t kMost = kIsDot ? std::min(kTileUnits, kDenseDotUnits) : kTileUnits;
    for (std::size_t tiles = (units + kMost - 1) / kMost; tiles > 0; --tiles) {
        const std::size_t size = (units + tiles - 1) / tiles;
        column_tile<kMost, kIsDot>(call, weights, unit, size);
        weights.first += size * (kIsDot ? weights.unit_stride : 1);
        unit += size;
        units -= size;
    }
}

void apply_columns(DenseFunction function, float negative_slope, float* columns,
                   std::size_t units) noexcept {
    if (function != DenseFunction::softmax) {
        const DenseResult flat{columns, units * kBlockRows, false};
        return apply(function, negative_slope, flat, units * kBlockRows, 1);
    }
    for (std::size_t row = 0; row < kBlockRows; row += kLanes) {
        const auto each = [&](const auto& function_of) {
            for (std::size_t u = 0; u < units; ++u) {
                float* at = columns + u * kBlockRows + row;
                hn::Store(function_of(hn::Load(kTag, at)), kTag, at);
            }
        };
        Vector largest = hn::Load(kTag, columns + row);
        each([&](Vector x) {
            largest = hn::IfThenElse(hn::Lt(largest, x), x, largest);
            return x;
        });
        Vector sum = hn::Zero(kTag);
        each([&](Vector x) {
            const Vector power = hn::Exp(kTag, hn::Sub(x, largest));
            sum = hn::Add(sum, power);
            return power;
        });
        each([&](Vector x) { return hn::Div(x, sum); });
    }
}

void dense_columns(const DenseCall& call) noexcept {
    const float* weights = call.weights + kPacking.padded(call.units);
    if (kPacking.uses_dot(call.inputs, call.units)) {
        column_units<true>(call, {weights, 1, kPacking.padded(call.inputs)}, 0, call.units);
    } else {
        const std::size_t whole = kPacking.whole_units(call.units);
        for (std::size_t unit = 0; unit < std::min(whole, call.units);) {
            const std::size_t width = std::min(kPanelVectors * kLanes, whole - unit);
            column_units<false>(call, {weights, width, 1}, unit,
                                std::min(width, call.units - unit));
            weights += call.inputs * width;
            unit += width;
        }
        if (whole < call.units) {
            column_units<false>(call, {weights, kPacking.tail_lanes(call.units), 1}, whole,
                                call.units - whole);
        }
    }
    if (call.function != DenseFunction::none && call.function != DenseFunction::relu) {
        apply_columns(call.function, call.negative_slope, call.result.rows, call.units);
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
