#include "engine/emission.hpp"

#include <algorithm>
#include <gsl/assert>

#include "engine/dense_chain.hpp"
#include "engine/relu_kernel.hpp"

namespace tamis::engine {

namespace {

bool has_parameters(const LayerSpec& spec) {
    const auto has_weight = [](const std::array<std::string, 2>& weights) {
        return !weights[0].empty() || !weights[1].empty();
    };
    const auto* arithmetic = std::get_if<ArithmeticLayer>(&spec);
    const auto* product = std::get_if<MatMulLayer>(&spec);
    return std::holds_alternative<DenseLayer>(spec) ||
           std::holds_alternative<ConvolutionLayer>(spec) ||
           std::holds_alternative<TransposedConvolutionLayer>(spec) ||
           std::holds_alternative<NormalisationLayer>(spec) ||
           std::holds_alternative<RecurrentLayer>(spec) ||
           (arithmetic != nullptr && has_weight(arithmetic->weights)) ||
           (product != nullptr && has_weight(product->weights));
}

// oneDNN's own message does not say where.
void named(const std::string& layer, const std::function<void()>& emit) {
    try {
        emit();
    } catch (const dnnl::error& error) {
        throw EmissionError("layer " + layer + ": oneDNN has no primitive for it (" + error.what() +
                            ")");
    }
}

}  // namespace

Emission::Emission(ProgramBuilder& program, const LayerPlan& plan, ParameterBuffers& parameters,
                   const Config& config)
    : program_(program),
      plan_(plan),
      parameters_(parameters),
      config_(config),
      values_(plan.value_shapes.size(), -1),
      gradients_(plan.value_shapes.size()),
      needs_gradient_(plan.value_shapes.size(), false) {
    for (const int input : plan.inputs) {
        needs_gradient_[static_cast<std::size_t>(input)] = config.input_gradients;
    }
    for (const PlanLayer& layer : plan.layers) {
        const bool needs =
            has_parameters(layer.spec) ||
            std::ranges::any_of(layer.inputs, [&](int id) { return needs_gradient(id); });
        for (const int output : layer.outputs) {
            needs_gradient_[static_cast<std::size_t>(output)] = needs;
        }
    }
}

void Emission::emit_forward() {
    std::size_t slot = 0;
    for (const int input : plan_.inputs) {
        set_value(input, program_.bound(onednn::plain(dims(input)), slot++));
    }
    for (std::size_t i = 0; i < plan_.layers.size();) {
        const PlanLayer& layer = plan_.layers[i];
        if (absorbed_.contains(&layer)) {
            ++i;
            continue;
        }
        const std::size_t end =
            config_.own_kernels != nullptr ? DenseChain::end_of_run(plan_, i) : i;
        if (end > i) {
            emit_dense_chain(*this, i, end);
            i = end;
            continue;
        }
        named(layer.name,
              [&] { std::visit([&](const auto& spec) { emit(*this, layer, spec); }, layer.spec); });
        ++i;
    }
    // What no layer could write into its port is copied there.
    for (std::size_t port = 0; port < plan_.outputs.size(); ++port, ++slot) {
        const int value = plan_.outputs[port];
        const BufferId buffer = value_buffer(value);
        const onednn::Desc made = program_.desc(buffer);
        if (program_.is_bound_to(buffer, slot)) continue;
        const onednn::Desc wanted = onednn::plain(dims(value));
        program_.append("output", onednn::reorder(made, wanted),
                        {{DNNL_ARG_FROM, buffer}, {DNNL_ARG_TO, program_.bound(wanted, slot)}});
    }
}

void Emission::emit_backward(std::size_t first_slot) {
    Expects(config_.with_backward);
    for (std::size_t port = 0; port < plan_.outputs.size(); ++port) {
        const int value = plan_.outputs[port];
        add_gradient(value, program_.bound(onednn::plain(dims(value)), first_slot + port));
    }
    for (auto back = backward_.rbegin(); back != backward_.rend(); ++back) {
        named(back->layer, back->emit);
    }
    if (!config_.input_gradients) return;
    for (const int input : plan_.inputs) {
        input_gradients_.push_back(
            program_.row_major(gradient(input, "input gradient"), "input gradient"));
    }
}

BufferId Emission::value_buffer(int value) const {
    const BufferId buffer = values_[static_cast<std::size_t>(value)];
    Expects(buffer >= 0);
    return buffer;
}

onednn::Dims Emission::dims(int value) const {
    const Shape& row = plan_.value_shapes[static_cast<std::size_t>(value)];
    onednn::Dims dims{config_.batch};
    dims.insert(dims.end(), row.dimensions().begin(), row.dimensions().end());
    return dims;
}

onednn::Dims Emission::weight_dims(const std::string& name) const {
    const auto dimensions = parameters_.shape(name).dimensions();
    return {dimensions.begin(), dimensions.end()};
}

void Emission::set_value(int value, BufferId buffer) {
    values_[static_cast<std::size_t>(value)] = buffer;
}

BufferId Emission::destination(int value, const onednn::Desc& desc) {
    const auto found = std::ranges::find(plan_.outputs, value);
    if (found == plan_.outputs.end() || !onednn::is_plain(desc)) return program_.arena(desc);
    const auto port = static_cast<std::size_t>(found - plan_.outputs.begin());
    return program_.bound(desc, plan_.inputs.size() + port);
}

BufferId Emission::parameter(const std::string& name, const onednn::Desc& natural,
                             const onednn::Desc& wanted, const std::string& layer) {
    return parameters_.parameter(program_, name, natural, wanted, layer);
}

std::vector<const PlanLayer*> Emission::readers(int value) const {
    std::vector<const PlanLayer*> found;
    for (const PlanLayer& layer : plan_.layers) {
        if (std::ranges::find(layer.inputs, value) != layer.inputs.end()) found.push_back(&layer);
    }
    return found;
}

bool Emission::is_output(int value) const {
    return std::ranges::find(plan_.outputs, value) != plan_.outputs.end();
}

void Emission::add_parameter_gradient(const std::string& name, const onednn::Desc& natural,
                                      BufferId gradient, const std::string& layer) {
    parameters_.add_gradient(program_, name, natural, gradient, layer);
}

bool Emission::needs_gradient(int value) const {
    return needs_gradient_[static_cast<std::size_t>(value)];
}

BufferId Emission::gradient(int value, const std::string& layer) {
    std::vector<BufferId>& parts = gradients_[static_cast<std::size_t>(value)];
    const onednn::Desc wanted = onednn::plain(dims(value));
    if (parts.empty()) {
        // A value nobody reads: its gradient is zero.
        const BufferId zero = program_.arena(wanted);
        const std::size_t count = onednn::bytes_of(wanted) / sizeof(float);
        program_.append(layer, "zero",
                        [count](std::span<float* const> buffers, std::size_t) {
                            std::fill_n(buffers[0], count, 0.F);
                        },
                        {zero});
        parts.push_back(zero);
    } else if (parts.size() > 1) {
        std::vector<onednn::Desc> sources;
        std::vector<std::pair<int, BufferId>> arguments;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            sources.push_back(desc(parts[i]));
            arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), parts[i]);
        }
        const BufferId sum = program_.arena(wanted);
        arguments.emplace_back(DNNL_ARG_DST, sum);
        program_.append(layer, onednn::sum_of(wanted, sources), std::move(arguments));
        parts.assign(1, sum);
    }
    return parts[0];
}

