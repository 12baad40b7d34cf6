// Turns a layer plan into program steps. Every layer has one emit(): it appends its forward step
// and, in training, leaves behind what appends its backward steps. So inference and training run
// the same primitives of the same layer. Internal to the engine (sees oneDNN); cold path. Throws
// dnnl::error.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/layer_plan.hpp"
#include "engine/onednn.hpp"
#include "engine/program.hpp"

namespace tamis::engine {

class EmissionError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Where weights live: packed constants in inference, the trainer's arrays in training.
class ParameterBuffers {
 public:
    virtual ~ParameterBuffers() = default;
    // The weight in the wanted layout. natural: the layout of its values as the graph stores them.
    virtual BufferId parameter(ProgramBuilder& program, const std::string& name,
                               const onednn::Desc& natural, const onednn::Desc& wanted,
                               const std::string& layer) = 0;
    [[nodiscard]] virtual const Shape& shape(const std::string& name) const = 0;
    // Training: takes a gradient of a weight, in any layout of the same dimensions.
    virtual void add_gradient(ProgramBuilder& program, const std::string& name,
                              const onednn::Desc& natural, BufferId gradient,
                              const std::string& layer) = 0;
};

// A number that dropout masks depend on; set by the trainer before each forward.
struct DropoutCounter {
    std::uint64_t seed = 0;
    std::uint64_t step = 0;
};

class Int8Layers;  // int8_layers.hpp

class Emission {
 public:
    struct Config {
        std::int64_t batch = 1;
        onednn::Use use = onednn::Use::inference;
        bool with_backward = false;  // emit_backward will be called
        bool input_gradients = false;
        const DropoutCounter* dropout = nullptr;  // only with Use::training
        bool own_kernels = false;    // inference: kernels of ours where they are better
        Int8Layers* int8 = nullptr;  // inference: layers that can run in 8-bit integers do
    };
    Emission(ProgramBuilder& program, const LayerPlan& plan, ParameterBuffers& parameters,
             const Config& config);

    // Slots: inputs [0, inputs), outputs after them.
    void emit_forward();
    // Slots: gradients of the outputs from first_slot on. Afterwards input_gradient() is known.
    void emit_backward(std::size_t first_slot);
    [[nodiscard]] BufferId input_gradient(std::size_t port) const { return input_gradients_[port]; }
    [[nodiscard]] BufferId value_buffer(int value) const;

    // ---- for the layers ----
    [[nodiscard]] ProgramBuilder& program() { return program_; }
    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] onednn::Dims dims(int value) const;  // batch first
    [[nodiscard]] onednn::Desc desc(BufferId buffer) const { return program_.desc(buffer); }
    [[nodiscard]] onednn::Dims weight_dims(const std::string& name) const;
    void set_value(int value, BufferId buffer);
    // A buffer for a layer's result: the output port itself where layout and use allow.
    [[nodiscard]] BufferId destination(int value, const onednn::Desc& desc);
    [[nodiscard]] BufferId parameter(const std::string& name, const onednn::Desc& natural,
                                     const onednn::Desc& wanted, const std::string& layer);
    void add_parameter_gradient(const std::string& name, const onednn::Desc& natural,
                                BufferId gradient, const std::string& layer);
    void on_backward(const PlanLayer& layer, std::function<void()> emit) {
        backward_.push_back({layer.name, std::move(emit)});
    }
    [[nodiscard]] bool needs_gradient(int value) const;
    // The finished gradient of a value: the sum of what its readers gave.
    [[nodiscard]] BufferId gradient(int value, const std::string& layer);
    void add_gradient(int value, BufferId gradient);

 private:
    ProgramBuilder& program_;
    const LayerPlan& plan_;
    ParameterBuffers& parameters_;
    Config config_;
    std::vector<BufferId> values_;                  // by value id, -1: not made yet
    std::vector<std::vector<BufferId>> gradients_;  // by value id: one per reader
    std::vector<bool> needs_gradient_;              // by value id
    struct Backward {
        std::string layer;
        std::function<void()> emit;
    };
    std::vector<Backward> backward_;
    std::vector<BufferId> input_gradients_;
};

void emit(Emission& to, const PlanLayer& layer, const DenseLayer& dense);
void emit(Emission& to, const PlanLayer& layer, const ConvolutionLayer& convolution);
void emit(Emission& to, const PlanLayer& layer, const PoolLayer& pool);
void emit(Emission& to, const PlanLayer& layer, const NormalisationLayer& normalisation);
void emit(Emission& to, const PlanLayer& layer, const ActivationLayer& activation);
void emit(Emission& to, const PlanLayer& layer, const SoftmaxLayer& softmax);
void emit(Emission& to, const PlanLayer& layer, const DropoutLayer& dropout);
void emit(Emission& to, const PlanLayer& layer, const ArithmeticLayer& arithmetic);
void emit(Emission& to, const PlanLayer& layer, const ConcatLayer& concat);
void emit(Emission& to, const PlanLayer& layer, const TransposeLayer& transpose);
void emit(Emission& to, const PlanLayer& layer, const ReshapeLayer& reshape);

// Only with Config::int8. False: oneDNN has no integer primitive for it, nothing was emitted.
[[nodiscard]] bool emit_int8(Emission& to, const PlanLayer& layer, const DenseLayer& dense);
[[nodiscard]] bool emit_int8(Emission& to, const PlanLayer& layer,
                             const ConvolutionLayer& convolution);

// Some layers work in the layout of their source. One that oneDNN has no primitive for is brought
// into row-major first.
template <class Make>
[[nodiscard]] auto made_for_source(Emission& to, BufferId& src, const std::string& layer,
                                   const Make& make) {
    try {
        return make(to.desc(src));
    } catch (const dnnl::error&) {
        src = to.program().row_major(src, layer);
        return make(to.desc(src));
    }
}

// Gradient before a fused activation, from the one after it.
[[nodiscard]] BufferId through_activation(Emission& to, const std::optional<Activation>& kind,
                                          BufferId result, BufferId gradient,
                                          const std::string& layer);

}  // namespace tamis::engine
