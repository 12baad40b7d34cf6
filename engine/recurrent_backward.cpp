// recurrent_backward of recurrent_steps.hpp: first the gradients of all gates, step by step back
// through time, then those of the weights in one sum over rows and steps each.
#include <algorithm>

#include "engine/recurrent_kernels.hpp"
#include "engine/recurrent_steps.hpp"

namespace tamis::engine {

namespace {

using Cell = RecurrentLayer::Cell;

constexpr std::size_t kRowsAtOnce = 4;

class BackwardPass {
 public:
    BackwardPass(const RecurrentSizes& sizes, const RecurrentPast& past,
                 const RecurrentGradients& gradients, const RecurrentScratch& scratch,
                 std::size_t direction)
        : sizes_(sizes),
          past_(past),
          gradients_(gradients),
          scratch_(scratch),
          direction_(direction),
          n_(sizes.hidden),
          reversed_(direction == 1 || sizes.first_is_reversed),
          first_h_(past.weights.initial_h == nullptr ? past.rows.zeros
                                                     : past.weights.initial_h + direction * n_),
          first_c_(past.weights.initial_c == nullptr ? past.rows.zeros
                                                     : past.weights.initial_c + direction * n_),
          peepholes_(past.weights.peepholes == nullptr
                         ? nullptr
                         : past.weights.peepholes + direction * 3 * n_) {}

    void run() {
        for (std::size_t row = 0; row < past_.rows.rows; row += kRowsAtOnce) {
            through_time(row, std::min(kRowsAtOnce, past_.rows.rows - row));
        }
        add_kernel_gradient();
        add_recurrence_gradient();
        if (gradients_.bias != nullptr) add_bias_gradient();
        if (gradients_.peepholes != nullptr) add_peephole_gradient();
    }

 private:
    [[nodiscard]] std::size_t state_at(std::size_t row, std::size_t step) const {
        return ((row * sizes_.steps + step) * sizes_.directions + direction_) * n_;
    }
    [[nodiscard]] std::size_t gates_at(std::size_t row, std::size_t step) const {
        return ((row * sizes_.steps + step) * sizes_.directions + direction_) * sizes_.gates();
    }
    [[nodiscard]] std::size_t last_at(std::size_t row) const {
        return (row * sizes_.directions + direction_) * n_;
    }
    // The step that ran before this one; `steps` for the first.
    [[nodiscard]] std::size_t before(std::size_t step) const {
        if (reversed_) return step + 1;
        return step == 0 ? sizes_.steps : step - 1;
    }
    [[nodiscard]] const float* state_before(const float* states, const float* first,
                                            std::size_t row, std::size_t step) const {
        return before(step) == sizes_.steps ? first : states + state_at(row, before(step));
    }
    [[nodiscard]] const float* recurrence() const {
        return past_.weights.recurrence + direction_ * sizes_.gates() * n_;
    }

    void through_time(std::size_t first, std::size_t rows) {
        float* dh = scratch_.state;
        float* dc = dh + kRowsAtOnce * n_;
        for (std::size_t row = 0; row < rows; ++row) {
            std::copy_n(gradients_.last_h + last_at(first + row), n_, dh + row * n_);
            if (sizes_.cell == Cell::lstm) {
                std::copy_n(gradients_.last_c + last_at(first + row), n_, dc + row * n_);
            }
        }
        for (std::size_t i = 0; i < sizes_.steps; ++i) {
            const std::size_t step = reversed_ ? i : sizes_.steps - 1 - i;
            for (std::size_t row = 0; row < rows; ++row) {
                const float* dy = gradients_.sequence + state_at(first + row, step);
                for (std::size_t j = 0; j < n_; ++j) dh[row * n_ + j] += dy[j];
            }
            if (sizes_.cell == Cell::lstm) {
                back_lstm(first, rows, step, dh, dc);
            } else {
                back_gru(first, rows, step, dh, dc);
            }
            if (gradients_.x != nullptr) add_input_gradient(first, rows, step);
        }
        for (std::size_t row = 0; row < rows; ++row) {
            add_to(gradients_.initial_h, dh + row * n_);
            add_to(gradients_.initial_c, dc + row * n_);
        }
    }
    void add_to(float* initial, const float* gradient) const {
        if (initial == nullptr) return;
        for (std::size_t j = 0; j < n_; ++j) initial[direction_ * n_ + j] += gradient[j];
    }

