// Part of dense_kernels.cpp, compiled once per instruction set: layers of whole blocks of rows, a
// row per lane. No lane is lost to units that do not fill a vector, and nothing is added up across
// lanes; the sums are those of the kernels of few rows, in the same order.
namespace tamis::engine::HWY_NAMESPACE {

constexpr std::size_t kBlockVectors = 2;
constexpr std::size_t kBlockRows = kBlockVectors * kLanes;
// Sums of a tile fill the registers but for two vectors of inputs and a weight.
constexpr std::size_t kTileUnits = kManyRegisters ? 12 : 6;

// The sum of a unit is made of parts, each source's inputs in turns, which are added up two
// neighbours at a time; the bias begins the first part. A dot product (dense_dot.inl) has a part
// per lane, and the bias comes last.
std::size_t parts_of(const DenseCall& call) {
    const std::size_t vectors = (call.units + kLanes - 1) / kLanes;
    if (vectors > kPanelVectors) return 1;
    return splits_of(vectors) / (vectors == 1 && call.inputs < kShortInputs ? 2 : 1);
}

// The weight of input k and unit u is at k * input_stride + u * unit_stride.
struct UnitWeights {
    const float* first;
    std::size_t input_stride;
    std::size_t unit_stride;
};

// The sums of U units of a block, P parts of them at a time.
template <std::size_t U, std::size_t P, bool kIsDot>
struct ColumnTile {
    static constexpr std::size_t kVectors = U * kBlockVectors;

    HWY_INLINE void start(const float* bias) {
        HWY_UNROLL(12) for (std::size_t i = 0; i < kVectors; ++i) {
            sums[0][i] = bias == nullptr ? hn::Zero(kTag) : hn::Set(kTag, bias[i / kBlockVectors]);
            if constexpr (P == 2) sums[1][i] = hn::Zero(kTag);
        }
    }

    HWY_INLINE void add(std::size_t part, const float* x, const float* weights,
                        std::size_t unit_stride) {
        const Vector low = hn::Load(kTag, x);
        const Vector high = hn::Load(kTag, x + kLanes);
        HWY_UNROLL(12) for (std::size_t u = 0; u < U; ++u) {
            const Vector weight = hn::Set(kTag, weights[u * unit_stride]);
            sums[part][2 * u] = hn::MulAdd(low, weight, sums[part][2 * u]);
            sums[part][2 * u + 1] = hn::MulAdd(high, weight, sums[part][2 * u + 1]);
        }
    }

    // Parts [part, part + P) of `parts`.
    HWY_INLINE void add_parts(const DenseCall& call, const UnitWeights& weights, std::size_t part,
                              std::size_t parts) {
        const std::size_t unit_stride = kIsDot ? weights.unit_stride : 1;
        const std::size_t next = weights.input_stride;
        const float* first = weights.first;
        for (const DenseSource& source : call.sources) {
            const float* x = source.rows + block * source.stride + part * kBlockRows;
            const float* w = first + part * next;
            std::size_t k = part;
            for (; k + P <= source.width; k += parts) {
                add(0, x, w, unit_stride);
                if constexpr (P == 2) add(1, x + kBlockRows, w + next, unit_stride);
                x += parts * kBlockRows;
                w += parts * next;
            }
            if (P == 2 && k < source.width) add(0, x, w, unit_stride);
            if constexpr (kIsDot) add_zeros(part, source.width % parts);
            first += source.width * next;
        }
    }

    // A dot product fills its last vector of inputs with zeros, and a negative zero plus zero is
    // zero.
    HWY_INLINE void add_zeros(std::size_t part, std::size_t rest) {
        HWY_UNROLL(2) for (std::size_t p = 0; p < P; ++p) {
            if (rest == 0 || part + p < rest) continue;
            HWY_UNROLL(12) for (std::size_t i = 0; i < kVectors; ++i) {
                sums[p][i] = hn::Add(sums[p][i], hn::Zero(kTag));
            }
        }
    }

    // function(sum, number of the vector)
    template <class Function>
    HWY_INLINE void each(const Function& function) {
        HWY_UNROLL(12) for (std::size_t i = 0; i < kVectors; ++i) {
            sums[0][i] = function(sums[0][i], i);
        }
    }

    HWY_INLINE void run(const DenseCall& call, const UnitWeights& weights, std::size_t unit,
                        std::size_t parts) {
        const float* bias = call.weights + unit;
        if (P == 1 || parts == P) {  // parts are more than one for pairs only
            sum_parts(call, weights, kIsDot ? nullptr : bias, 0, P);
        } else {
            sum_in_pairs(call, weights, bias, parts);
        }
        if constexpr (kIsDot) {
            each([&](Vector sum, std::size_t i) {
                return hn::Add(sum, hn::Set(kTag, bias[i / kBlockVectors]));
            });
        }
        store(call, unit);
    }

    // Parts [part, part + P), added up.
    HWY_INLINE void sum_parts(const DenseCall& call, const UnitWeights& weights, const float* bias,
                              std::size_t part, std::size_t parts) {
        start(bias);
        add_parts(call, weights, part, parts);
        if constexpr (P == 2) {
            each([&](Vector sum, std::size_t i) { return hn::Add(sum, sums[1][i]); });
        }
    }

