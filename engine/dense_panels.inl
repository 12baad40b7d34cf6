// Part of dense_kernels.cpp, compiled once per instruction set: layers whose units fill vectors.
// Inputs are broadcast; weights are read once for several rows.
namespace tamis::engine::HWY_NAMESPACE {

constexpr bool kManyRegisters = HWY_ARCH_ARM_A64 != 0 || HWY_TARGET <= HWY_AVX3;
// Sums kept in registers: 32 or 16 less what weights and inputs take.
constexpr std::size_t kAccumulators = kManyRegisters ? 24 : 12;
// A sum waits four cycles for itself and two start per cycle: so many sums keep the units busy.
constexpr std::size_t kRowChains = 8;
// With few registers a row's inputs would be read once per sum; fewer parts leave room for rows.
constexpr std::size_t kSplitChains = kManyRegisters ? 8 : 4;
constexpr std::size_t kPanelVectors = kManyRegisters ? 4 : 2;
constexpr std::size_t kMaxTileRows = 6;

// What says how weights are packed.
constexpr DenseKernels kPacking{.lanes = kLanes, .panel_vectors = kPanelVectors};

// A layer of few units sums its inputs in this many interleaved parts, to be no longer than wider
// ones.
constexpr std::size_t splits_of(std::size_t vectors) {
    std::size_t splits = 1;
    while (splits * 2 * vectors <= kSplitChains) splits *= 2;
    return splits;
}

// Else the compiler reads the weights again for each row, and reading becomes the limit.
template <class V>
HWY_INLINE void keep_in_register([[maybe_unused]] V& vector) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
    asm("" : "+v"(vector.raw));  // NOLINT
#endif
}

// In a fixed order.
template <std::size_t S, class Vec>
HWY_INLINE Vec sum_of_parts(const Vec (&part)[S]) {  // NOLINT
    if constexpr (S == 8) {
        return hn::Add(hn::Add(hn::Add(part[0], part[1]), hn::Add(part[2], part[3])),
                       hn::Add(hn::Add(part[4], part[5]), hn::Add(part[6], part[7])));
    } else if constexpr (S == 4) {
        return hn::Add(hn::Add(part[0], part[1]), hn::Add(part[2], part[3]));
    } else if constexpr (S == 2) {
        return hn::Add(part[0], part[1]);
    } else {
        return part[0];
    }
}

// The sums of R rows by V vectors of units, each in S parts, on vectors of D.
template <class D, std::size_t R, std::size_t V, std::size_t S>
struct Sums {
    static constexpr D kD{};
    static constexpr std::size_t kWidth = hn::MaxLanes(D());
    hn::Vec<D> part[R][V][S];  // NOLINT: vectors of Highway live in plain arrays only
    hn::Vec<D> w[V];           // NOLINT: the weights of one input

    HWY_INLINE void start(const float* bias) {
        HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
            const auto first = hn::Load(kD, bias + v * kWidth);
            HWY_UNROLL(6) for (std::size_t r = 0; r < R; ++r) {
                part[r][v][0] = first;
                HWY_UNROLL(8) for (std::size_t s = 1; s < S; ++s) part[r][v][s] = hn::Zero(kD);
            }
        }
    }

    HWY_INLINE void load(const float* weights) {
        HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
            w[v] = hn::Load(kD, weights + v * kWidth);
            if constexpr (R > 1) keep_in_register(w[v]);
        }
    }

    // An input of row r into part s.
    HWY_INLINE void add(std::size_t r, std::size_t s, hn::Vec<D> input) {
        HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
            part[r][v][s] = hn::MulAdd(input, w[v], part[r][v][s]);
        }
    }
};

template <class D, std::size_t R, std::size_t S>
struct Sums<D, R, 0, S> {
    HWY_INLINE void start(const float*) {}
    HWY_INLINE void load(const float*) {}
    HWY_INLINE void add(std::size_t, std::size_t, hn::Vec<D>) {}
};

