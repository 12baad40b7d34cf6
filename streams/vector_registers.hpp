// After the checksums of ISA-L. They leave the upper halves of the vector registers in use, and
// from then on every instruction in the older SSE encoding, which is what this program and the
// mathematics of the C library mostly consist of, waits for its predecessor: measured, five times
// slower until the registers are released. Call release_vector_registers() after each such
// checksum.
#pragma once

namespace tamis::streams {

#if defined(__x86_64__)
namespace vector_registers {
[[gnu::target("avx")]] inline void clear_upper_halves() noexcept { __builtin_ia32_vzeroupper(); }
}  // namespace vector_registers

inline void release_vector_registers() noexcept {
    if (__builtin_cpu_supports("avx") != 0) {
        vector_registers::clear_upper_halves();
    }
}
#else
inline void release_vector_registers() noexcept {}
#endif

}  // namespace tamis::streams