    // dh += gradients of `depth` gates from `gate` on, times their rows of R.
    void add_through_recurrence(const float* gradient, std::size_t gradient_row, std::size_t rows,
                                std::size_t gate, std::size_t depth, float* dh) const {
        add_products({.x = gradient,
                      .x_row = gradient_row,
                      .w = recurrence() + gate * n_,
                      .w_row = n_,
                      .z = dh,
                      .z_row = n_,
                      .rows = rows,
                      .depth = depth,
                      .width = n_});
    }

    void back_lstm(std::size_t first, std::size_t rows, std::size_t step, float* dh, float* dc) {
        for (std::size_t row = 0; row < rows; ++row) {
            back_lstm_row(first + row, step, dh + row * n_, dc + row * n_);
        }
        std::fill_n(dh, rows * n_, 0.F);
        add_through_recurrence(scratch_.gates + gates_at(first, step), sizes_.gate_row(), rows, 0,
                               sizes_.gates(), dh);
    }

    void back_lstm_row(std::size_t row, std::size_t step, const float* dh, float* dc) const {
        const float* i = past_.trace.gates + gates_at(row, step);
        const float* o = i + n_;
        const float* f = o + n_;
        const float* g = f + n_;
        float* di = scratch_.gates + gates_at(row, step);
        float* d_o = di + n_;
        float* df = d_o + n_;
        float* dg = df + n_;
        const float* c_tanh = past_.trace.cell_tanh + state_at(row, step);
        const float* c_before = state_before(past_.trace.cell, first_c_, row, step);
        for (std::size_t j = 0; j < n_; ++j) {
            d_o[j] = dh[j] * c_tanh[j] * o[j] * (1.F - o[j]);
            float d_cell = dc[j] + dh[j] * o[j] * (1.F - c_tanh[j] * c_tanh[j]);
            if (peepholes_ != nullptr) d_cell += d_o[j] * peepholes_[n_ + j];
            di[j] = d_cell * g[j] * i[j] * (1.F - i[j]);
            df[j] = d_cell * c_before[j] * f[j] * (1.F - f[j]);
            dg[j] = d_cell * i[j] * (1.F - g[j] * g[j]);
            dc[j] = d_cell * f[j];
            if (peepholes_ != nullptr) {
                dc[j] += di[j] * peepholes_[j] + df[j] * peepholes_[2 * n_ + j];
            }
        }
    }

    // `reset`: gradient of r * h, where R comes after it.
    void back_gru(std::size_t first, std::size_t rows, std::size_t step, float* dh, float* reset) {
        for (std::size_t row = 0; row < rows; ++row) {
            const float* z = past_.trace.gates + gates_at(first + row, step);
            const float* g = z + 2 * n_;
            float* dz = scratch_.gates + gates_at(first + row, step);
            float* dg = dz + 2 * n_;
            float* d = dh + row * n_;
            const float* h_before =
                state_before(past_.outputs.sequence, first_h_, first + row, step);
            for (std::size_t j = 0; j < n_; ++j) {
                dz[j] = d[j] * (h_before[j] - g[j]) * z[j] * (1.F - z[j]);
                dg[j] = d[j] * (1.F - z[j]) * (1.F - g[j] * g[j]);
                d[j] *= z[j];
            }
        }
        float* gates = scratch_.gates + gates_at(first, step);
        if (!sizes_.linear_before_reset) {
            std::fill_n(reset, rows * n_, 0.F);
            add_through_recurrence(gates + 2 * n_, sizes_.gate_row(), rows, 2 * n_, n_, reset);
        }
        for (std::size_t row = 0; row < rows; ++row) {
            back_reset(first + row, step, dh + row * n_, reset + row * n_);
        }
        add_through_recurrence(gates, sizes_.gate_row(), rows, 0, 2 * n_, dh);
        if (sizes_.linear_before_reset) {
            add_through_recurrence(scratch_.recurrent + state_at(first, step), sizes_.state_row(),
                                   rows, 2 * n_, n_, dh);
        }
    }