// Some rows of a panel of V vectors and a narrow one beside it (TL lanes; 0: none).
template <std::size_t R, std::size_t V, std::size_t S, std::size_t TL>
struct Tile {
    using TailTag = hn::CappedTag<float, TL == 0 ? 1 : TL>;
    static constexpr std::size_t kWidth = V * kLanes;

    // One input of each row into part s. Read into a whole vector, for a broadcast from memory is
    // free and one from a register is not.
    HWY_INLINE void add(std::size_t s, const float* x, std::size_t stride) {
        whole.load(weights);
        tail.load(tail_weights);
        HWY_UNROLL(6) for (std::size_t r = 0; r < R; ++r) {
            if constexpr (V > 0) {
                const Vector input = hn::Set(kTag, x[r * stride]);
                whole.add(r, s, input);
                if constexpr (TL > 0) tail.add(r, s, lowest<TL>(input));
            } else {
                tail.add(r, s, hn::Set(TailTag(), x[r * stride]));
            }
        }
        weights += kWidth;
        tail_weights += TL;
    }

    HWY_INLINE void run(const DenseCall& call, const Target& target, std::size_t row,
                        std::size_t unit) {
        whole.start(call.weights + unit);
        tail.start(call.weights + unit + kWidth);
        for (const DenseSource& source : call.sources) {
            const float* x = source.rows + row * source.stride;
            const float* const end = x + source.width;
            for (; x + S <= end; x += S) {
                HWY_UNROLL(8) for (std::size_t s = 0; s < S; ++s) add(s, x + s, source.stride);
            }
            HWY_UNROLL(8) for (std::size_t s = 0; s + 1 < S; ++s) {
                if (x + s < end) add(s, x + s, source.stride);
            }
        }
        HWY_UNROLL(6) for (std::size_t r = 0; r < R; ++r) {
            if constexpr (V > 0) {
                Vector sums[V];  // NOLINT
                HWY_UNROLL(8) for (std::size_t v = 0; v < V; ++v) {
                    sums[v] = sum_of_parts(whole.part[r][v]);
                }
                target.store(kTag, row + r, unit, sums);
            }
            if constexpr (TL > 0) {
                hn::Vec<TailTag> sums[1] = {sum_of_parts(tail.part[r][0])};  // NOLINT
                target.store(TailTag(), row + r, unit + kWidth, sums);
            }
        }
    }

    const float* weights;
    const float* tail_weights;
    Sums<Tag, R, V, S> whole;
    Sums<TailTag, R, TL == 0 ? 0 : 1, S> tail;
};

// All rows by one panel.
template <std::size_t V, std::size_t S, std::size_t TL>
void panel(const DenseCall& call, std::size_t unit, const float* weights) {
    constexpr std::size_t kVectors = V + (TL == 0 ? 0 : 1);
    constexpr std::size_t kRows = std::min(kMaxTileRows, kAccumulators / (kVectors * S));
    const float* tail = weights + call.inputs * V * kLanes;
    const Target target(call);
    std::size_t row = 0;
    for (; row + kRows <= call.rows; row += kRows) {
        Tile<kRows, V, S, TL>{weights, tail, {}, {}}.run(call, target, row, unit);
    }
    if constexpr (kRows > 2) {
        for (; row + 2 <= call.rows; row += 2) {
            Tile<2, V, S, TL>{weights, tail, {}, {}}.run(call, target, row, unit);
        }
    }
    for (; row < call.rows; ++row) {
        Tile<1, V, S, TL>{weights, tail, {}, {}}.run(call, target, row, unit);
    }
}

