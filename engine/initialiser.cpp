#include "engine/initialiser.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

#include "engine/random.hpp"

namespace tamis::engine {

void initialise(Tensor& tensor, Initialiser how, std::int64_t fan_in, std::int64_t fan_out,
                std::uint64_t seed, const std::string& name) {
    Expects(fan_in >= 1 && fan_out >= 1);
    const std::uint64_t stream = stream_of(name.c_str());
    const auto limit = static_cast<float>(std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)));
    const auto sigma = static_cast<float>(std::sqrt(2.0 / static_cast<double>(fan_in)));
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
        switch (how) {
            case Initialiser::zero:
                tensor.values[i] = 0.F;
                break;
            case Initialiser::one:
                tensor.values[i] = 1.F;
                break;
            case Initialiser::glorot_uniform:
                tensor.values[i] = (2.F * random_uniform(seed, stream, i) - 1.F) * limit;
                break;
            case Initialiser::he_normal:
                tensor.values[i] = std::clamp(random_normal(seed, stream, i), -2.F, 2.F) * sigma;
                break;
        }
    }
}

}  // namespace tamis::engine
