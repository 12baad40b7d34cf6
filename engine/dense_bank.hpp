// Many small dense networks that map rows of one width to rows of another, where every row picks
// its own network: one network per bin of some plane, say. All weights lie in one piece. Immutable
// and shared; score() may be called by any thread, takes no memory and no lock.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

class DenseChain;

class DenseBank {
 public:
    // Whether a graph can be part of a bank: one input and one output, both vectors, and between
    // them dense layers, activations, softmax and concat only. Error: why not.
    [[nodiscard]] static tl::expected<void, std::string> accepts(const Graph& graph);
    // Error: no graph, one that is not accepted, or widths that differ; it counts graphs from 0.
    [[nodiscard]] static tl::expected<std::shared_ptr<const DenseBank>, std::string> make(
        std::span<const Graph> graphs);
    DenseBank(const DenseBank&) = delete;
    DenseBank& operator=(const DenseBank&) = delete;
    ~DenseBank();

    [[nodiscard]] std::size_t size() const { return members_.size(); }
    [[nodiscard]] std::size_t inputs() const { return inputs_; }
    [[nodiscard]] std::size_t outputs() const { return outputs_; }

    // Row r of `rows` (inputs() floats) through network networks[r] (below size()) into row r of
    // `scores` (outputs() floats). The same bits as Network gives for that row. What is not finite
    // going in gives no meaningful score: check with all_finite.
    void score(std::span<const float> rows, std::span<const std::uint32_t> networks,
               std::span<float> scores) const noexcept;

 private:
    DenseBank();
    struct Member {
        std::size_t structure = 0;  // index into structures_
        std::size_t weights_at = 0;
    };
    std::vector<std::unique_ptr<const DenseChain>> structures_;
    std::vector<Member> members_;
    FloatBuffer weights_;
    std::size_t inputs_ = 0;
    std::size_t outputs_ = 0;
};

}  // namespace tamis::engine
