// Which vector instructions kernels of ours run on: the best of those they are compiled for that
// this machine has. Asked where a network is compiled, which keeps the kernels it was given.
#pragma once

#include <cstddef>

namespace tamis::engine {

struct VectorUnit {
    enum class Set { portable, sse4, avx2, avx512, neon } set = Set::portable;
    const char* name = "";
    std::size_t lanes = 4;  // floats in a register
    std::size_t registers = 16;
};

[[nodiscard]] VectorUnit vector_unit();

}  // namespace tamis::engine
