// Weights of inference: packed once into the layouts primitives ask for, shared by all tiles and
// threads. Internal to the engine (sees oneDNN); built on the cold path, then read-only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/emission.hpp"
#include "engine/graph.hpp"

namespace tamis::engine {

class PackedWeights final : public ParameterBuffers {
 public:
    explicit PackedWeights(const std::map<std::string, Tensor>& weights) : weights_(weights) {}

    BufferId parameter(ProgramBuilder& program, const std::string& name,
                       const onednn::Desc& natural, const onednn::Desc& wanted,
                       const std::string& layer) override;
    [[nodiscard]] const Shape& shape(const std::string& name) const override;
    // Inference has no gradients: a programmer's mistake.
    void add_gradient(ProgramBuilder& program, const std::string& name, const onednn::Desc& natural,
                      BufferId gradient, const std::string& layer) override;

 private:
    struct Packed {
        onednn::Desc layout;
        dnnl::memory memory;
    };
    const std::map<std::string, Tensor>& weights_;
    std::map<std::string, std::vector<Packed>> packed_;
    std::size_t packed_bytes_ = 0;
};

}  // namespace tamis::engine