void Emission::add_gradient(int value, BufferId gradient) {
    gradients_[static_cast<std::size_t>(value)].push_back(gradient);
}

std::optional<float> Emission::take_relu(int value) {
    const auto offered = relus_.find(value);
    if (offered == relus_.end() || is_output(value) || readers(value).size() != 1) return {};
    offered->second.is_taken = true;
    return offered->second.negative_slope;
}

bool Emission::is_relu_taken(int value) const {
    const auto offered = relus_.find(value);
    return offered != relus_.end() && offered->second.is_taken;
}

const Shape& Emission::row_shape(int value) const {
    return plan_.value_shapes[static_cast<std::size_t>(value)];
}

onednn::Desc Emission::weight_layout(const std::string& name) const {
    const onednn::Dims dims = weight_dims(name);
    return onednn::plain(dims.empty() ? onednn::Dims{1} : dims);
}

BufferId Emission::plain_parameter(const std::string& name, const std::string& layer) {
    const onednn::Desc layout = weight_layout(name);
    return parameter(name, layout, layout, layer);
}

BufferId Emission::plain_source(int value, const std::string& layer) {
    return program_.row_major(value_buffer(value), layer);
}

BufferId Emission::plain_destination(int value) {
    const BufferId buffer = destination(value, onednn::plain(dims(value)));
    set_value(value, buffer);
    return buffer;
}

BufferId Emission::plain_gradient(int value, const std::string& layer) {
    return program_.row_major(gradient(value, layer), layer);
}

void Emission::refuse_derivative(const PlanLayer& layer) const {
    if (!config_.with_backward) return;
    for (const int input : layer.inputs) {
        if (needs_gradient(input)) {
            throw EmissionError("layer " + layer.name + " has no derivative");
        }
    }
}

namespace {

Loop relu_backward_loop(const onednn::Desc& layout, float negative_slope) {
    const std::size_t count = onednn::bytes_of(layout) / sizeof(float);
    return [count, negative_slope](std::span<float* const> buffers, std::size_t) {
        relu_backward(buffers[0], buffers[1], negative_slope, count, buffers[2]);
    };
}

}  // namespace

BufferId through_activation(Emission& to, const std::optional<Activation>& kind, BufferId result,
                            BufferId gradient, const std::string& layer) {
    if (!kind) return gradient;
    const onednn::Desc layout = to.desc(result);
    const BufferId after = to.program().in_layout(gradient, layout, layer);
    const BufferId before = to.program().arena(layout);
    if (kind->kind == Activation::Kind::relu && onednn::is_plain(layout)) {
        to.program().append(layer, "relu", relu_backward_loop(layout, kind->negative_slope),
                            {result, after, before});
        return before;
    }
    to.program().append(
        layer, onednn::activation_backward(*kind, layout, layout),
        {{DNNL_ARG_DST, result}, {DNNL_ARG_DIFF_DST, after}, {DNNL_ARG_DIFF_SRC, before}});
    return before;
}

}  // namespace tamis::engine
