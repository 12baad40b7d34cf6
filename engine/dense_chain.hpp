// A run of dense layers and what stands between them (activations, softmax, concat) as one step:
// rows go through all layers in blocks whose intermediate values stay in the first-level cache.
// Layers that read the same value with the same activation are one layer. Plain data, made once;
// run() may be called by any thread with scratch memory of its own and allocates nothing.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/dense_kernels.hpp"
#include "engine/layer_plan.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

class DenseChain {
 public:
    // Index one past the run of layers that starts at `first` and can be one chain; `first` itself
    // when none can. A run has at least one dense layer.
    [[nodiscard]] static std::size_t end_of_run(const LayerPlan& plan, std::size_t first);

    // Of layers [first, last) of a run. `weights` holds at least their weights.
    DenseChain(const LayerPlan& plan, std::size_t first, std::size_t last,
               const std::map<std::string, Tensor>& weights);

    // Values of the plan the chain reads from outside and those it makes that something else reads:
    // the buffers of run(), inputs first.
    [[nodiscard]] const std::vector<int>& inputs() const { return inputs_; }
    [[nodiscard]] const std::vector<int>& outputs() const { return outputs_; }
    // Scratch for calls of so many rows or fewer.
    [[nodiscard]] std::size_t scratch_floats(std::size_t rows) const;
    // All packed weights in one piece; networks of the same structure differ in nothing else.
    [[nodiscard]] const FloatBuffer& weights() const { return weights_; }
    [[nodiscard]] const char* instruction_set() const { return kernels_.instruction_set; }
    // Same layers and sizes: the chain may run with the other's weights.
    [[nodiscard]] bool has_structure_of(const DenseChain& other) const;

    // buffers: rows of inputs(), then of outputs(), row-major without gaps. scratch:
    // scratch_floats(rows), 64-byte aligned. packed: weights() of a chain with the same structure.
    // How many rows, the first ones, it has seen to be of finite inputs: those that went through in
    // whole blocks, if all of their inputs are.
    std::size_t run(std::span<float* const> buffers, std::size_t rows, float* scratch,
                    const float* packed) const noexcept;

    class FewRows;

 private:
    friend class DenseChainMaker;
    static constexpr std::size_t kMaxSources = 8;

    // Where a value lives: in a buffer of the caller or in scratch.
    struct Place {
        bool is_buffer = false;
        std::size_t at = 0;      // number of the buffer, or first column of scratch
        std::size_t stride = 0;  // floats from row to row
        bool operator==(const Place&) const = default;
    };
    struct Source {
        Place place = {};
        std::size_t column = 0;
        std::size_t width = 0;
        bool operator==(const Source&) const = default;
    };
    // dense: weights_at says where its packed weights start. Otherwise the sources are copied.
    struct Operation {
        bool is_dense = false;
        std::size_t first_source = 0;  // in sources_
        std::size_t source_count = 0;
        std::size_t inputs = 0;
        std::size_t units = 0;
        std::size_t weights_at = 0;
        DenseFunction function = DenseFunction::none;
        float negative_slope = 0.F;
        Place result = {};
        std::size_t result_column = 0;
        bool operator==(const Operation&) const = default;
    };

    // A buffer of the caller among the columns of a block.
    struct Port {
        std::size_t first_column;
        std::size_t width;
    };

    // Rows that go through together in columns; 0: none do.
    [[nodiscard]] std::size_t block_rows() const {
        return block_columns_ == 0 ? 0 : kernels_.block_rows;
    }
    // An operation on rows, as a call of the kernels; without weights it is a copy of its sources.
    // sources: room for those of the operation, which the call refers to.
    [[nodiscard]] DenseCall call_of(const Operation& operation, std::span<float* const> buffers,
                                    std::size_t first_row, float* scratch, const float* packed,
                                    std::span<DenseSource> sources) const noexcept;
    void run_rows(std::span<float* const> buffers, std::size_t first_row, std::size_t rows,
                  float* scratch, const float* packed) const noexcept;
    bool run_columns(std::span<float* const> buffers, std::size_t first_row, std::size_t blocks,
                     float* scratch, const float* packed) const noexcept;
    [[nodiscard]] float* columns_of(const Place& place, float* scratch) const noexcept;
    [[nodiscard]] float* address(const Place& place, std::span<float* const> buffers,
                                 std::size_t first_row, float* scratch) const noexcept;

    const DenseKernels& kernels_;
    std::vector<int> inputs_;
    std::vector<int> outputs_;
    // Side by side: a call after a wake-up waits for each line of memory.
    std::vector<Operation> operations_;
    std::vector<Source> sources_;
    std::size_t scratch_width_ = 0;
    std::size_t rows_at_once_ = 0;
    std::vector<Port> ports_;        // by buffer
    std::size_t block_columns_ = 0;  // 0: rows never go through in columns
    std::size_t blocks_at_once_ = 1;
    FloatBuffer weights_;
};

// Runs of few rows on buffers that stay where they are: the calls of the kernels, made once. For
// one thread.
class DenseChain::FewRows {
 public:
    explicit FewRows(const DenseChain& chain);  // which outlives it
    // Of a run.
    [[nodiscard]] std::size_t most_rows() const { return most_rows_; }
    // Buffers as of DenseChain::run; before the first run, and when one has moved.
    void bind(std::span<float* const> buffers, float* scratch) noexcept;
    void run(std::size_t rows) noexcept;

 private:
    std::vector<DenseCall> calls_;
    const DenseKernels& kernels_;
    std::size_t most_rows_;
    std::vector<DenseSource> sources_;
    const DenseChain& chain_;
};

}  // namespace tamis::engine
