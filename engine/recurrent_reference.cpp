#include "engine/recurrent_reference.hpp"

#include <algorithm>
#include <cmath>

#include "engine/recurrent_form.hpp"

namespace tamis::engine {

namespace {

using Values = std::vector<double>;

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

// One direction of one layer; equations as in ONNX's operator documentation.
class Recurrence {
 public:
    Recurrence(const Graph& graph, const RecurrentLayer& layer, std::size_t direction,
               std::size_t in)
        : graph_(graph),
          layer_(layer),
          direction_(direction),
          in_(in),
          n_(static_cast<std::size_t>(layer.hidden)),
          gates_(static_cast<std::size_t>(layer.gates())) {
        for (std::size_t j = 0; j < n_; ++j) {
            h.push_back(weight(layer.initial_h, direction * n_ + j));
            c.push_back(weight(layer.initial_c, direction * n_ + j));
        }
    }

    void step(const double* x) {
        if (layer_.cell == RecurrentLayer::Cell::lstm) {
            lstm(x);
        } else {
            gru(x);
        }
    }
    Values h, c;

 private:
    [[nodiscard]] double weight(const std::string& name, std::size_t at) const {
        return name.empty() ? 0.0 : graph_.weights.at(name).values[at];
    }
    [[nodiscard]] double from_input(std::size_t gate, std::size_t j, const double* x) const {
        const std::size_t unit = (direction_ * gates_ + gate) * n_ + j;
        double sum = weight(layer_.bias, (direction_ * 2 * gates_ + gate) * n_ + j);
        for (std::size_t k = 0; k < in_; ++k) sum += weight(layer_.kernel, unit * in_ + k) * x[k];
        return sum;
    }
    [[nodiscard]] double from_state(std::size_t gate, std::size_t j, const Values& state) const {
        const std::size_t unit = (direction_ * gates_ + gate) * n_ + j;
        double sum = weight(layer_.bias, (direction_ * 2 * gates_ + gates_ + gate) * n_ + j);
        for (std::size_t k = 0; k < n_; ++k) {
            sum += weight(layer_.recurrence, unit * n_ + k) * state[k];
        }
        return sum;
    }
    [[nodiscard]] double peephole(std::size_t gate, std::size_t j) const {
        return weight(layer_.peepholes, (direction_ * 3 + gate) * n_ + j);
    }

    void lstm(const double* x) {
        const auto gate = [&](std::size_t which, std::size_t j) {
            return from_input(which, j, x) + from_state(which, j, h);
        };
        Values next_h(n_);
        Values next_c(n_);
        for (std::size_t j = 0; j < n_; ++j) {
            const double i = sigmoid(gate(0, j) + peephole(0, j) * c[j]);
            const double f = sigmoid(gate(2, j) + peephole(2, j) * c[j]);
            next_c[j] = f * c[j] + i * std::tanh(gate(3, j));
            const double o = sigmoid(gate(1, j) + peephole(1, j) * next_c[j]);
            next_h[j] = o * std::tanh(next_c[j]);
        }
        h = next_h;
        c = next_c;
    }

    void gru(const double* x) {
        Values z(n_);
        Values r(n_);
        Values reset(n_);
        for (std::size_t j = 0; j < n_; ++j) {
            z[j] = sigmoid(from_input(0, j, x) + from_state(0, j, h));
            r[j] = sigmoid(from_input(1, j, x) + from_state(1, j, h));
            reset[j] = r[j] * h[j];
        }
        Values next(n_);
        for (std::size_t j = 0; j < n_; ++j) {
            const double inner =
                layer_.linear_before_reset ? r[j] * from_state(2, j, h) : from_state(2, j, reset);
            next[j] = (1.0 - z[j]) * std::tanh(from_input(2, j, x) + inner) + z[j] * h[j];
        }
        h = next;
    }

    const Graph& graph_;
    const RecurrentLayer& layer_;
    std::size_t direction_, in_, n_, gates_;
};

}  // namespace

std::vector<Values> evaluate_recurrence(const Graph& graph, const Node& node, const Values& x,
                                        const Shape& row) {
    const RecurrentLayer layer = recurrent_layer(node);
    const auto in = static_cast<std::size_t>(row[row.rank() - 1]);
    const auto steps = static_cast<std::size_t>(row[row.rank() - 2]);
    const auto directions = static_cast<std::size_t>(layer.directions());
    const auto hidden = static_cast<std::size_t>(layer.hidden);
    const std::size_t sequences = x.size() / (steps * in);
    Values y(sequences * steps * directions * hidden);
    Values last_h;
    Values last_c;
    for (std::size_t sequence = 0; sequence < sequences; ++sequence) {
        for (std::size_t direction = 0; direction < directions; ++direction) {
            const bool reversed =
                direction == 1 || layer.direction == RecurrentLayer::Direction::reverse;
            Recurrence recurrence(graph, layer, direction, in);
            for (std::size_t i = 0; i < steps; ++i) {
                const std::size_t at = sequence * steps + (reversed ? steps - 1 - i : i);
                recurrence.step(x.data() + at * in);
                const std::size_t to = (at * directions + direction) * hidden;
                std::ranges::copy(recurrence.h, y.begin() + static_cast<std::ptrdiff_t>(to));
            }
            last_h.insert(last_h.end(), recurrence.h.begin(), recurrence.h.end());
            last_c.insert(last_c.end(), recurrence.c.begin(), recurrence.c.end());
        }
    }
    if (layer.cell == RecurrentLayer::Cell::gru) return {y, last_h};
    return {y, last_h, last_c};
}

}  // namespace tamis::engine
