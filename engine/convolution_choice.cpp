#include "engine/convolution_choice.hpp"

#include <algorithm>
#include <array>

namespace tamis::engine {

namespace {

struct Range {
    std::size_t least = 1;
    std::size_t most = 1;
    [[nodiscard]] bool holds(std::size_t value) const { return value >= least && value <= most; }
};

// A square kernel of this extent on images of at least so many tiles of Winograd's transform.
struct Rule {
    VectorUnit::Set set;
    ConvolutionExecutor executor;
    std::size_t kernel;
    Range channels;
    Range filters;
    std::size_t least_tiles = 1;
};

constexpr auto kWinograd = ConvolutionExecutor::winograd;
constexpr auto kDirect = ConvolutionExecutor::direct;
using Set = VectorUnit::Set;

// The first rule that holds; none: oneDNN. Measured on a Xeon of the fifth generation (AVX2 and
// SSE4 by limiting both sides) at 1 and 64 images, channels and filters up to 256, images of 4x4 to
// 32x32: a rule is where ours is the faster one at both. Neon was not measured.
constexpr std::array kRules = {
    Rule{Set::avx512, kWinograd, 3, {16, 256}, {32, 256}},
    Rule{Set::avx512, kWinograd, 3, {32, 256}, {8, 256}},
    Rule{Set::avx512, kWinograd, 3, {8, 256}, {64, 256}},
    Rule{Set::avx512, kWinograd, 4, {24, 256}, {32, 256}, 9},
    Rule{Set::avx512, kWinograd, 5, {24, 256}, {64, 256}, 16},
    Rule{Set::avx512, kDirect, 3, {1, 15}, {1, 256}},

    // Of one tile per image the transformed weights are too many.
    Rule{Set::avx2, kWinograd, 3, {16, 64}, {8, 64}},
    Rule{Set::avx2, kWinograd, 3, {8, 256}, {8, 256}, 4},
    Rule{Set::avx2, kWinograd, 4, {8, 256}, {8, 256}, 9},
    Rule{Set::avx2, kWinograd, 5, {16, 256}, {8, 256}, 16},
    Rule{Set::avx2, kDirect, 3, {1, 3}, {1, 256}},
    Rule{Set::avx2, kDirect, 3, {4, 7}, {1, 16}},
    Rule{Set::avx2, kDirect, 3, {4, 7}, {17, 256}, 9},

    Rule{Set::sse4, kWinograd, 3, {16, 64}, {8, 64}},
    Rule{Set::sse4, kWinograd, 3, {8, 256}, {8, 256}, 4},
    Rule{Set::sse4, kDirect, 3, {1, 4}, {1, 256}},

    Rule{Set::neon, kWinograd, 3, {16, 64}, {8, 64}},
    Rule{Set::neon, kWinograd, 3, {8, 256}, {8, 256}, 4},
    Rule{Set::neon, kDirect, 3, {1, 4}, {1, 256}},
};

}  // namespace

ConvolutionExecutor choose_convolution(const ConvolutionGeometry& geometry,
                                       const VectorUnit& unit) {
    const auto holds = [&](const Rule& rule) {
        return rule.set == unit.set && rule.kernel == geometry.kernel_height &&
               rule.kernel == geometry.kernel_width && rule.channels.holds(geometry.channels) &&
               rule.filters.holds(geometry.filters) && winograd_tiles(geometry) >= rule.least_tiles;
    };
    const auto* const rule = std::ranges::find_if(kRules, holds);
    return rule == kRules.end() ? ConvolutionExecutor::onednn : rule->executor;
}

}  // namespace tamis::engine
