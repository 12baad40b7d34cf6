// One step of an optimiser on one array of weights, with the vectors of the machine (Highway).
// Every operation is rounded by itself, so that the bits do not depend on the vectors' width.
// Stateless; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tamis::engine {

// What each does: OptimizerConfig.
enum class UpdateRule : std::uint8_t { sgd, nesterov, adagrad, rmsprop, adam, nadam };

// What one step has in common for all weights. A rule leaves those it does not know at 0.
struct UpdateNumbers {
    float rate = 0.F;         // adam: with both bias corrections
    float keep_first = 0.F;   // momentum or beta1
    float keep_second = 0.F;  // rho or beta2
    float epsilon = 0.F;
    float of_gradient = 0.F;  // nadam: factors of the gradient and of the moments
    float of_first = 0.F;
    float of_second = 0.F;
};

struct UpdateArrays {
    float* values = nullptr;
    const float* gradients = nullptr;
    float* first = nullptr;  // null where the rule has no such state
    float* second = nullptr;
    std::size_t count = 0;
};

// The gradient used is g + l2 * w.
void update_weights(UpdateRule rule, const UpdateNumbers& numbers, float l2,
                    const UpdateArrays& arrays) noexcept;

}  // namespace tamis::engine