    void back_reset(std::size_t row, std::size_t step, float* dh, const float* reset) const {
        const float* r = past_.trace.gates + gates_at(row, step) + n_;
        float* dr = scratch_.gates + gates_at(row, step) + n_;
        const float* dg = dr + n_;
        const float* cell = past_.trace.cell + state_at(row, step);
        float* recurrent = scratch_.recurrent + state_at(row, step);
        const float* h_before = state_before(past_.outputs.sequence, first_h_, row, step);
        for (std::size_t j = 0; j < n_; ++j) {
            const float slope = r[j] * (1.F - r[j]);
            if (sizes_.linear_before_reset) {
                dr[j] = dg[j] * cell[j] * slope;
                recurrent[j] = dg[j] * r[j];
            } else {
                dr[j] = reset[j] * h_before[j] * slope;
                dh[j] += reset[j] * r[j];
            }
        }
    }

    void add_input_gradient(std::size_t first, std::size_t rows, std::size_t step) const {
        add_products({.x = scratch_.gates + gates_at(first, step),
                      .x_row = sizes_.gate_row(),
                      .w = past_.weights.kernel + direction_ * sizes_.gates() * sizes_.in,
                      .w_row = sizes_.in,
                      .z = gradients_.x + (first * sizes_.steps + step) * sizes_.in,
                      .z_row = sizes_.steps * sizes_.in,
                      .rows = rows,
                      .depth = sizes_.gates(),
                      .width = sizes_.in});
    }

    void add_kernel_gradient() const {
        add_products({.x = scratch_.gates + gates_at(0, 0),
                      .x_row = 1,
                      .x_step = sizes_.directions * sizes_.gates(),
                      .w = past_.rows.x,
                      .w_row = sizes_.in,
                      .z = gradients_.kernel + direction_ * sizes_.gates() * sizes_.in,
                      .z_row = sizes_.in,
                      .rows = sizes_.gates(),
                      .depth = past_.rows.rows * sizes_.steps,
                      .width = sizes_.in});
    }

    void add_recurrence_gradient() const {
        const bool gru = sizes_.cell == Cell::gru;
        const std::size_t gate_step = sizes_.directions * sizes_.gates();
        const std::size_t state_step = sizes_.directions * n_;
        add_for_states(scratch_.gates + gates_at(0, 0), gate_step, 0,
                       gru ? 2 * n_ : sizes_.gates());
        if (gru && sizes_.linear_before_reset) {
            add_for_states(scratch_.recurrent + state_at(0, 0), state_step, 2 * n_, n_);
        } else if (gru) {
            add_products({.x = scratch_.gates + gates_at(0, 0) + 2 * n_,
                          .x_row = 1,
                          .x_step = gate_step,
                          .w = past_.trace.cell + state_at(0, 0),
                          .w_row = state_step,
                          .z = recurrence_gradient() + 2 * n_ * n_,
                          .z_row = n_,
                          .rows = n_,
                          .depth = past_.rows.rows * sizes_.steps,
                          .width = n_});
        }
    }
    [[nodiscard]] float* recurrence_gradient() const {
        return gradients_.recurrence + direction_ * sizes_.gates() * n_;
    }

