// LSTM and GRU, on loops of ours: oneDNN 2.6 has only its reference code for them on any CPU, and
// adds in an order that depends on the rows.
#include <algorithm>

#include "engine/emission.hpp"
#include "engine/recurrent_steps.hpp"

namespace tamis::engine {

namespace {

constexpr std::size_t kInferenceRows = 4;  // whose gates are in memory at a time

// Buffers of a step by what they are; a loop finds their addresses by place.
class BufferList {
 public:
    // -1: none.
    int add(BufferId buffer) {
        if (buffer < 0) return -1;
        buffers_.push_back(buffer);
        return static_cast<int>(buffers_.size()) - 1;
    }
    [[nodiscard]] const std::vector<BufferId>& buffers() const { return buffers_; }

 private:
    std::vector<BufferId> buffers_;
};

float* address(std::span<float* const> buffers, int place) {
    return place < 0 ? nullptr : buffers[static_cast<std::size_t>(place)];
}

struct WeightBuffers {
    BufferId kernel = -1, kernel_by_input = -1, recurrence = -1, recurrence_by_input = -1;
    BufferId bias = -1, initial_h = -1, initial_c = -1, peepholes = -1;
};

struct LayerBuffers {
    RecurrentSizes sizes;
    std::size_t lead = 1;  // sequences per row of the batch
    std::size_t rows = 1;  // sequences
    WeightBuffers weights;
    BufferId x = -1, sequence = -1, last_h = -1, last_c = -1;
    BufferId gates = -1, cell = -1, cell_tanh = -1;
};

onednn::Desc floats(std::size_t count) { return onednn::plain({static_cast<std::int64_t>(count)}); }

onednn::Desc natural_layout(Emission& to, const std::string& name) {
    return onednn::plain(to.weight_dims(name));
}

// A weight [D, gates, n] in memory as [D, n, gates].
BufferId by_input(Emission& to, const std::string& name, const std::string& layer) {
    const onednn::Dims dims = to.weight_dims(name);
    const onednn::Desc wanted =
        onednn::permuted(onednn::plain({dims[0], dims[2], dims[1]}), {0, 2, 1});
    return to.parameter(name, natural_layout(to, name), wanted, layer);
}

BufferId as_stored(Emission& to, const std::string& name, const std::string& layer) {
    if (name.empty()) return -1;
    const onednn::Desc layout = natural_layout(to, name);
    return to.parameter(name, layout, layout, layer);
}

LayerBuffers buffers_of(Emission& to, const PlanLayer& layer, const RecurrentLayer& recurrent) {
    const bool training = to.config().with_backward;
    const bool lstm = recurrent.cell == RecurrentLayer::Cell::lstm;
    const onednn::Dims x = to.dims(layer.inputs[0]);
    LayerBuffers made;
    made.sizes = {recurrent.cell,
                  recurrent.linear_before_reset,
                  recurrent.direction == RecurrentLayer::Direction::reverse,
                  static_cast<std::size_t>(recurrent.directions()),
                  static_cast<std::size_t>(x[x.size() - 2]),
                  static_cast<std::size_t>(x.back()),
                  static_cast<std::size_t>(recurrent.hidden)};
    for (std::size_t axis = 1; axis + 2 < x.size(); ++axis) {
        made.lead *= static_cast<std::size_t>(x[axis]);
    }
    made.rows = made.lead * static_cast<std::size_t>(to.config().batch);
    made.x = to.program().row_major(to.value_buffer(layer.inputs[0]), layer.name);
    const auto output = [&](std::size_t port) {
        const int value = layer.outputs[port];
        const BufferId buffer = to.destination(value, onednn::plain(to.dims(value)));
        to.set_value(value, buffer);
        return buffer;
    };
    made.sequence = output(0);
    made.last_h = output(1);
    if (lstm) made.last_c = output(2);
    const std::size_t kept = training ? made.rows : std::min(made.rows, kInferenceRows);
    made.gates = to.program().arena(floats(kept * made.sizes.gate_row()));
    made.cell = to.program().arena(floats(kept * made.sizes.state_row()));
    if (lstm) made.cell_tanh = to.program().arena(floats(kept * made.sizes.state_row()));
    made.weights.kernel_by_input = by_input(to, recurrent.kernel, layer.name);
    made.weights.recurrence_by_input = by_input(to, recurrent.recurrence, layer.name);
    made.weights.bias = as_stored(to, recurrent.bias, layer.name);
    made.weights.initial_h = as_stored(to, recurrent.initial_h, layer.name);
    made.weights.initial_c = as_stored(to, recurrent.initial_c, layer.name);
    made.weights.peepholes = as_stored(to, recurrent.peepholes, layer.name);
    if (training) {
        made.weights.kernel = as_stored(to, recurrent.kernel, layer.name);
        made.weights.recurrence = as_stored(to, recurrent.recurrence, layer.name);
    }
    return made;
}

// All that a pass reads or writes, found again in a loop's addresses.
struct PastPlaces {
    LayerBuffers of;
    LayerBuffers place;
    std::vector<float> zeros;

    PastPlaces(const LayerBuffers& buffers, BufferList& list)
        : of(buffers), place(buffers), zeros(buffers.sizes.hidden, 0.F) {
        for (const auto member : {&LayerBuffers::x, &LayerBuffers::sequence, &LayerBuffers::last_h,
                                  &LayerBuffers::last_c, &LayerBuffers::gates, &LayerBuffers::cell,
                                  &LayerBuffers::cell_tanh}) {
            place.*member = list.add(of.*member);
        }
        for (const auto member :
             {&WeightBuffers::kernel, &WeightBuffers::kernel_by_input, &WeightBuffers::recurrence,
              &WeightBuffers::recurrence_by_input, &WeightBuffers::bias, &WeightBuffers::initial_h,
              &WeightBuffers::initial_c, &WeightBuffers::peepholes}) {
            place.weights.*member = list.add(of.weights.*member);
        }
    }

