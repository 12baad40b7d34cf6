// First values of weights: a function of (seed, weight name) alone. Cold path, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "engine/tensor.hpp"

namespace tamis::engine {

enum class Initialiser {
    zero,
    one,
    glorot_uniform,  // uniform in +-sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010), the Keras
                     // default
    he_normal,       // normal with variance 2 / fan_in (He et al. 2015), cut at two sigma
};

// fan_in, fan_out: inputs and outputs of one unit (with the receptive field for convolutions), each
// >= 1.
void initialise(Tensor& tensor, Initialiser how, std::int64_t fan_in, std::int64_t fan_out,
                std::uint64_t seed, const std::string& name);

}  // namespace tamis::engine
