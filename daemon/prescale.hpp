// Stateless prescale (design 3.4): one event of N is kept, chosen by a hash of (run, event, path
// name). Any node and any replay keeps the same events; no counter, no thread rule, no memory.
//
// Fixed for clients in other languages: key = FNV-1a 64 of the name's UTF-8 bytes (low word first),
// counter = {run, event & 0xffffffff, event >> 32, 0}; r = the first two words of Philox 4x32-10
// (Salmon et al., SC11) as r0 + 2^32 r1; kept when the upper 64 bits of r * N are 0, that is
// r < 2^64 / N.
#pragma once

#include <cstdint>
#include <string_view>

namespace tamis::daemon {

class Prescale {
 public:
    // factor: 0 keeps nothing, 1 keeps all.
    Prescale(std::string_view path_name, std::uint32_t factor) noexcept;

    [[nodiscard]] bool keeps(std::uint32_t run, std::uint64_t event) const noexcept;
    [[nodiscard]] std::uint32_t factor() const noexcept { return factor_; }

 private:
    std::uint64_t key_;
    std::uint32_t factor_;
};

}  // namespace tamis::daemon
