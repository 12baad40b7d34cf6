#include "daemon/prescale.hpp"

#include <Random123/philox.h>

namespace tamis::daemon {
namespace {

std::uint64_t fnv1a(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    return hash;
}

}  // namespace

Prescale::Prescale(std::string_view path_name, std::uint32_t factor) noexcept
    : key_(fnv1a(path_name)), factor_(factor) {}

bool Prescale::keeps(std::uint32_t run, std::uint64_t event) const noexcept {
    if (factor_ <= 1) {
        return factor_ == 1;
    }
    const auto low = static_cast<std::uint32_t>(event);
    const auto high = static_cast<std::uint32_t>(event >> 32);
    const r123::Philox4x32::ctr_type counter = {{run, low, high, 0}};
    const r123::Philox4x32::key_type key = {
        {static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32)}};
    const auto random = r123::Philox4x32{}(counter, key);
    const std::uint64_t r = random[0] + (static_cast<std::uint64_t>(random[1]) << 32);
    // Upper half of the 96-bit product r * factor, without a 128-bit type.
    const std::uint64_t carry = ((r & 0xffffffffU) * factor_) >> 32;
    return ((r >> 32) * factor_ + carry) >> 32 == 0;
}

}  // namespace tamis::daemon
