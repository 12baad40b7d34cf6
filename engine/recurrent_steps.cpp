#include "engine/recurrent_steps.hpp"

#include <algorithm>

#include "engine/recurrent_kernels.hpp"

namespace tamis::engine {

namespace {

using Cell = RecurrentLayer::Cell;

constexpr std::size_t kRowsAtOnce = 4;

// Up to four rows in one direction.
class ForwardPass {
 public:
    ForwardPass(const RecurrentSizes& sizes, const RecurrentWeights& weights, const float* zeros,
                std::size_t direction)
        : sizes_(sizes),
          weights_(weights),
          direction_(direction),
          reversed_(direction == 1 || sizes.first_is_reversed),
          bias_(weights.bias == nullptr ? nullptr : weights.bias + direction * 2 * sizes.gates()),
          first_h_(weights.initial_h == nullptr ? zeros
                                                : weights.initial_h + direction * sizes.hidden),
          first_c_(weights.initial_c == nullptr ? zeros
                                                : weights.initial_c + direction * sizes.hidden) {}

    void run(const float* x, std::size_t rows, const RecurrentOutputs& outputs,
             const RecurrentTrace& trace) {
        x_ = x;
        rows_ = rows;
        outputs_ = outputs;
        trace_ = trace;
        std::size_t before = sizes_.steps;  // none
        for (std::size_t i = 0; i < sizes_.steps; ++i) {
            const std::size_t step = reversed_ ? sizes_.steps - 1 - i : i;
            advance(step, before);
            before = step;
        }
        for (std::size_t row = 0; row < rows_; ++row) {
            const std::size_t to = (row * sizes_.directions + direction_) * sizes_.hidden;
            std::copy_n(outputs_.sequence + state_at(row, before), sizes_.hidden,
                        outputs_.last_h + to);
            if (sizes_.cell != Cell::lstm) continue;
            std::copy_n(trace_.cell + state_at(row, before), sizes_.hidden, outputs_.last_c + to);
        }
    }

 private:
    [[nodiscard]] std::size_t state_at(std::size_t row, std::size_t step) const {
        return ((row * sizes_.steps + step) * sizes_.directions + direction_) * sizes_.hidden;
    }
    [[nodiscard]] std::size_t gates_at(std::size_t row, std::size_t step) const {
        return ((row * sizes_.steps + step) * sizes_.directions + direction_) * sizes_.gates();
    }
    [[nodiscard]] const float* state_before(const float* states, const float* first,
                                            std::size_t row, std::size_t before) const {
        return before == sizes_.steps ? first : states + state_at(row, before);
    }

    void advance(std::size_t step, std::size_t before) {
        const std::size_t gates = sizes_.gates();
        const std::size_t hidden = sizes_.hidden;
        const bool reset_inside = sizes_.cell == Cell::gru && sizes_.linear_before_reset;
        for (std::size_t row = 0; row < rows_; ++row) {
            float* z = trace_.gates + gates_at(row, step);
            for (std::size_t j = 0; j < gates; ++j) {
                const bool apart = reset_inside && j >= 2 * hidden;
                z[j] = bias_ == nullptr ? 0.F : bias_[j] + (apart ? 0.F : bias_[gates + j]);
            }
        }
        add_products({.x = x_ + step * sizes_.in,
                      .x_row = sizes_.steps * sizes_.in,
                      .w = weights_.kernel_by_input + direction_ * sizes_.in * gates,
                      .w_row = gates,
                      .z = trace_.gates + gates_at(0, step),
                      .z_row = sizes_.gate_row(),
                      .rows = rows_,
                      .depth = sizes_.in,
                      .width = gates});
        if (sizes_.cell == Cell::lstm) {
            add_recurrence(before, 0, gates, trace_.gates + gates_at(0, step), sizes_.gate_row());
            for (std::size_t row = 0; row < rows_; ++row) finish_lstm(row, step, before);
            return;
        }
        add_recurrence(before, 0, 2 * hidden, trace_.gates + gates_at(0, step), sizes_.gate_row());
        if (reset_inside) {
            for (std::size_t row = 0; row < rows_; ++row) {
                float* q = trace_.cell + state_at(row, step);
                for (std::size_t j = 0; j < hidden; ++j) {
                    q[j] = bias_ == nullptr ? 0.F : bias_[gates + 2 * hidden + j];
                }
            }
            add_recurrence(before, 2 * hidden, hidden, trace_.cell + state_at(0, step),
                           sizes_.state_row());
        }
        finish_gru(step, before);
    }

    // z += h of the step before, times the columns of R from `first` on.
    void add_recurrence(std::size_t before, std::size_t first, std::size_t width, float* z,
                        std::size_t z_row) {
        if (before == sizes_.steps && weights_.initial_h == nullptr) return;
        add_products({.x = state_before(outputs_.sequence, first_h_, 0, before),
                      .x_row = before == sizes_.steps ? 0 : sizes_.state_row(),
                      .w = recurrence() + first,
                      .w_row = sizes_.gates(),
                      .z = z,
                      .z_row = z_row,
                      .rows = rows_,
                      .depth = sizes_.hidden,
                      .width = width});
    }
    [[nodiscard]] const float* recurrence() const {
        return weights_.recurrence_by_input + direction_ * sizes_.hidden * sizes_.gates();
    }

