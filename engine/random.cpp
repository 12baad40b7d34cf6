#include "engine/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace tamis::engine {

std::array<std::uint32_t, 4> random_words(std::uint64_t seed, std::uint64_t stream,
                                          std::uint64_t index) noexcept {
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    r123::Philox4x32 generator;
    const r123::Philox4x32::ctr_type counter{{low(index), high(index), low(stream), high(stream)}};
    const r123::Philox4x32::key_type key{{low(seed), high(seed)}};
    const auto words = generator(counter, key);
    return {words[0], words[1], words[2], words[3]};
}

float random_uniform(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) noexcept {
    return static_cast<float>(random_words(seed, stream, index)[0] >> 8) * 0x1p-24F;
}

float random_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) noexcept {
    const auto words = random_words(seed, stream, index);
    const double u = (static_cast<double>(words[0]) + 0.5) * 0x1p-32;
    const double v = (static_cast<double>(words[1]) + 0.5) * 0x1p-32;
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

std::uint64_t random_below(std::uint64_t bound, std::uint64_t seed, std::uint64_t stream,
                           std::uint64_t index) noexcept {
    const auto words = random_words(seed, stream, index);
    const std::uint64_t word = (std::uint64_t{words[0]} << 32) | words[1];
    // The high half of the product: unbiased to 2^-64 * bound.
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(word) * bound) >> 64);
}

std::uint64_t stream_of(const char* name) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325ULL;
    for (; *name != '\0'; ++name) {
        hash = (hash ^ static_cast<unsigned char>(*name)) * 0x0000'0100'0000'01b3ULL;
    }
    return hash;
}

}  // namespace tamis::engine