    // Rows [gate, gate + width) of R's gradient: each step's gradient times the state before it.
    void add_for_states(const float* gradient, std::size_t gradient_step, std::size_t gate,
                        std::size_t width) const {
        const std::size_t state_step = sizes_.directions * n_;
        RowProducts task{.x = nullptr,
                         .x_row = 1,
                         .x_step = gradient_step,
                         .w = nullptr,
                         .w_row = state_step,
                         .z = recurrence_gradient() + gate * n_,
                         .z_row = n_,
                         .rows = width,
                         .depth = sizes_.steps - 1,
                         .width = n_};
        for (std::size_t row = 0; row < past_.rows.rows; ++row) {
            const float* own = gradient + row * sizes_.steps * gradient_step;
            const float* states = past_.outputs.sequence + state_at(row, 0);
            task.x = reversed_ ? own : own + gradient_step;
            task.w = reversed_ ? states + state_step : states;
            add_products(task);
            if (past_.weights.initial_h == nullptr) continue;
            RowProducts initial = task;
            initial.x = reversed_ ? own + (sizes_.steps - 1) * gradient_step : own;
            initial.w = first_h_;
            initial.depth = 1;
            add_products(initial);
        }
    }

    void add_bias_gradient() const {
        const std::size_t gates = sizes_.gates();
        float* by_input = gradients_.bias + direction_ * 2 * gates;
        float* by_state = by_input + gates;
        for (std::size_t row = 0; row < past_.rows.rows; ++row) {
            for (std::size_t step = 0; step < sizes_.steps; ++step) {
                const float* gradient = scratch_.gates + gates_at(row, step);
                const std::size_t same = sizes_.linear_before_reset ? 2 * n_ : gates;
                for (std::size_t j = 0; j < gates; ++j) by_input[j] += gradient[j];
                for (std::size_t j = 0; j < same; ++j) by_state[j] += gradient[j];
                if (same == gates) continue;
                const float* recurrent = scratch_.recurrent + state_at(row, step);
                for (std::size_t j = 0; j < n_; ++j) by_state[same + j] += recurrent[j];
            }
        }
    }

    void add_peephole_gradient() const {
        float* p = gradients_.peepholes + direction_ * 3 * n_;
        for (std::size_t row = 0; row < past_.rows.rows; ++row) {
            for (std::size_t step = 0; step < sizes_.steps; ++step) {
                const float* di = scratch_.gates + gates_at(row, step);
                const float* c = past_.trace.cell + state_at(row, step);
                const float* c_before = state_before(past_.trace.cell, first_c_, row, step);
                for (std::size_t j = 0; j < n_; ++j) {
                    p[j] += di[j] * c_before[j];
                    p[n_ + j] += di[n_ + j] * c[j];
                    p[2 * n_ + j] += di[2 * n_ + j] * c_before[j];
                }
            }
        }
    }

    const RecurrentSizes& sizes_;
    const RecurrentPast& past_;
    const RecurrentGradients& gradients_;
    const RecurrentScratch& scratch_;
    std::size_t direction_;
    std::size_t n_;
    bool reversed_;
    const float* first_h_;
    const float* first_c_;
    const float* peepholes_;
};

void clear(float* values, std::size_t count) {
    if (values != nullptr) std::fill_n(values, count, 0.F);
}

}  // namespace

void recurrent_backward(const RecurrentSizes& sizes, const RecurrentPast& past,
                        const RecurrentGradients& gradients,
                        const RecurrentScratch& scratch) noexcept {
    const std::size_t per_direction = sizes.directions * sizes.gates();
    const std::size_t states = sizes.directions * sizes.hidden;
    clear(gradients.x, past.rows.rows * sizes.steps * sizes.in);
    clear(gradients.kernel, per_direction * sizes.in);
    clear(gradients.recurrence, per_direction * sizes.hidden);
    clear(gradients.bias, 2 * per_direction);
    clear(gradients.initial_h, states);
    clear(gradients.initial_c, states);
    clear(gradients.peepholes, 3 * states);
    for (std::size_t direction = 0; direction < sizes.directions; ++direction) {
        BackwardPass(sizes, past, gradients, scratch, direction).run();
    }
}

}  // namespace tamis::engine
