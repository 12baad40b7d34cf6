#include "engine/training_parameters.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::engine {

TrainingParameters::TrainingParameters(const std::map<std::string, Tensor>& weights,
                                       std::size_t first_slot) {
    std::size_t slot = first_slot;
    for (const auto& [name, tensor] : weights) {
        Weight weight;
        weight.shape = tensor.shape;
        weight.values = tensor.values;
        weight.gradient.resize(tensor.values.size());
        weight.slot = slot;
        slot += 2;
        weights_.emplace(name, std::move(weight));
    }
}

BufferId TrainingParameters::parameter(ProgramBuilder& program, const std::string& name,
                                       const onednn::Desc& natural, const onednn::Desc& wanted,
                                       const std::string& layer) {
    return program.in_layout(program.bound(natural, weights_.at(name).slot), wanted, layer);
}

const Shape& TrainingParameters::shape(const std::string& name) const {
    return weights_.at(name).shape;
}

void TrainingParameters::add_gradient(ProgramBuilder&, const std::string& name,
                                      const onednn::Desc& natural, BufferId gradient,
                                      const std::string&) {
    Weight& weight = weights_.at(name);
    weight.natural = natural;
    weight.gradients.push_back(gradient);
}

void TrainingParameters::emit_gradient_sums(ProgramBuilder& program) {
    for (auto& [name, weight] : weights_) {
        if (weight.gradients.empty()) continue;
        const BufferId to = program.bound(weight.natural, weight.slot + 1);
        if (weight.gradients.size() == 1) {
            const BufferId from = weight.gradients[0];
            program.append(name, onednn::reorder(program.desc(from), weight.natural),
                           {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
            continue;
        }
        std::vector<onednn::Desc> sources;
        std::vector<std::pair<int, BufferId>> arguments{{DNNL_ARG_DST, to}};
        for (std::size_t i = 0; i < weight.gradients.size(); ++i) {
            sources.push_back(program.desc(weight.gradients[i]));
            arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i),
                                   weight.gradients[i]);
        }
        program.append(name, onednn::sum_of(weight.natural, sources), std::move(arguments));
    }
}

void TrainingParameters::bind(ProgramMemory& memory) {
    for (auto& [name, weight] : weights_) {
        if (weight.slot + 1 < memory.program().slots) {
            memory.bind(weight.slot + 1, weight.gradient.data());
        }
        if (weight.slot < memory.program().slots) memory.bind(weight.slot, weight.values.data());
    }
}

std::vector<TrainableParameter> TrainingParameters::trainable(const LayerPlan& plan) {
    std::map<std::string, std::size_t> unit_axis_of_kernel;
    for (const PlanLayer& layer : plan.layers) {
        if (const auto* dense = std::get_if<DenseLayer>(&layer.spec)) {
            unit_axis_of_kernel[dense->kernel] = dense->units_first ? 0 : 1;
        } else if (const auto* convolution = std::get_if<ConvolutionLayer>(&layer.spec)) {
            unit_axis_of_kernel[convolution->kernel] = 0;
        } else if (const auto* recurrent = std::get_if<RecurrentLayer>(&layer.spec)) {
            // A gate's unit; the two directions of one share a norm.
            unit_axis_of_kernel[recurrent->kernel] = 1;
            unit_axis_of_kernel[recurrent->recurrence] = 1;
        }
    }
    std::vector<TrainableParameter> parameters;
    for (auto& [name, weight] : weights_) {
        if (weight.gradients.empty()) continue;
        const auto kernel = unit_axis_of_kernel.find(name);
        const bool is_kernel = kernel != unit_axis_of_kernel.end();
        parameters.push_back({name, weight.shape, weight.values, weight.gradient, is_kernel,
                              is_kernel ? kernel->second : 0});
    }
    return parameters;
}

void TrainingParameters::store_into(std::map<std::string, Tensor>& weights) const {
    for (const auto& [name, weight] : weights_) weights.at(name).values = weight.values;
}

void TrainingParameters::load_from(const std::map<std::string, Tensor>& weights) {
    Expects(weights.size() == weights_.size());
    for (auto& [name, weight] : weights_) {
        const Tensor& given = weights.at(name);
        Expects(given.shape == weight.shape);
        // In place: spans and bound addresses stay valid.
        std::ranges::copy(given.values, weight.values.begin());
    }
}

void TrainingParameters::save_into(Checkpoint& checkpoint, const std::string& prefix) const {
    for (const auto& [name, weight] : weights_) {
        checkpoint.floats[prefix + name].assign(weight.values.begin(), weight.values.end());
    }
}

void TrainingParameters::restore_from(CheckpointReader& checkpoint, const std::string& prefix) {
    for (auto& [name, weight] : weights_) checkpoint.read(prefix + name, weight.values);
}

std::string TrainingParameters::first_non_finite() const {
    for (const auto& [name, weight] : weights_) {
        if (!all_finite(weight.values)) return "weight " + name;
        if (!all_finite(weight.gradient)) return "gradient of weight " + name;
    }
    return {};
}

}  // namespace tamis::engine
