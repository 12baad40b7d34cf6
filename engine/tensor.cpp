#include "engine/tensor.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <gsl/assert>

namespace tamis::engine {

namespace {

// Without branches and in whole blocks, so that a block is a few vector instructions; the last
// block reaches back into the one before it. An exponent of all ones is Inf or NaN: one more
// carries into the bit where the sign was. At least Width values.
template <std::size_t Width>
bool finite_in_blocks(const float* values, std::size_t count) noexcept {
    constexpr std::uint32_t kMagnitude = 0x7fff'ffff;
    constexpr std::uint32_t kOneMore = 0x0080'0000;
    std::array<std::uint32_t, Width> seen{};
    for (std::size_t next = 0; next < count; next += Width) {
        const float* block = values + std::min(next, count - Width);
        for (std::size_t lane = 0; lane < Width; ++lane) {
            seen[lane] |= (std::bit_cast<std::uint32_t>(block[lane]) & kMagnitude) + kOneMore;
        }
    }
    std::uint32_t any = 0;
    for (const std::uint32_t lane : seen) any |= lane;
    return (any & ~kMagnitude) == 0;
}

}  // namespace

Shape::Shape(std::initializer_list<std::int64_t> dimensions) {
    auto made = make(std::span(dimensions.begin(), dimensions.size()));
    Expects(made.has_value());
    *this = std::move(*made);
}

tl::expected<Shape, std::string> Shape::make(std::span<const std::int64_t> dimensions) {
    Shape shape;
    for (const std::int64_t dimension : dimensions) {
        if (dimension < 1 || dimension > kMaxDimension) {
            return tl::unexpected("dimension " + std::to_string(dimension) +
                                  " (out of range); each dimension lies in 1.." +
                                  std::to_string(kMaxDimension));
        }
        std::size_t product = 0;
        if (__builtin_mul_overflow(shape.element_count_, static_cast<std::size_t>(dimension),
                                   &product) ||
            product > kMaxElements) {
            return tl::unexpected("a tensor of more than " + std::to_string(kMaxElements) +
                                  " elements (too large); use a smaller network");
        }
        shape.element_count_ = product;
        shape.dimensions_.push_back(dimension);
    }
    return shape;
}

std::string Shape::text() const {
    std::string text = "[";
    for (std::size_t axis = 0; axis < rank(); ++axis) {
        text += (axis == 0 ? "" : ", ") + std::to_string(dimensions_[axis]);
    }
    return text + "]";
}

Tensor::Tensor(Shape of, std::span<const float> row_major)
    : shape(std::move(of)), values(row_major.begin(), row_major.end()) {
    Expects(values.size() == shape.element_count());
}

bool all_finite(std::span<const float> values) noexcept {
    const std::size_t count = values.size();
    if (count >= 16) return finite_in_blocks<16>(values.data(), count);
    if (count >= 4) return finite_in_blocks<4>(values.data(), count);
    return finite_in_blocks<1>(values.data(), count);
}

}  // namespace tamis::engine