// One row by P panels at once, the last of VL vectors, and a narrow one (TL lanes; 0: none): a
// panel alone has too few sums to keep the units busy. The same sums in the same order as Tile<1,
// V, 1, TL>.
template <std::size_t P, std::size_t VL, std::size_t TL>
HWY_INLINE void row_of_panels(const DenseCall& call, std::size_t unit, const float* weights,
                              const float* tail_weights) {
    constexpr std::size_t kFull = (P - 1) * kPanelVectors;
    constexpr std::size_t kVectors = kFull + VL;
    const std::size_t panel_floats = call.inputs * kPanelVectors * kLanes;
    Vector sums[kVectors];  // NOLINT
    HWY_UNROLL(8) for (std::size_t v = 0; v < kVectors; ++v) {
        sums[v] = hn::Load(kTag, call.weights + unit + v * kLanes);
    }
    Sums<hn::CappedTag<float, TL == 0 ? 1 : TL>, 1, TL == 0 ? 0 : 1, 1> tail;
    tail.start(call.weights + unit + kVectors * kLanes);
    const float* last = weights + (P - 1) * panel_floats;
    for (const DenseSource& source : call.sources) {
        for (std::size_t k = 0; k < source.width; ++k) {
            const Vector input = hn::Set(kTag, source.rows[k]);
            HWY_UNROLL(8) for (std::size_t v = 0; v < kFull; ++v) {
                const float* w = weights + v / kPanelVectors * panel_floats;
                sums[v] =
                    hn::MulAdd(input, hn::Load(kTag, w + v % kPanelVectors * kLanes), sums[v]);
            }
            HWY_UNROLL(8) for (std::size_t v = 0; v < VL; ++v) {
                sums[kFull + v] =
                    hn::MulAdd(input, hn::Load(kTag, last + v * kLanes), sums[kFull + v]);
            }
            weights += kPanelVectors * kLanes;
            last += VL * kLanes;
            if constexpr (TL > 0) {
                tail.load(tail_weights);
                tail.add(0, 0, lowest<TL>(input));
                tail_weights += TL;
            }
        }
    }
    const Target target(call);
    target.store(kTag, 0, unit, sums);
    if constexpr (TL > 0) {
        hn::Vec<hn::CappedTag<float, TL>> narrow[1] = {tail.part[0][0][0]};  // NOLINT
        target.store(hn::CappedTag<float, TL>(), 0, unit + kVectors * kLanes, narrow);
    }
}

// A narrow panel beside the last ones.
struct Tail {
    std::size_t lanes = 0;
    const float* weights = nullptr;
};

template <std::size_t P, std::size_t VL>
void row_of_panels(const DenseCall& call, std::size_t unit, const float* weights,
                   const Tail& tail) {
    if constexpr (kLanes > 4) {
        if (tail.lanes == 4) return row_of_panels<P, VL, 4>(call, unit, weights, tail.weights);
    }
    if constexpr (kLanes > 8) {
        if (tail.lanes == 8) return row_of_panels<P, VL, 8>(call, unit, weights, tail.weights);
    }
    row_of_panels<P, VL, 0>(call, unit, weights, nullptr);
}

template <std::size_t P>
void row_of_panels(const DenseCall& call, std::size_t unit, const float* weights,
                   std::size_t last_vectors, const Tail& tail) {
    if (last_vectors == 1) return row_of_panels<P, 1>(call, unit, weights, tail);
    if (last_vectors == 2) return row_of_panels<P, 2>(call, unit, weights, tail);
    if constexpr (kPanelVectors == 4) {
        if (last_vectors == 3) return row_of_panels<P, 3>(call, unit, weights, tail);
        row_of_panels<P, 4>(call, unit, weights, tail);
    }
}

