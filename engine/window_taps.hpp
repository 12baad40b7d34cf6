// Where a sliding window reads, as a list: what plain loops over windows of any rank walk. Made on
// the cold path; plain data.
#pragma once

#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "engine/window.hpp"

namespace tamis::engine {

// One place of the window that lies inside the input.
struct Tap {
    std::uint32_t kernel = 0;  // offset in the kernel's plane
    std::uint32_t input = 0;   // offset in the input's plane
};

struct WindowTaps {
    std::vector<std::uint32_t> first;  // per output position, and the end
    std::vector<Tap> taps;
    std::size_t kernel_size = 1;  // elements of a kernel's plane
    std::size_t input_size = 1;   // elements of an input's plane

    [[nodiscard]] std::size_t positions() const { return first.size() - 1; }
    [[nodiscard]] std::span<const Tap> at(std::size_t position) const {
        return std::span(taps).subspan(first[position], first[position + 1] - first[position]);
    }
};

// input, output: row shapes [channels, ...]. Error: more taps than a table may have.
[[nodiscard]] tl::expected<WindowTaps, std::string> window_taps(const Window& window,
                                                                const Shape& input,
                                                                const Shape& output);

}  // namespace tamis::engine