    [[nodiscard]] RecurrentPast at(std::span<float* const> buffers, std::size_t rows) const {
        const auto get = [buffers](int where) { return address(buffers, where); };
        const WeightBuffers& w = place.weights;
        return {
            {get(w.kernel), get(w.kernel_by_input), get(w.recurrence), get(w.recurrence_by_input),
             get(w.bias), get(w.initial_h), get(w.initial_c), get(w.peepholes)},
            {rows, get(place.x), zeros.data()},
            {get(place.sequence), get(place.last_h), get(place.last_c)},
            {get(place.gates), get(place.cell), get(place.cell_tanh)}};
    }
};

Loop training_loop(const PastPlaces& places) {
    return [places](std::span<float* const> buffers, std::size_t) {
        const RecurrentPast past = places.at(buffers, places.of.rows);
        recurrent_forward(places.of.sizes, past.weights, past.rows, past.outputs, past.trace);
    };
}

// The gates of a few rows at a time: nobody goes back.
Loop inference_loop(const PastPlaces& places) {
    return [places](std::span<float* const> buffers, std::size_t batch) {
        const RecurrentSizes& sizes = places.of.sizes;
        const std::size_t rows = batch * places.of.lead;
        RecurrentPast past = places.at(buffers, rows);
        const std::size_t last_row = sizes.directions * sizes.hidden;
        for (std::size_t row = 0; row < rows; row += kInferenceRows) {
            past.rows.rows = std::min(kInferenceRows, rows - row);
            recurrent_forward(sizes, past.weights, past.rows, past.outputs, past.trace);
            past.rows.x += kInferenceRows * sizes.steps * sizes.in;
            past.outputs.sequence += kInferenceRows * sizes.state_row();
            past.outputs.last_h += kInferenceRows * last_row;
            if (past.outputs.last_c != nullptr) past.outputs.last_c += kInferenceRows * last_row;
        }
    };
}

struct GradientPlaces {
    int sequence = -1, last_h = -1, last_c = -1, x = -1;
    int kernel = -1, recurrence = -1, bias = -1, initial_h = -1, initial_c = -1, peepholes = -1;
    int gates = -1, recurrent = -1, state = -1;
};

Loop backward_loop(const PastPlaces& places, const GradientPlaces& gradients) {
    return [places, gradients](std::span<float* const> buffers, std::size_t) {
        const auto get = [buffers](int where) { return address(buffers, where); };
        const GradientPlaces& g = gradients;
        recurrent_backward(
            places.of.sizes, places.at(buffers, places.of.rows),
            {get(g.sequence), get(g.last_h), get(g.last_c), get(g.x), get(g.kernel),
             get(g.recurrence), get(g.bias), get(g.initial_h), get(g.initial_c), get(g.peepholes)},
            {get(g.gates), get(g.recurrent), get(g.state)});
    };
}

void emit_backward(Emission& to, const PlanLayer& layer, const RecurrentLayer& recurrent,
                   const LayerBuffers& past) {
    ProgramBuilder& program = to.program();
    BufferList list;
    const PastPlaces places(past, list);
    GradientPlaces at;
    const auto given = [&](std::size_t port) {
        return list.add(
            program.row_major(to.gradient(layer.outputs[port], layer.name), layer.name));
    };
    at.sequence = given(0);
    at.last_h = given(1);
    if (recurrent.cell == RecurrentLayer::Cell::lstm) at.last_c = given(2);
    const auto weight = [&](const std::string& name) {
        if (name.empty()) return -1;
        const onednn::Desc layout = natural_layout(to, name);
        const BufferId buffer = program.arena(layout);
        to.add_parameter_gradient(name, layout, buffer, layer.name);
        return list.add(buffer);
    };
    at.kernel = weight(recurrent.kernel);
    at.recurrence = weight(recurrent.recurrence);
    at.bias = weight(recurrent.bias);
    at.initial_h = weight(recurrent.initial_h);
    at.initial_c = weight(recurrent.initial_c);
    at.peepholes = weight(recurrent.peepholes);
    const auto scratch = [&](std::size_t count) { return list.add(program.arena(floats(count))); };
    at.gates = scratch(past.rows * past.sizes.gate_row());
    if (recurrent.cell == RecurrentLayer::Cell::gru) {
        at.recurrent = scratch(past.rows * past.sizes.state_row());
    }
    at.state = scratch(kStateFloats * past.sizes.hidden);
    BufferId x_gradient = -1;
    if (to.needs_gradient(layer.inputs[0])) {
        x_gradient = program.arena(onednn::plain(to.dims(layer.inputs[0])));
        at.x = list.add(x_gradient);
    }
    program.append(layer.name, "recurrence", backward_loop(places, at), list.buffers());
    if (x_gradient >= 0) to.add_gradient(layer.inputs[0], x_gradient);
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const RecurrentLayer& recurrent) {
    const LayerBuffers buffers = buffers_of(to, layer, recurrent);
    BufferList list;
    const PastPlaces places(buffers, list);
    if (!to.config().with_backward) {
        to.program().append(layer.name, "recurrence", inference_loop(places), list.buffers(),
                            ProgramBuilder::Rows::any);
        return;
    }
    to.program().append(layer.name, "recurrence", training_loop(places), list.buffers());
    to.on_backward(layer, [&to, &layer, &recurrent, buffers] {
        emit_backward(to, layer, recurrent, buffers);
    });
}

}  // namespace tamis::engine
