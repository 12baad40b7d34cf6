#include "engine/window_taps.hpp"

#include <array>

namespace tamis::engine {

namespace {

constexpr std::size_t kMaxTaps = std::size_t{1} << 23;  // 64 MiB

// The next index tuple of these extents, last axis fastest.
void step(std::array<std::int64_t, kMaxRank>& index, std::span<const std::int64_t> extents) {
    for (std::size_t axis = extents.size(); axis-- > 0;) {
        if (++index.at(axis) < extents[axis]) return;
        index.at(axis) = 0;
    }
}

}  // namespace

tl::expected<WindowTaps, std::string> window_taps(const Window& window, const Shape& input,
                                                  const Shape& output) {
    const auto inside = input.dimensions().subspan(1);
    const auto outside = output.dimensions().subspan(1);
    WindowTaps table;
    for (const std::int64_t extent : window.kernel) {
        if (__builtin_mul_overflow(table.kernel_size, static_cast<std::size_t>(extent),
                                   &table.kernel_size)) {
            return tl::unexpected(std::string("a window too large to list"));
        }
    }
    table.input_size = input.element_count() / static_cast<std::size_t>(input[0]);
    const std::size_t positions = output.element_count() / static_cast<std::size_t>(output[0]);
    if (table.kernel_size > kMaxTaps || positions > kMaxTaps / table.kernel_size) {
        return tl::unexpected("a window of " + std::to_string(table.kernel_size) + " places at " +
                              std::to_string(positions) + " positions (too many); at most " +
                              std::to_string(kMaxTaps) + " are listed");
    }
    std::array<std::int64_t, kMaxRank> position{};
    for (std::size_t i = 0; i < positions; ++i, step(position, outside)) {
        table.first.push_back(static_cast<std::uint32_t>(table.taps.size()));
        std::array<std::int64_t, kMaxRank> tap{};
        for (std::size_t k = 0; k < table.kernel_size; ++k, step(tap, window.kernel)) {
            std::int64_t offset = 0;
            bool within = true;
            for (std::size_t axis = 0; axis < inside.size(); ++axis) {
                const std::int64_t at = position.at(axis) * window.strides[axis] -
                                        window.pads_begin[axis] +
                                        tap.at(axis) * window.dilations[axis];
                within = within && at >= 0 && at < inside[axis];
                offset = offset * inside[axis] + at;
            }
            if (within) {
                table.taps.push_back(
                    {static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(offset)});
            }
        }
    }
    table.first.push_back(static_cast<std::uint32_t>(table.taps.size()));
    return table;
}

}  // namespace tamis::engine
