#include "engine/optimizer.hpp"

#include <cmath>
#include <gsl/assert>

namespace tamis::engine {

namespace {

// Scales each output unit's weights down to the given norm where they exceed it.
void project_to_norm(const TrainableParameter& parameter, float max_norm) {
    const Shape& shape = parameter.shape;
    const auto units = static_cast<std::size_t>(shape[parameter.unit_axis]);
    std::size_t stride = 1;  // between two elements along the unit axis
    for (std::size_t axis = parameter.unit_axis + 1; axis < shape.rank(); ++axis) {
        stride *= static_cast<std::size_t>(shape[axis]);
    }
    std::vector<double> squares(units, 0.0);
    for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        const double value = parameter.values[i];
        squares[i / stride % units] += value * value;
    }
    for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        const double norm = std::sqrt(squares[i / stride % units]);
        if (norm > max_norm) {
            parameter.values[i] = static_cast<float>(parameter.values[i] * (max_norm / norm));
        }
    }
}

}  // namespace

Optimizer::Optimizer(OptimizerConfig config) : config_(std::move(config)) {
    Expects(config_.learning_rate > 0.F);
}

void Optimizer::step(std::span<const TrainableParameter> parameters) {
    if (moments_.empty()) {
        for (const TrainableParameter& parameter : parameters) {
            moments_.push_back(
                {FloatBuffer(parameter.values.size()),
                 FloatBuffer(config_.kind == OptimizerConfig::Kind::adam ? parameter.values.size()
                                                                         : 0)});
        }
    }
    Expects(moments_.size() == parameters.size());
    ++steps_;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const TrainableParameter& parameter = parameters[i];
        Expects(moments_[i].first.size() == parameter.values.size() &&
                parameter.gradient.size() == parameter.values.size());
        const auto own = config_.of_parameter.find(parameter.name);
        const Constraint constraint = own != config_.of_parameter.end() ? own->second
                                      : parameter.is_kernel             ? config_.kernels
                                                                        : Constraint{};
        if (config_.kind == OptimizerConfig::Kind::adam) {
            step_adam(parameter, moments_[i], constraint.l2);
        } else {
            step_sgd(parameter, moments_[i], constraint.l2);
        }
        if (constraint.max_norm > 0.F) project_to_norm(parameter, constraint.max_norm);
    }
}

void Optimizer::step_adam(const TrainableParameter& parameter, Moments& moments, float l2) const {
    const auto steps = static_cast<double>(steps_);
    const double rate = config_.learning_rate / (1.0 + config_.decay * (steps - 1.0));
    // Both bias corrections in one factor, as section 2 of the paper suggests.
    const auto corrected = static_cast<float>(
        rate * std::sqrt(1.0 - std::pow(static_cast<double>(config_.beta2), steps)) /
        (1.0 - std::pow(static_cast<double>(config_.beta1), steps)));
    const float keep1 = config_.beta1;
    const float keep2 = config_.beta2;
    const float epsilon = config_.epsilon;
    float* first = moments.first.data();
    float* second = moments.second.data();
    float* values = parameter.values.data();
    const float* gradients = parameter.gradient.data();
    for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        const float gradient = gradients[i] + l2 * values[i];
        first[i] = keep1 * first[i] + (1.F - keep1) * gradient;
        second[i] = keep2 * second[i] + (1.F - keep2) * gradient * gradient;
        values[i] -= corrected * first[i] / (std::sqrt(second[i]) + epsilon);
    }
}

void Optimizer::step_sgd(const TrainableParameter& parameter, Moments& moments, float l2) const {
    const double steps = static_cast<double>(steps_) - 1.0;
    const auto rate = static_cast<float>(config_.learning_rate / (1.0 + config_.decay * steps));
    float* velocity = moments.first.data();
    float* values = parameter.values.data();
    const float* gradients = parameter.gradient.data();
    for (std::size_t i = 0; i < parameter.values.size(); ++i) {
        const float gradient = gradients[i] + l2 * values[i];
        velocity[i] = config_.momentum * velocity[i] - rate * gradient;
        values[i] +=
            config_.nesterov ? config_.momentum * velocity[i] - rate * gradient : velocity[i];
    }
}

}  // namespace tamis::engine
