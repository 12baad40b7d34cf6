// Optimisers over any set of parameters: those of one network, of several, or a recipe's own
// arrays. Every operation of a step is rounded by itself, whatever the vector width: the same
// gradients give the same weights, bit for bit, on any machine. One thread.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint.hpp"
#include "engine/optimizer_kernels.hpp"
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

// Formulae and defaults are those of Keras 2 (optimizer_v2), which differ from the papers in where
// epsilon stands.
struct OptimizerConfig {
    // sgd: v = momentum v - rate g, w += v.
    // nesterov (Sutskever et al. 2013): the same v, w += momentum v - rate g.
    // adagrad (Duchi et al. 2011): s += g^2, w -= rate g / (sqrt s + epsilon).
    // rmsprop (Hinton, lecture 6e): s = rho s + (1 - rho) g^2, w -= rate g / (sqrt s + epsilon).
    // adam (Kingma, Ba 2015, algorithm 1): both bias corrections in one factor, as their section 2.
    // nadam (Dozat 2016): Adam with Nesterov momentum beta1 (1 - 0.5 * 0.96^(0.004 t)).
    using Kind = UpdateRule;
    Kind kind = Kind::adam;
    float learning_rate = 1e-3F;
    float beta1 = 0.9F;    // adam, nadam
    float beta2 = 0.999F;  // adam, nadam
    float epsilon = 1e-7F;
    float momentum = 0.F;            // sgd, nesterov
    float rho = 0.9F;                // rmsprop
    float first_accumulator = 0.1F;  // adagrad: s before the first step
    float decay = 0.F;               // learning rate / (1 + decay * steps), as Keras
    Constraint kernels = {};         // for every kernel
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

    // All that the next step depends on but the configuration, under "optimizer/".
    void save_into(Checkpoint& checkpoint) const;
    // Before the first step; the parameters that step() will get.
    void restore_from(CheckpointReader& checkpoint, std::span<const TrainableParameter> parameters);

 private:
    struct Slot {
        Constraint constraint;
        FloatBuffer first;   // velocity or mean of gradients
        FloatBuffer second;  // mean or sum of their squares
    };
    void prepare(std::span<const TrainableParameter> parameters);
    [[nodiscard]] UpdateNumbers next_numbers();
    void project_to_norm(const TrainableParameter& parameter, float max_norm);

    OptimizerConfig config_;
    std::vector<Slot> slots_;
    std::vector<double> squares_;  // of one parameter's units
    std::uint64_t steps_ = 0;
    double momentum_product_ = 1.0;  // nadam: of the momenta of all steps so far
};

}  // namespace tamis::engine
