// A sequence of primitives over numbered buffers: what a network becomes for one batch size and one
// use. A Program is immutable and shared; a ProgramMemory is one thread's buffers and the argument
// lists of all steps, made once. Internal to the engine (sees oneDNN).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/onednn.hpp"
#include "engine/tensor.hpp"

namespace tamis::engine {

using BufferId = int;

struct Buffer {
    enum class Home {
        arena,     // in the thread's arena, from its first to its last use
        constant,  // shared, read-only: packed weights
        bound,     // an address of the owner: ports, weights in training
        alias,     // another buffer seen with another layout
    } home = Home::arena;
    onednn::Desc desc;
    std::size_t slot = 0;          // Bound: which address
    BufferId of = -1;              // Alias: of which buffer
    dnnl::memory constant;         // Constant
    std::size_t offset_bytes = 0;  // Arena: filled by ProgramBuilder::build
};

// A kernel of ours; gets the addresses of its buffers and how many rows they hold, at most the rows
// the program was made for. It must give a row the same bits whatever the count.
using Loop = std::function<void(std::span<float* const>, std::size_t rows)>;

// The same for a kernel that prepares its work for one thread's buffers: what it takes to find out
// where things are would be a fifth of the time of a small network's single row.
class BoundKernel {
 public:
    virtual ~BoundKernel() = default;
    // Before the first run, and when an address has changed. Allocates nothing after the first
    // time.
    virtual void bind(std::span<float* const> buffers) noexcept = 0;
    // How many rows, the first ones, it has seen to be of finite inputs; 0 where it did not look.
    virtual std::size_t run(std::size_t rows) noexcept = 0;
};
using MakeBoundKernel = std::function<std::unique_ptr<BoundKernel>()>;

struct Step {
    std::string layer;     // for messages
    std::string executor;  // for inspection
    // One of the three.
    dnnl::primitive primitive = {};
    Loop loop = {};
    MakeBoundKernel bound_kernel = {};
    bool any_rows = false;  // can do with fewer rows than the program was made for
    std::vector<std::pair<int, BufferId>> arguments;
    std::span<const float> weights = {};  // what it reads from end to end, be it for one row
};

struct Program {
    std::vector<Buffer> buffers;
    std::vector<Step> steps;
    std::size_t arena_bytes = 0;
    std::size_t slots = 0;
    std::size_t rows = 1;   // what it was made for
    bool any_rows = false;  // every step can do with fewer
    bool has_primitives = false;
    bool checks_inputs = false;  // what its only step says of finite inputs holds for all inputs
};

class ProgramBuilder {
 public:
    BufferId arena(const onednn::Desc& desc);
    BufferId constant(const dnnl::memory& memory);
    BufferId bound(const onednn::Desc& desc, std::size_t slot);
    BufferId alias(BufferId of, const onednn::Desc& desc);
    [[nodiscard]] onednn::Desc desc(BufferId buffer) const;
    [[nodiscard]] std::size_t step_count() const { return program_.steps.size(); }
    [[nodiscard]] bool is_bound_to(BufferId buffer, std::size_t slot) const;
    [[nodiscard]] bool is_arena(BufferId buffer) const {
        return program_.buffers[static_cast<std::size_t>(buffer)].home == Buffer::Home::arena;
    }

    // Appends a primitive; its scratchpad is added.
    void append(const std::string& layer, const onednn::Made& made,
                std::vector<std::pair<int, BufferId>> arguments);
    // fixed: the loop computes all rows the program was made for.
    enum class Rows { fixed, any };
    void append(const std::string& layer, const std::string& executor, Loop loop,
                const std::vector<BufferId>& buffers, Rows rows = Rows::fixed);
    // It does with any rows.
    void append(const std::string& layer, const std::string& executor, MakeBoundKernel kernel,
                const std::vector<BufferId>& buffers);
    // What the step appended last reads from end to end in every call, however few rows it has.
    void reads(std::span<const float> weights) { program_.steps.back().weights = weights; }
    // The step appended last looks at all inputs. Forgotten by build() if it is not the only one.
    void checks_inputs() { program_.checks_inputs = true; }
    // What the step behind the next one reads, so that the next one can fetch it into the cache
    // while it computes. Empty until build().
    [[nodiscard]] std::shared_ptr<const std::span<const float>> upcoming_weights();
    // The buffer itself if it has this layout, else a copy in it.
    [[nodiscard]] BufferId in_layout(BufferId buffer, const onednn::Desc& wanted,
                                     const std::string& layer);
    [[nodiscard]] BufferId row_major(BufferId buffer, const std::string& layer);
    // Lets a buffer of the arena live at an address of the owner instead.
    void move_to_slot(BufferId buffer, std::size_t slot);

    // rows: of one run. keep_all: no arena memory is used twice (backward needs what forward made).
    [[nodiscard]] Program build(std::size_t rows, bool keep_all);

 private:
    BufferId add(Buffer buffer);
    [[nodiscard]] BufferId root(BufferId buffer) const;
    struct Upcoming {
        std::size_t step;
        std::shared_ptr<std::span<const float>> weights;
    };
    Program program_;
    std::vector<Upcoming> upcoming_;
};

// Buffers of a thread. The addresses of arena and bound slots are given by the owner.
class ProgramMemory {
 public:
    ProgramMemory(std::shared_ptr<const Program> program, void* arena);

    // Gives a slot its address; cheap, may be repeated before each run.
    void bind(std::size_t slot, float* address) noexcept;
    // Runs steps [first, last). rows: as many as the program was made for, or fewer where it
    // has any_rows. False: oneDNN refused.
    [[nodiscard]] bool run(std::size_t first, std::size_t last, std::size_t rows) noexcept;
    [[nodiscard]] bool run(std::size_t rows) noexcept { return run(0, calls_.size(), rows); }
    [[nodiscard]] bool run() noexcept { return run(program_->rows); }
    [[nodiscard]] const Program& program() const { return *program_; }
    [[nodiscard]] const float* address(BufferId buffer) const;
    // After a run: in the first rows, so many, all inputs are known to be finite.
    [[nodiscard]] std::size_t finite_rows() const noexcept { return finite_rows_; }

 private:
    void add_call(const Step& step);
    void bind_kernels() noexcept;

    struct BoundSlot {
        std::vector<dnnl_memory_t> memories;
        std::vector<std::size_t> loops;  // places in addresses_
        float* address = nullptr;
    };
    // What a run needs of a step, side by side: a call after a wake-up waits for each line of
    // memory.
    struct Call {
        BoundKernel* kernel = nullptr;
        const Loop* loop = nullptr;  // nullptr and no kernel: a primitive
        dnnl_primitive_t primitive = nullptr;
        std::size_t first = 0;  // in addresses_ or arguments_
        std::size_t count = 0;
    };
    std::vector<Call> calls_;  // per step
    bool has_moved_ = true;    // an address changed after the kernels were bound
    bool checks_inputs_ = false;
    std::size_t finite_rows_ = 0;
    std::vector<float*> addresses_;
    std::vector<dnnl_exec_arg_t> arguments_;
    std::vector<std::unique_ptr<BoundKernel>> kernels_;
    std::vector<BoundSlot> slots_;
    std::shared_ptr<const Program> program_;
    std::vector<dnnl::memory> memories_;
    dnnl::stream stream_;
};

}  // namespace tamis::engine
