// The event builder against the naive one, for any sequence of calls that bytes can spell.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/support/builder_comparison.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string difference = tamis::tests::compare_builders({data, size});
    if (!difference.empty()) {
        std::fprintf(stderr, "the builders differ: %s\n", difference.c_str());
        std::abort();
    }
    return 0;
}
