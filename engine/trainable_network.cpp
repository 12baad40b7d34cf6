#include "engine/trainable_network.hpp"

#include <algorithm>
#include <gsl/assert>

#include "engine/graph_passes.hpp"
#include "engine/program.hpp"
#include "engine/training_parameters.hpp"

namespace tamis::engine {

struct TrainingProgram {
    TrainingProgram(Graph of, LayerPlan planned, TrainingOptions options)
        : graph(std::move(of)),
          plan(std::move(planned)),
          mini_batch(options.mini_batch),
          weights(graph.weights, graph.inputs.size() + 2 * graph.outputs.size()) {
        dropout.seed = options.dropout_seed;
    }

    Graph graph;
    LayerPlan plan;
    std::size_t mini_batch;
    TrainingParameters weights;
    DropoutCounter dropout;
    std::vector<NetworkPort> inputs;
    std::vector<NetworkPort> outputs;
    std::vector<TrainableParameter> parameters;
    std::vector<FloatBuffer> input_rows;
    std::vector<FloatBuffer> output_rows;
    std::vector<FloatBuffer> output_gradients;
    std::vector<BufferId> input_gradients;
    struct LayerOutput {
        std::string layer;
        BufferId buffer = -1;
    };
    std::vector<LayerOutput> layer_outputs;
    std::size_t forward_steps = 0;
    std::size_t rows_of_last_forward = 0;
    FloatBuffer training_arena;
    FloatBuffer evaluation_arena;
    std::unique_ptr<ProgramMemory> training;  // forward steps, then backward steps
    std::unique_ptr<ProgramMemory>
        evaluation;  // null: the forward steps of training compute the same
};

namespace {

constexpr std::size_t kMaxTrainingBytes = std::size_t{4} << 30;

Graph prepared(Graph graph) {
    drop_nodes(graph, "Identity");
    join_matmul_and_bias(graph);
    fold_gemm_factors(graph);
    drop_unread_weights(graph);
    return graph;
}

// Values and ports alone, before any of them is made. No product overflows: a row has at most 2^26
// values and a mini-batch 2^16 rows.
bool fits_memory(const LayerPlan& plan, std::size_t mini_batch) {
    std::size_t per_row = 0;
    for (const Shape& shape : plan.value_shapes) per_row += shape.element_count();
    const auto add = [&](const std::vector<int>& values, std::size_t times) {
        for (const int value : values) {
            per_row += times * plan.value_shapes[static_cast<std::size_t>(value)].element_count();
        }
    };
    add(plan.inputs, 1);
    add(plan.outputs, 2);  // rows and gradients
    return per_row <= kMaxTrainingBytes / sizeof(float) / mini_batch;
}

bool evaluates_differently(const LayerPlan& plan) {
    return std::ranges::any_of(plan.layers, [](const PlanLayer& layer) {
        return std::holds_alternative<NormalisationLayer>(layer.spec) ||
               std::holds_alternative<DropoutLayer>(layer.spec);
    });
}

void make_ports(TrainingProgram& program) {
    const auto port = [&](const std::string& name, int value) {
        const Shape& shape = program.plan.value_shapes[static_cast<std::size_t>(value)];
        return NetworkPort{name, shape, shape.element_count()};
    };
    for (std::size_t i = 0; i < program.graph.inputs.size(); ++i) {
        program.inputs.push_back(port(program.graph.inputs[i].name, program.plan.inputs[i]));
        program.input_rows.emplace_back(program.mini_batch * program.inputs.back().row_size);
    }
    for (std::size_t i = 0; i < program.graph.outputs.size(); ++i) {
        program.outputs.push_back(port(program.graph.outputs[i], program.plan.outputs[i]));
        program.output_rows.emplace_back(program.mini_batch * program.outputs.back().row_size);
        program.output_gradients.emplace_back(program.output_rows.back().size());
    }
}

void bind_ports(TrainingProgram& program, ProgramMemory& memory) {
    std::size_t slot = 0;
    const auto bind = [&](std::vector<FloatBuffer>& rows) {
        for (FloatBuffer& values : rows) {
            if (slot < memory.program().slots) memory.bind(slot, values.data());
            ++slot;
        }
    };
    bind(program.input_rows);
    bind(program.output_rows);
    bind(program.output_gradients);
    program.weights.bind(memory);
}

std::unique_ptr<ProgramMemory> placed(TrainingProgram& program, Program steps, FloatBuffer& arena) {
    if (steps.arena_bytes > kMaxTrainingBytes) return nullptr;
    arena.resize(steps.arena_bytes / sizeof(float) + 1);
    auto memory = std::make_unique<ProgramMemory>(std::make_shared<const Program>(std::move(steps)),
                                                  arena.data());
    bind_ports(program, *memory);
    return memory;
}

bool emit_training(TrainingProgram& program, const TrainingOptions& options) {
    ProgramBuilder builder;
    Emission emission(builder, program.plan, program.weights,
                      {static_cast<std::int64_t>(program.mini_batch), onednn::Use::training, true,
                       options.input_gradients, &program.dropout});
    emission.emit_forward();
    program.forward_steps = builder.step_count();
    emission.emit_backward(program.graph.inputs.size() + program.graph.outputs.size());
    program.weights.emit_gradient_sums(builder);
    for (std::size_t port = 0; options.input_gradients && port < program.inputs.size(); ++port) {
        program.input_gradients.push_back(emission.input_gradient(port));
    }
    for (const PlanLayer& layer : program.plan.layers) {
        for (const int output : layer.outputs) {
            program.layer_outputs.push_back({layer.name, emission.value_buffer(output)});
        }
    }
    program.training =
        placed(program, builder.build(program.mini_batch, true), program.training_arena);
    return program.training != nullptr;
}

bool emit_evaluation(TrainingProgram& program) {
    if (!evaluates_differently(program.plan)) return true;
    ProgramBuilder builder;
    Emission emission(builder, program.plan, program.weights,
                      {static_cast<std::int64_t>(program.mini_batch), onednn::Use::inference, false,
                       false, nullptr});
    emission.emit_forward();
    program.evaluation =
        placed(program, builder.build(program.mini_batch, false), program.evaluation_arena);
    return program.evaluation != nullptr;
}

void clear_rows_from(std::vector<FloatBuffer>& ports, std::size_t first, std::size_t batch) {
    for (FloatBuffer& values : ports) {
        const std::size_t row_size = values.size() / batch;
        std::fill(values.begin() + static_cast<std::ptrdiff_t>(first * row_size), values.end(),
                  0.F);
    }
}

}  // namespace

tl::expected<std::unique_ptr<TrainableNetwork>, std::string> TrainableNetwork::create(
    const Graph& given, const TrainingOptions& options) {
    if (options.mini_batch < 1 || options.mini_batch > static_cast<std::size_t>(kMaxDimension)) {
        return tl::unexpected("mini_batch " + std::to_string(options.mini_batch) +
                              " (out of range); it lies in 1.." + std::to_string(kMaxDimension));
    }
    if (auto checked = check_graph(given); !checked) return tl::unexpected(checked.error());
    Graph graph = prepared(given);
    auto plan = plan_layers(graph);
    if (!plan) return tl::unexpected(plan.error());
    const std::string too_large =
        "training would need more than 4 GiB of memory; use a smaller mini-batch";
    if (!fits_memory(*plan, options.mini_batch)) return tl::unexpected(too_large);
    onednn::use_one_thread();
    try {
        auto program =
            std::make_unique<TrainingProgram>(std::move(graph), std::move(*plan), options);
        make_ports(*program);
        if (!emit_training(*program, options) || !emit_evaluation(*program)) {
            return tl::unexpected(too_large);
        }
        program->parameters = program->weights.trainable(program->plan);
        return std::make_unique<TrainableNetwork>(std::move(program));
    } catch (const std::exception& error) {
        return tl::unexpected("network \"" + given.name + "\" cannot be trained (" + error.what() +
                              "); change the named layer");
    }
}

TrainableNetwork::TrainableNetwork(std::unique_ptr<TrainingProgram> program)
    : program_(std::move(program)) {}

TrainableNetwork::~TrainableNetwork() = default;

std::size_t TrainableNetwork::mini_batch() const { return program_->mini_batch; }

std::span<const NetworkPort> TrainableNetwork::inputs() const { return program_->inputs; }

std::span<const NetworkPort> TrainableNetwork::outputs() const { return program_->outputs; }

std::span<float> TrainableNetwork::input(std::size_t port) { return program_->input_rows[port]; }

bool TrainableNetwork::forward(std::size_t rows, ForwardMode mode) {
    Expects(rows <= program_->mini_batch);
    onednn::use_one_thread();
    clear_rows_from(program_->input_rows, rows, program_->mini_batch);
    if (mode == ForwardMode::evaluation && program_->evaluation != nullptr) {
        return program_->evaluation->run();
    }
    if (mode == ForwardMode::training) {
        program_->rows_of_last_forward = rows;
        ++program_->dropout.step;
    }
    return program_->training->run(0, program_->forward_steps, program_->mini_batch);
}

std::span<const float> TrainableNetwork::output(std::size_t port) const {
    return program_->output_rows[port];
}

std::span<float> TrainableNetwork::output_gradient(std::size_t port) {
    return program_->output_gradients[port];
}

bool TrainableNetwork::backward() {
    onednn::use_one_thread();
    clear_rows_from(program_->output_gradients, program_->rows_of_last_forward,
                    program_->mini_batch);
    return program_->training->run(
        program_->forward_steps, program_->training->program().steps.size(), program_->mini_batch);
}

std::span<const float> TrainableNetwork::input_gradient(std::size_t port) const {
    Expects(port < program_->input_gradients.size());
    return {program_->training->address(program_->input_gradients[port]),
            program_->input_rows[port].size()};
}

std::span<const TrainableParameter> TrainableNetwork::parameters() const {
    return program_->parameters;
}

Graph TrainableNetwork::to_graph() const {
    Graph graph = program_->graph;
    program_->weights.store_into(graph.weights);
    return graph;
}

void TrainableNetwork::set_weights(const Graph& graph) {
    program_->weights.load_from(graph.weights);
}

void TrainableNetwork::save_into(Checkpoint& checkpoint, const std::string& prefix) const {
    checkpoint.integers[prefix + "mini_batch"] = program_->mini_batch;
    checkpoint.integers[prefix + "dropout_seed"] = program_->dropout.seed;
    checkpoint.integers[prefix + "dropout_step"] = program_->dropout.step;
    program_->weights.save_into(checkpoint, prefix + "weight/");
}

void TrainableNetwork::restore_from(CheckpointReader& checkpoint, const std::string& prefix) {
    // The order in which a batch's gradients are added depends on its size.
    checkpoint.expect(prefix + "mini_batch", program_->mini_batch);
    checkpoint.expect(prefix + "dropout_seed", program_->dropout.seed);
    checkpoint.read(prefix + "dropout_step", program_->dropout.step);
    program_->weights.restore_from(checkpoint, prefix + "weight/");
}

bool TrainableNetwork::uses_batch_statistics() const {
    return std::ranges::any_of(program_->plan.layers, [](const PlanLayer& layer) {
        return std::holds_alternative<NormalisationLayer>(layer.spec);
    });
}

std::string TrainableNetwork::first_non_finite() const {
    for (std::size_t i = 0; i < program_->input_rows.size(); ++i) {
        if (!all_finite(program_->input_rows[i])) return "input " + program_->inputs[i].name;
    }
    for (const auto& [layer, buffer] : program_->layer_outputs) {
        const auto& desc =
            program_->training->program().buffers[static_cast<std::size_t>(buffer)].desc;
        const std::size_t count = onednn::bytes_of(desc) / sizeof(float);
        if (!all_finite({program_->training->address(buffer), count})) {
            return "layer " + layer;
        }
    }
    return program_->weights.first_non_finite();
}

}  // namespace tamis::engine
