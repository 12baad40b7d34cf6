#include "daemon/network_timing/fma_peak.hpp"

#include <algorithm>
#include <cstddef>

#include "daemon/steady_time.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tamis::daemon {

namespace {

constexpr int kChains = 12;  // latency x issue width: more than any core needs to stay busy
constexpr int kBursts = 16;
constexpr std::size_t kRounds = 60'000;

// One burst: its lanes, and a result that keeps the compiler from dropping it.
struct Burst {
    std::size_t lanes = 1;
    float sum = 0;
};

#if defined(__x86_64__)

__attribute__((target("avx512f"))) Burst burst_512(std::size_t rounds) {
    __m512 sums[kChains];
    for (int chain = 0; chain < kChains; ++chain) {
        sums[chain] = _mm512_set1_ps(static_cast<float>(chain));
    }
    const __m512 factor = _mm512_set1_ps(0.75F);
    const __m512 term = _mm512_set1_ps(0.25F);
    for (std::size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (int chain = 0; chain < kChains; ++chain) {
            sums[chain] = _mm512_fmadd_ps(sums[chain], factor, term);
        }
    }
    __m512 total = sums[0];
    for (int chain = 1; chain < kChains; ++chain) {
        total = _mm512_add_ps(total, sums[chain]);
    }
    return {.lanes = 16, .sum = _mm512_cvtss_f32(total)};
}

__attribute__((target("avx2,fma"))) Burst burst_256(std::size_t rounds) {
    __m256 sums[kChains];
    for (int chain = 0; chain < kChains; ++chain) {
        sums[chain] = _mm256_set1_ps(static_cast<float>(chain));
    }
    const __m256 factor = _mm256_set1_ps(0.75F);
    const __m256 term = _mm256_set1_ps(0.25F);
    for (std::size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
        for (int chain = 0; chain < kChains; ++chain) {
            sums[chain] = _mm256_fmadd_ps(sums[chain], factor, term);
        }
    }
    __m256 total = sums[0];
    for (int chain = 1; chain < kChains; ++chain) {
        total = _mm256_add_ps(total, sums[chain]);
    }
    return {.lanes = 8, .sum = _mm256_cvtss_f32(total)};
}

#endif

// Four lanes that every compiler turns into the vectors each 64-bit processor has.
Burst burst_plain(std::size_t rounds) {
    constexpr int kLanes = 4;
    float sums[kChains][kLanes] = {};
    for (std::size_t round = 0; round < rounds; ++round) {
        for (auto& chain : sums) {
            for (float& lane : chain) {
                lane = lane * 0.75F + 0.25F;
            }
        }
    }
    return {.lanes = kLanes, .sum = sums[0][0]};
}

using BurstFunction = Burst (*)(std::size_t);

BurstFunction widest_burst() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") != 0) {
        return burst_512;
    }
    if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
        return burst_256;
    }
#endif
    return burst_plain;
}

}  // namespace

double measure_fma_peak() {
    const BurstFunction burst = widest_burst();
    volatile float sink = 0;
    double best = 0;
    for (int repetition = 0; repetition < kBursts; ++repetition) {
        const std::uint64_t start = steady_clock_ns();
        const Burst done = burst(kRounds);
        const auto elapsed_ns = static_cast<double>(steady_clock_ns() - start);
        sink = sink + done.sum;
        best = std::max(best, static_cast<double>(kRounds * kChains * done.lanes) / elapsed_ns);
    }
    return best * 1e9;
}

}  // namespace tamis::daemon
