// LSTM and GRU forward and back through time over plain arrays (the equations of ONNX's operators).
// Nothing is allocated; the bits of a row's result depend on the row alone. Any thread.
#pragma once

#include <cstddef>

#include "engine/recurrent_form.hpp"

namespace tamis::engine {

struct RecurrentSizes {
    RecurrentLayer::Cell cell = RecurrentLayer::Cell::lstm;
    bool linear_before_reset = false;
    bool first_is_reversed = false;  // direction 0 runs from the last step; direction 1 always does
    std::size_t directions = 1, steps = 1, in = 1, hidden = 1;

    [[nodiscard]] std::size_t gates() const {
        return (cell == RecurrentLayer::Cell::lstm ? 4 : 3) * hidden;
    }
    // Floats per row of a trace's arrays.
    [[nodiscard]] std::size_t gate_row() const { return steps * directions * gates(); }
    [[nodiscard]] std::size_t state_row() const { return steps * directions * hidden; }
};

// As the graph stores them, null where there is none; *_by_input are transposed: [D][in][gates].
struct RecurrentWeights {
    const float* kernel = nullptr;  // backward only
    const float* kernel_by_input = nullptr;
    const float* recurrence = nullptr;  // backward only
    const float* recurrence_by_input = nullptr;
    const float* bias = nullptr;
    const float* initial_h = nullptr;
    const float* initial_c = nullptr;
    const float* peepholes = nullptr;
};

// What the way back needs, per row [T][D][gates] or [T][D][H].
struct RecurrentTrace {
    float* gates = nullptr;      // after their activations
    float* cell = nullptr;       // LSTM: c. GRU: R h + b of the third gate, or r * h before R
    float* cell_tanh = nullptr;  // LSTM: tanh(c)
};

struct RecurrentOutputs {
    float* sequence = nullptr;  // [rows][T][D][H]
    float* last_h = nullptr;    // [rows][D][H]
    float* last_c = nullptr;    // LSTM
};

struct RecurrentRows {
    std::size_t rows = 0;
    const float* x = nullptr;      // [rows][T][in]
    const float* zeros = nullptr;  // at least `hidden` of them
};

void recurrent_forward(const RecurrentSizes& sizes, const RecurrentWeights& weights,
                       const RecurrentRows& rows, const RecurrentOutputs& outputs,
                       const RecurrentTrace& trace) noexcept;

// Of the loss by what recurrent_forward read and wrote.
struct RecurrentGradients {
    const float* sequence = nullptr;
    const float* last_h = nullptr;
    const float* last_c = nullptr;  // LSTM
    float* x = nullptr;             // null: not wanted
    float* kernel = nullptr;
    float* recurrence = nullptr;
    float* bias = nullptr;  // this and below: null where there is no such weight
    float* initial_h = nullptr;
    float* initial_c = nullptr;
    float* peepholes = nullptr;
};

inline constexpr std::size_t kStateFloats = 12;  // four rows of three states

// Memory of the way back.
struct RecurrentScratch {
    float* gates = nullptr;      // rows x gate_row: gradients before the activations
    float* recurrent = nullptr;  // rows x state_row: GRU, of what trace.cell holds
    float* state = nullptr;      // kStateFloats x hidden
};

// What one pass forward read and made.
struct RecurrentPast {
    RecurrentWeights weights;
    RecurrentRows rows;
    RecurrentOutputs outputs;
    RecurrentTrace trace;
};

void recurrent_backward(const RecurrentSizes& sizes, const RecurrentPast& past,
                        const RecurrentGradients& gradients,
                        const RecurrentScratch& scratch) noexcept;

}  // namespace tamis::engine
