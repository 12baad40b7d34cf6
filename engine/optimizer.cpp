#include "engine/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <gsl/assert>

namespace tamis::engine {

namespace {

bool has_first(UpdateRule rule) {
    return rule != UpdateRule::adagrad && rule != UpdateRule::rmsprop;
}

bool has_second(UpdateRule rule) { return rule != UpdateRule::sgd && rule != UpdateRule::nesterov; }

// The warming schedule of Dozat's section 3, with Keras' constants.
double nadam_momentum(double beta1, double step) {
    return beta1 * (1.0 - 0.5 * std::pow(0.96, 0.004 * step));
}

}  // namespace

Optimizer::Optimizer(OptimizerConfig config) : config_(std::move(config)) {
    Expects(config_.learning_rate > 0.F);
}

void Optimizer::prepare(std::span<const TrainableParameter> parameters) {
    for (const TrainableParameter& parameter : parameters) {
        const auto own = config_.of_parameter.find(parameter.name);
        Slot slot;
        slot.constraint = own != config_.of_parameter.end() ? own->second
                          : parameter.is_kernel             ? config_.kernels
                                                            : Constraint{};
        if (has_first(config_.kind)) slot.first.resize(parameter.values.size());
        if (has_second(config_.kind)) slot.second.resize(parameter.values.size());
        if (config_.kind == UpdateRule::adagrad) {
            std::ranges::fill(slot.second, config_.first_accumulator);
        }
        slots_.push_back(std::move(slot));
    }
}

void Optimizer::step(std::span<const TrainableParameter> parameters) {
    if (slots_.empty()) prepare(parameters);
    Expects(slots_.size() == parameters.size());
    const UpdateNumbers numbers = next_numbers();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const TrainableParameter& parameter = parameters[i];
        Slot& slot = slots_[i];
        const std::size_t count = parameter.values.size();
        Expects(std::max(slot.first.size(), slot.second.size()) == count &&
                parameter.gradient.size() == count);
        update_weights(config_.kind, numbers, slot.constraint.l2,
                       {parameter.values.data(), parameter.gradient.data(), slot.first.data(),
                        slot.second.data(), count});
        if (slot.constraint.max_norm > 0.F) project_to_norm(parameter, slot.constraint.max_norm);
    }
}

void Optimizer::save_into(Checkpoint& checkpoint) const {
    checkpoint.integers["optimizer/kind"] = static_cast<std::uint64_t>(config_.kind);
    checkpoint.integers["optimizer/steps"] = steps_;
    checkpoint.reals["optimizer/learning_rate"] = {config_.learning_rate};
    checkpoint.reals["optimizer/momentum_product"] = {momentum_product_};
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Slot& slot = slots_[i];
        const std::string name = "optimizer/" + std::to_string(i);
        checkpoint.floats[name + "/first"].assign(slot.first.begin(), slot.first.end());
        checkpoint.floats[name + "/second"].assign(slot.second.begin(), slot.second.end());
    }
}

void Optimizer::restore_from(CheckpointReader& checkpoint,
                             std::span<const TrainableParameter> parameters) {
    Expects(slots_.empty());
    prepare(parameters);
    checkpoint.expect("optimizer/kind", static_cast<std::uint64_t>(config_.kind));
    checkpoint.read("optimizer/steps", steps_);
    double rate = config_.learning_rate;
    checkpoint.read("optimizer/learning_rate", rate);
    config_.learning_rate = static_cast<float>(rate);
    checkpoint.read("optimizer/momentum_product", momentum_product_);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const std::string name = "optimizer/" + std::to_string(i);
        checkpoint.read(name + "/first", slots_[i].first);
        checkpoint.read(name + "/second", slots_[i].second);
    }
}

UpdateNumbers Optimizer::next_numbers() {
    ++steps_;
    const auto step = static_cast<double>(steps_);
    const double rate = config_.learning_rate / (1.0 + config_.decay * (step - 1.0));
    const auto left_of = [step](float beta) {
        return 1.0 - std::pow(static_cast<double>(beta), step);
    };
    UpdateNumbers numbers;
    numbers.rate = static_cast<float>(rate);
    numbers.epsilon = config_.epsilon;
    switch (config_.kind) {
        case UpdateRule::sgd:
        case UpdateRule::nesterov:
            numbers.keep_first = config_.momentum;
            break;
        case UpdateRule::adagrad:
            break;
        case UpdateRule::rmsprop:
            numbers.keep_second = config_.rho;
            break;
        case UpdateRule::adam:
            numbers.keep_first = config_.beta1;
            numbers.keep_second = config_.beta2;
            numbers.rate = static_cast<float>(rate * std::sqrt(left_of(config_.beta2)) /
                                              left_of(config_.beta1));
            break;
        case UpdateRule::nadam: {
            const double momentum = nadam_momentum(config_.beta1, step);
            const double next = nadam_momentum(config_.beta1, step + 1.0);
            momentum_product_ *= momentum;
            numbers.keep_first = config_.beta1;
            numbers.keep_second = config_.beta2;
            numbers.of_gradient = static_cast<float>((1.0 - momentum) / (1.0 - momentum_product_));
            numbers.of_first = static_cast<float>(next / (1.0 - momentum_product_ * next));
            numbers.of_second = static_cast<float>(1.0 / left_of(config_.beta2));
            break;
        }
    }
    return numbers;
}

// Scales each output unit's weights down to the given norm where they exceed it.
void Optimizer::project_to_norm(const TrainableParameter& parameter, float max_norm) {
    const Shape& shape = parameter.shape;
    const auto units = static_cast<std::size_t>(shape[parameter.unit_axis]);
    std::size_t stride = 1;  // between two elements along the unit axis
    for (std::size_t axis = parameter.unit_axis + 1; axis < shape.rank(); ++axis) {
        stride *= static_cast<std::size_t>(shape[axis]);
    }
    const auto for_each_run = [&](const auto& act) {  // of weights of one unit
        float* run = parameter.values.data();
        float* const end = run + parameter.values.size();
        for (std::size_t unit = 0; run != end; run += stride, unit = (unit + 1) % units) {
            act(unit, std::span(run, stride));
        }
    };
    squares_.assign(units, 0.0);
    for_each_run([&](std::size_t unit, std::span<const float> run) {
        for (const double value : run) squares_[unit] += value * value;
    });
    for (double& square : squares_) square = std::sqrt(square);
    if (*std::ranges::max_element(squares_) <= max_norm) return;
    for_each_run([&](std::size_t unit, std::span<float> run) {
        if (!(squares_[unit] > max_norm)) return;
        const double factor = max_norm / squares_[unit];
        for (float& value : run) value = static_cast<float>(value * factor);
    });
}

}  // namespace tamis::engine
