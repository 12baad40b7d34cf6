#include "engine/strided_loops.hpp"

#include <gsl/assert>

namespace tamis::engine {

Strides repeated_strides(const Shape& own, const Shape& result) {
    Expects(own.rank() <= result.rank());
    Strides strides(result.rank(), 0);
    const std::size_t shift = result.rank() - own.rank();
    std::size_t stride = 1;
    for (std::size_t axis = own.rank(); axis-- > 0;) {
        strides[axis + shift] = own[axis] == 1 ? 0 : stride;
        stride *= static_cast<std::size_t>(own[axis]);
    }
    return strides;
}

}  // namespace tamis::engine