    HWY_INLINE void sum_in_pairs(const DenseCall& call, const UnitWeights& weights,
                                 const float* bias, std::size_t parts) {
        constexpr std::size_t kLevels = 3;                 // of 16 parts in pairs
        HWY_ALIGN float held[kLevels][kVectors * kLanes];  // NOLINT: left unset
        for (std::size_t part = 0; part < parts; part += P) {
            sum_parts(call, weights, part == 0 && !kIsDot ? bias : nullptr, part, parts);
            std::size_t level = 0;
            for (; (part / P >> level & 1) != 0; ++level) {
                each([&](Vector sum, std::size_t i) {
                    return hn::Add(hn::Load(kTag, held[level] + i * kLanes), sum);
                });
            }
            if (part + P == parts) break;
            each([&](Vector sum, std::size_t i) {
                hn::Store(sum, kTag, held[level] + i * kLanes);
                return sum;
            });
        }
    }

    HWY_INLINE void store(const DenseCall& call, std::size_t unit) {
        if (call.function == DenseFunction::relu && call.negative_slope != 0.F) {
            const float slope = call.negative_slope;
            each([&](Vector sum, std::size_t) { return leaky_relu(kTag, sum, slope); });
        } else if (call.function == DenseFunction::relu) {
            each([](Vector sum, std::size_t) { return relu(kTag, sum); });
        }
        float* to = call.result.rows + block * call.result.stride + unit * kBlockRows;
        each([&](Vector sum, std::size_t i) {
            hn::Store(sum, kTag, to + i * kLanes);
            return sum;
        });
    }

    std::size_t block;
    Vector sums[P][kVectors];  // NOLINT: vectors of Highway live in plain arrays only
};

template <std::size_t U, std::size_t P, bool kIsDot>
HWY_NOINLINE void column_tile(const DenseCall& call, const UnitWeights& weights, std::size_t unit,
                              std::size_t parts) {
    for (std::size_t block = 0; block * kBlockRows < call.rows; ++block) {
        ColumnTile<U, P, kIsDot>{block, {}}.run(call, weights, unit, parts);
    }
}

// Units [unit, unit + kUnits) whose weights lie evenly, in tiles of nearly the same size. Which
// tile comes next is fixed in the code: to decide it behind each tile cost a layer of 8 units a
// sixth of its time.
template <std::size_t P, bool kIsDot, std::size_t kUnits>
void column_units(const DenseCall& call, const UnitWeights& weights, std::size_t unit,
                  std::size_t parts) {
    constexpr std::size_t kMost = kTileUnits / P;
    constexpr std::size_t kTiles = (kUnits + kMost - 1) / kMost;
    constexpr std::size_t kSize = kUnits / kTiles;
    constexpr std::size_t kLarger = kUnits % kTiles;  // tiles, the first, of one unit more
    const std::size_t stride = kIsDot ? weights.unit_stride : 1;
    const auto run = [&]<std::size_t kTile>() {
        constexpr std::size_t kFirst = kTile * kSize + std::min(kTile, kLarger);
        const UnitWeights first{weights.first + kFirst * stride, weights.input_stride,
                                weights.unit_stride};
        column_tile<kSize + (kTile < kLarger ? 1 : 0), P, kIsDot>(call, first, unit + kFirst,
                                                                  parts);
    };
    [&]<std::size_t... kTile>(std::index_sequence<kTile...>) {
        (run.template operator()<kTile>(), ...);
    }
    (std::make_index_sequence<kTiles>());
}

// By the number of units, from 1.
template <std::size_t P, bool kIsDot, std::size_t kMostUnits>
constexpr auto kColumnUnits = []<std::size_t... kBefore>(std::index_sequence<kBefore...>) {
    return std::array{&column_units<P, kIsDot, kBefore + 1>...};
}
(std::make_index_sequence<kMostUnits>());

void column_units(const DenseCall& call, const UnitWeights& weights, std::size_t unit,
                  std::size_t units, std::size_t parts) {
    constexpr std::size_t kVectorsInParts = std::min(kPanelVectors, kSplitChains / 2);
    if (parts == 1) {
        kColumnUnits<1, false, kPanelVectors * kLanes>[units - 1](call, weights, unit, parts);
    } else {
        kColumnUnits<2, false, kVectorsInParts * kLanes>[units - 1](call, weights, unit, parts);
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
        const UnitWeights rows{weights, 1, kPacking.padded(call.inputs)};
        kColumnUnits<2, true, kDenseDotUnits>[call.units - 1](call, rows, 0, kLanes);
    } else {
        const std::size_t parts = parts_of(call);
        const std::size_t whole = kPacking.whole_units(call.units);
        for (std::size_t unit = 0; unit < std::min(whole, call.units);) {
            const std::size_t width = std::min(kPanelVectors * kLanes, whole - unit);
            column_units(call, {weights, width, 1}, unit, std::min(width, call.units - unit),
                         parts);
            weights += call.inputs * width;
            unit += width;
        }
        if (whole < call.units) {
            column_units(call, {weights, kPacking.tail_lanes(call.units), 1}, whole,
                         call.units - whole, parts);
        }
    }
    if (call.function != DenseFunction::none && call.function != DenseFunction::relu) {
        for (std::size_t block = 0; block * kBlockRows < call.rows; ++block) {
            apply_columns(call.function, call.negative_slope,
                          call.result.rows + block * call.result.stride, call.units);
        }
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
