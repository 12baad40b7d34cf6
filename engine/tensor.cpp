#include "engine/tensor.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::engine {

Shape::Shape(std::initializer_list<std::int64_t> dimensions) {
    auto made = make(std::span(dimensions.begin(), dimensions.size()));
    Expects(made.has_value());
    *this = std::move(*made);
}

tl::expected<Shape, std::string> Shape::make(std::span<const std::int64_t> dimensions) {
    Shape shape;
    if (dimensions.size() > kMaxRank) {
        return tl::unexpected(std::to_string(dimensions.size()) +
                              " dimensions (too many); a tensor has at most " +
                              std::to_string(kMaxRank));
    }
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

}  // namespace tamis::engine