void one_row(const DenseCall& call, std::size_t vectors, std::size_t tail_lanes,
             const float* weights) {
    constexpr std::size_t kGroup = kRowChains / kPanelVectors;
    const Tail last_tail{tail_lanes, weights + call.inputs * vectors * kLanes};
    std::size_t unit = 0;
    while (vectors > 0) {
        const std::size_t panels = std::min(kGroup, (vectors + kPanelVectors - 1) / kPanelVectors);
        const std::size_t in_group = std::min(vectors, panels * kPanelVectors);
        const std::size_t last = in_group - (panels - 1) * kPanelVectors;
        const Tail tail = in_group == vectors ? last_tail : Tail();
        if (panels == 1) {
            row_of_panels<1>(call, unit, weights, last, tail);
        } else if (panels == 2) {
            row_of_panels<2>(call, unit, weights, last, tail);
        } else if constexpr (kGroup == 4) {
            if (panels == 3) {
                row_of_panels<3>(call, unit, weights, last, tail);
            } else {
                row_of_panels<4>(call, unit, weights, last, tail);
            }
        }
        weights += call.inputs * in_group * kLanes;
        unit += in_group * kLanes;
        vectors -= in_group;
    }
}

// Adding up parts takes as long as eight inputs; a short layer of one vector has half as many.
constexpr std::size_t kShortInputs = 32;

template <std::size_t V, std::size_t TL>
void one_panel(const DenseCall& call, const float* weights) {
    constexpr std::size_t kVectors = V + (TL == 0 ? 0 : 1);
    constexpr std::size_t kSplits = splits_of(kVectors);
    if constexpr (kVectors == 1) {
        if (call.inputs < kShortInputs) return panel<V, kSplits / 2, TL>(call, 0, weights);
    }
    panel<V, kSplits, TL>(call, 0, weights);
}

template <std::size_t V>
void one_panel(const DenseCall& call, std::size_t tail_lanes, const float* weights) {
    if constexpr (V < kPanelVectors) {
        if constexpr (kLanes > 4) {
            if (tail_lanes == 4) return one_panel<V, 4>(call, weights);
        }
        if constexpr (kLanes > 8) {
            if (tail_lanes == 8) return one_panel<V, 8>(call, weights);
        }
    }
    if constexpr (V > 0) one_panel<V, 0>(call, weights);
}

// A layer of one panel.
void one_panel(const DenseCall& call, std::size_t vectors, std::size_t tail_lanes,
               const float* weights) {
    if (vectors == 0) return one_panel<0>(call, tail_lanes, weights);
    if (vectors == 1) return one_panel<1>(call, tail_lanes, weights);
    if (vectors == 2) return one_panel<2>(call, tail_lanes, weights);
    if constexpr (kPanelVectors == 4) {
        if (vectors == 3) return one_panel<3>(call, tail_lanes, weights);
        one_panel<4>(call, tail_lanes, weights);
    }
}

void many_panels(const DenseCall& call, std::size_t vectors, std::size_t tail_lanes,
                 const float* weights) {
    std::size_t unit = 0;
    const auto next = [&]<std::size_t V, std::size_t TL>() {
        panel<V, 1, TL>(call, unit, weights);
        weights += call.inputs * V * kLanes;
        unit += V * kLanes;
        vectors -= V;
    };
    // With few registers a narrow panel alone has too few sums to keep the units busy.
    constexpr bool kJoinsTail = kPanelVectors == 2 && kLanes > 4;
    const std::size_t joined = kJoinsTail && tail_lanes > 0 ? kPanelVectors : kPanelVectors - 1;
    while (vectors > joined) next.template operator()<kPanelVectors, 0>();
    if constexpr (kJoinsTail) {
        if (tail_lanes > 0 && vectors == 1) return next.template operator()<1, 4>();
        if (tail_lanes > 0) return next.template operator()<2, 4>();
    }
    if (vectors == 1) next.template operator()<1, 0>();
    if constexpr (kPanelVectors == 4) {
        if (vectors == 2) next.template operator()<2, 0>();
        if (vectors == 3) next.template operator()<3, 0>();
    }
    if constexpr (kLanes > 8) {
        if (tail_lanes == 4) next.template operator()<0, 4>();
        if (tail_lanes == 8) next.template operator()<0, 8>();
    }
}

}  // namespace tamis::engine::HWY_NAMESPACE
