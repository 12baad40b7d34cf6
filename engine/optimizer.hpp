// Optimisers over any set of parameters: those of one network, of several, or a recipe's own
// arrays. Plain loops in a fixed order: the same gradients give the same weights, bit for bit. One
// thread.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace tamis::engine {

// A learned tensor and its gradient. The arrays belong to whoever made it.
struct TrainableParameter {
    std::string name;
    Shape shape;
    std::span<float> values;
    std::span<float> gradient;
    bool is_kernel =
        false;  // of a dense or convolution layer: what L2 and max-norm act on by default
    std::size_t unit_axis = 0;  // the axis of a kernel that counts its output units
};

// Acts on one parameter.
struct Constraint {
    float l2 = 0.F;        // adds l2 * w to the gradient (a loss of l2/2 * |w|^2)
    float max_norm = 0.F;  // after each step, |w| of each output unit is at most this; 0: no limit
};

struct OptimizerConfig {
    enum class Kind { adam, sgd } kind = Kind::adam;
    float learning_rate = 1e-3F;
    float beta1 = 0.9F;  // Adam (Kingma, Ba 2015, algorithm 1)
    float beta2 = 0.999F;
    float epsilon = 1e-7F;
    float momentum = 0.F;     // SGD
    bool nesterov = false;    // SGD
    float decay = 0.F;        // learning rate / (1 + decay * steps), as Keras
    Constraint kernels = {};  // for every kernel
    std::map<std::string, Constraint> of_parameter = {};  // by name: replaces the above
};

class Optimizer {
 public:
    explicit Optimizer(OptimizerConfig config);

    // One step on all parameters; must be given the same ones, in the same order, at every call.
    void step(std::span<const TrainableParameter> parameters);

    [[nodiscard]] float learning_rate() const { return config_.learning_rate; }
    void set_learning_rate(float rate) { config_.learning_rate = rate; }
    [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
    struct Moments {
        FloatBuffer first;
        FloatBuffer second;
    };
    void step_adam(const TrainableParameter& parameter, Moments& moments, float l2) const;
    void step_sgd(const TrainableParameter& parameter, Moments& moments, float l2) const;

    OptimizerConfig config_;
    std::vector<Moments> moments_;
    std::uint64_t steps_ = 0;
};

}  // namespace tamis::engine