    void finish_lstm(std::size_t row, std::size_t step, std::size_t before) {
        const std::size_t n = sizes_.hidden;
        float* i = trace_.gates + gates_at(row, step);
        float* o = i + n;
        float* f = o + n;
        float* g = f + n;
        const float* c_before = state_before(trace_.cell, first_c_, row, before);
        float* c = trace_.cell + state_at(row, step);
        float* c_tanh = trace_.cell_tanh + state_at(row, step);
        float* h = outputs_.sequence + state_at(row, step);
        const float* p =
            weights_.peepholes == nullptr ? nullptr : weights_.peepholes + direction_ * 3 * n;
        for (std::size_t j = 0; p != nullptr && j < n; ++j) {
            i[j] += p[j] * c_before[j];
            f[j] += p[2 * n + j] * c_before[j];
        }
        apply_sigmoid(i, n);
        apply_sigmoid(f, n);
        apply_tanh(g, n);
        for (std::size_t j = 0; j < n; ++j) c[j] = f[j] * c_before[j] + i[j] * g[j];
        for (std::size_t j = 0; p != nullptr && j < n; ++j) o[j] += p[n + j] * c[j];
        apply_sigmoid(o, n);
        std::copy_n(c, n, c_tanh);
        apply_tanh(c_tanh, n);
        for (std::size_t j = 0; j < n; ++j) h[j] = o[j] * c_tanh[j];
    }

    void finish_gru(std::size_t step, std::size_t before) {
        const std::size_t n = sizes_.hidden;
        for (std::size_t row = 0; row < rows_; ++row) {
            float* z = trace_.gates + gates_at(row, step);
            const float* r = z + n;
            float* g = z + 2 * n;
            float* cell = trace_.cell + state_at(row, step);
            const float* h_before = state_before(outputs_.sequence, first_h_, row, before);
            apply_sigmoid(z, 2 * n);
            for (std::size_t j = 0; j < n; ++j) {
                if (sizes_.linear_before_reset) {
                    g[j] += r[j] * cell[j];
                } else {
                    cell[j] = r[j] * h_before[j];
                }
            }
        }
        if (!sizes_.linear_before_reset) {
            add_products({.x = trace_.cell + state_at(0, step),
                          .x_row = sizes_.state_row(),
                          .w = recurrence() + 2 * n,
                          .w_row = sizes_.gates(),
                          .z = trace_.gates + gates_at(0, step) + 2 * n,
                          .z_row = sizes_.gate_row(),
                          .rows = rows_,
                          .depth = n,
                          .width = n});
        }
        for (std::size_t row = 0; row < rows_; ++row) {
            const float* z = trace_.gates + gates_at(row, step);
            float* g = trace_.gates + gates_at(row, step) + 2 * n;
            const float* h_before = state_before(outputs_.sequence, first_h_, row, before);
            float* h = outputs_.sequence + state_at(row, step);
            apply_tanh(g, n);
            for (std::size_t j = 0; j < n; ++j) h[j] = (1.F - z[j]) * g[j] + z[j] * h_before[j];
        }
    }

    const RecurrentSizes& sizes_;
    const RecurrentWeights& weights_;
    std::size_t direction_;
    bool reversed_;
    const float* bias_;
    const float* first_h_;
    const float* first_c_;
    const float* x_ = nullptr;
    std::size_t rows_ = 0;
    RecurrentOutputs outputs_;
    RecurrentTrace trace_;
};

float* moved(float* of, std::size_t by) { return of == nullptr ? nullptr : of + by; }

}  // namespace

void recurrent_forward(const RecurrentSizes& sizes, const RecurrentWeights& weights,
                       const RecurrentRows& rows, const RecurrentOutputs& outputs,
                       const RecurrentTrace& trace) noexcept {
    const std::size_t last_row = sizes.directions * sizes.hidden;
    for (std::size_t direction = 0; direction < sizes.directions; ++direction) {
        ForwardPass pass(sizes, weights, rows.zeros, direction);
        for (std::size_t row = 0; row < rows.rows; row += kRowsAtOnce) {
            pass.run(rows.x + row * sizes.steps * sizes.in, std::min(kRowsAtOnce, rows.rows - row),
                     {outputs.sequence + row * sizes.state_row(), outputs.last_h + row * last_row,
                      moved(outputs.last_c, row * last_row)},
                     {trace.gates + row * sizes.gate_row(), trace.cell + row * sizes.state_row(),
                      moved(trace.cell_tanh, row * sizes.state_row())});
        }
    }
}

}  // namespace tamis::engine
