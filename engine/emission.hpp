// Turns a layer plan into program steps. Every layer has one emit(): it appends its forward step
// and, in training, leaves behind what appends its backward steps. So inference and training run
// the same primitives of the same layer. Internal to the engine (sees oneDNN); cold path. Throws
// dnnl::error.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
// What our own kernels are made of, and what was made: shared by the programs of all tiles.
struct OwnKernels {
    const std::map<std::string, Tensor>& weights;
    std::map<std::string, std::shared_ptr<const void>> made;  // by layer
};

class Emission {
 public:
    struct Config {
        std::int64_t batch = 1;
        onednn::Use use = onednn::Use::inference;
        bool with_backward = false;  // emit_backward will be called
        bool input_gradients = false;
        const DropoutCounter* dropout = nullptr;  // only with Use::training
        OwnKernels* own_kernels = nullptr;  // inference: kernels of ours where they are better
        Int8Layers* int8 = nullptr;         // inference: layers that can run in 8-bit integers do
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
    [[nodiscard]] const LayerPlan& plan() const { return plan_; }
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
    [[nodiscard]] std::vector<const PlanLayer*> readers(int value) const;
    [[nodiscard]] bool is_output(int value) const;
    // A later layer, the only reader of an inner value, that the present one also computes: its own
    // emit() is left out, its result is set by the present layer.
    void absorb(const PlanLayer& layer) { absorbed_.insert(&layer); }
    void add_parameter_gradient(const std::string& name, const onednn::Desc& natural,
                                BufferId gradient, const std::string& layer);
    void on_backward(const PlanLayer& layer, std::function<void()> emit) {
        backward_.push_back({layer.name, std::move(emit)});
    }
    [[nodiscard]] bool needs_gradient(int value) const;
    // The finished gradient of a value: the sum of what its readers gave.
    [[nodiscard]] BufferId gradient(int value, const std::string& layer);
    void add_gradient(int value, BufferId gradient);

    // A layer whose result is a ReLU's says so, for the layer that reads it may go back through
    // that ReLU with its own step: it takes it if it is the only reader of an inner value.
    void offer_relu(int value, float negative_slope) { relus_[value] = {negative_slope, false}; }
    [[nodiscard]] std::optional<float> take_relu(int value);  // its negative slope
    // Then gradient(value) is the one before the ReLU.
    [[nodiscard]] bool is_relu_taken(int value) const;

    // For kernels of ours: everything row-major.
    [[nodiscard]] const Shape& row_shape(int value) const;
    [[nodiscard]] const Shape& weight_shape(const std::string& name) const {
        return parameters_.shape(name);
    }
    [[nodiscard]] onednn::Desc weight_layout(const std::string& name) const;
    [[nodiscard]] BufferId plain_parameter(const std::string& name, const std::string& layer);
    [[nodiscard]] BufferId plain_source(int value, const std::string& layer);
    [[nodiscard]] BufferId plain_destination(int value);  // becomes the value's buffer
    [[nodiscard]] BufferId plain_gradient(int value, const std::string& layer);
    // Throws where training would have to go back through this layer.
    void refuse_derivative(const PlanLayer& layer) const;

 private:
    ProgramBuilder& program_;
    const LayerPlan& plan_;
    ParameterBuffers& parameters_;
    Config config_;
    std::vector<BufferId> values_;                  // by value id, -1: not made yet
    std::vector<std::vector<BufferId>> gradients_;  // by value id: one per reader
    std::vector<bool> needs_gradient_;              // by value id
    std::set<const PlanLayer*> absorbed_;
    struct OfferedRelu {
        float negative_slope = 0.F;
        bool is_taken = false;
    };
    std::map<int, OfferedRelu> relus_;  // by value id
    struct Backward {
        std::string layer;
        std::function<void()> emit;
    };
    std::vector<Backward> backward_;
    std::vector<BufferId> input_gradients_;
};

void emit(Emission& to, const PlanLayer& layer, const DenseLayer& dense);
void emit(Emission& to, const PlanLayer& layer, const ConvolutionLayer& convolution);
void emit(Emission& to, const PlanLayer& layer, const TransposedConvolutionLayer& convolution);
void emit(Emission& to, const PlanLayer& layer, const PoolLayer& pool);
void emit(Emission& to, const PlanLayer& layer, const NormalisationLayer& normalisation);
void emit(Emission& to, const PlanLayer& layer, const ActivationLayer& activation);
void emit(Emission& to, const PlanLayer& layer, const ElementwiseLayer& elementwise);
void emit(Emission& to, const PlanLayer& layer, const SoftmaxLayer& softmax);
void emit(Emission& to, const PlanLayer& layer, const LogSoftmaxLayer& softmax);
void emit(Emission& to, const PlanLayer& layer, const DropoutLayer& dropout);
void emit(Emission& to, const PlanLayer& layer, const RecurrentLayer& recurrent);
void emit(Emission& to, const PlanLayer& layer, const ArithmeticLayer& arithmetic);
void emit(Emission& to, const PlanLayer& layer, const MatMulLayer& product);
void emit(Emission& to, const PlanLayer& layer, const ReductionLayer& reduction);
void emit(Emission& to, const PlanLayer& layer, const ArgMaxLayer& selection);
void emit(Emission& to, const PlanLayer& layer, const TopKLayer& selection);
void emit(Emission& to, const PlanLayer& layer, const ConcatLayer& concat);
void emit(Emission& to, const PlanLayer& layer, const MovementLayer& movement);
void emit(Emission& to, const PlanLayer& layer, const TransposeLayer& transpose);
void emit(Emission& to, const PlanLayer& layer, const ReshapeLayer& reshape);
void emit(Emission& to, const PlanLayer& layer, const QuantiseLayer& quantise);
void emit(Emission& to, const PlanLayer& layer, const IntegerProductLayer& product);

// Inference with own kernels: layers [first, last) of a run of DenseChain as one step.
void emit_dense_chain(Emission& to, std::size_t first, std::size_t last);

// Training of a dense layer on our own products. False: it is too large for them, nothing was
// emitted.
[[nodiscard]] bool emit_small_dense(Emission& to, const PlanLayer& layer, const DenseLayer& dense);

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
