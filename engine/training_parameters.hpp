// Weights of training: one array of values and one of gradients per weight of the graph, in the
// graph's own layout; steps that want another layout reorder. Internal to the engine (sees oneDNN).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/emission.hpp"
#include "engine/optimizer.hpp"

namespace tamis::engine {

class TrainingParameters final : public ParameterBuffers {
 public:
    // Slots of the programs from first_slot on belong to the weights: value, gradient, value, ...
    TrainingParameters(const std::map<std::string, Tensor>& weights, std::size_t first_slot);

    BufferId parameter(ProgramBuilder& program, const std::string& name,
                       const onednn::Desc& natural, const onednn::Desc& wanted,
                       const std::string& layer) override;
    [[nodiscard]] const Shape& shape(const std::string& name) const override;
    void add_gradient(ProgramBuilder& program, const std::string& name, const onednn::Desc& natural,
                      BufferId gradient, const std::string& layer) override;

    // Appends what sums the gradients of each weight into its array. After all backward steps.
    void emit_gradient_sums(ProgramBuilder& program);
    void bind(ProgramMemory& memory);
    // What has gradients, in order of name. Call after emit_gradient_sums.
    [[nodiscard]] std::vector<TrainableParameter> trainable(const LayerPlan& plan);
    void store_into(std::map<std::string, Tensor>& weights) const;
    // Expects() the same names and shapes.
    void load_from(const std::map<std::string, Tensor>& weights);
    void save_into(Checkpoint& checkpoint, const std::string& prefix) const;
    void restore_from(CheckpointReader& checkpoint, const std::string& prefix);
    // Name of a weight with a NaN or Inf value or gradient; empty: none.
    [[nodiscard]] std::string first_non_finite() const;

 private:
    struct Weight {
        Shape shape;
        FloatBuffer values;
        FloatBuffer gradient;
        std::size_t slot = 0;
        onednn::Desc natural;
        std::vector<BufferId> gradients;
    };
    std::map<std::string, Weight> weights_;
};

}  // namespace tamis::engine
