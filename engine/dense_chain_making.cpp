// How layers become the operations of a chain.
#include <algorithm>
#include <gsl/assert>

#include "engine/dense_chain.hpp"
#include "engine/memory_plan.hpp"

namespace tamis::engine {

namespace {

// Intermediate values of rows taken at once stay below this; half a first-level cache, the rest is
// weights.
constexpr std::size_t kRowsBytes = 24UL * 1024;
// A multiple of every number of rows the kernels take at once.
constexpr std::size_t kRowsStep = 12;
constexpr std::size_t kMaxRowsAtOnce = 96;
// All values of a block of columns; part of a second-level cache.
constexpr std::size_t kMaxColumnBytes = 256UL * 1024;
// Blocks go through a layer together, each tile of weights over all of them, while what the layer
// reads and writes of them stays in a first-level cache, as columns of so many blocks do (24 KiB
// with vectors of 8 floats, 48 KiB with 16): 2 to 5 % less than one by one.
constexpr std::size_t kLayerColumns = 384;
constexpr std::size_t kMaxBlocksAtOnce = 4;

std::size_t rounded_to_line(std::size_t floats) {
    constexpr std::size_t kLineFloats = 16;
    return (floats + kLineFloats - 1) / kLineFloats * kLineFloats;
}

}  // namespace

// Turns layers into operations.
class DenseChainMaker {
 public:
    DenseChainMaker(DenseChain& chain, const LayerPlan& plan, std::size_t first, std::size_t last,
                    const std::map<std::string, Tensor>& weights)
        : chain_(chain), plan_(plan), first_(first), last_(last), weights_(weights) {}

    void make() {
        find_ports();
        reserve_weights();
        std::vector<bool> done(last_ - first_, false);
        for (std::size_t i = first_; i < last_; ++i) {
            if (done[i - first_]) continue;
            const PlanLayer& layer = plan_.layers[i];
            if (const auto* dense = std::get_if<DenseLayer>(&layer.spec)) {
                add_dense(siblings_of(i, *dense, done));
            } else if (std::holds_alternative<ConcatLayer>(layer.spec) ||
                       std::holds_alternative<ReshapeLayer>(layer.spec)) {
                joined_[layer.outputs[0]] = sources_of(layer);
            } else {
                add_function(layer);
            }
        }
        add_copies();
        place_scratch();
        set_columns();
        const std::size_t row_bytes =
            std::max<std::size_t>(1, chain_.scratch_width_) * sizeof(float);
        chain_.rows_at_once_ =
            std::clamp(kRowsBytes / row_bytes / kRowsStep * kRowsStep, kRowsStep, kMaxRowsAtOnce);
    }

 private:
    using Place = DenseChain::Place;
    using Source = DenseChain::Source;
    using Operation = DenseChain::Operation;

    [[nodiscard]] std::size_t width_of(int value) const {
        return plan_.value_shapes[static_cast<std::size_t>(value)].element_count();
    }

    void find_ports() {
        std::vector<bool> made(plan_.value_shapes.size(), false);
        std::vector<bool> wanted(plan_.value_shapes.size(), false);
        for (const int output : plan_.outputs) wanted[static_cast<std::size_t>(output)] = true;
        for (std::size_t i = 0; i < plan_.layers.size(); ++i) {
            const bool inside = i >= first_ && i < last_;
            for (const int input : plan_.layers[i].inputs) {
                const auto id = static_cast<std::size_t>(input);
                if (!inside) wanted[id] = true;
                const bool is_new =
                    std::ranges::find(chain_.inputs_, input) == chain_.inputs_.end();
                if (inside && !made[id] && is_new) chain_.inputs_.push_back(input);
            }
            if (inside) made[static_cast<std::size_t>(plan_.layers[i].outputs[0])] = true;
        }
        for (std::size_t i = first_; i < last_; ++i) {
            const int output = plan_.layers[i].outputs[0];
            if (wanted[static_cast<std::size_t>(output)]) chain_.outputs_.push_back(output);
        }
        std::size_t buffer = 0;
        for (const int value : chain_.inputs_) {
            joined_[value] = {{{true, buffer++, width_of(value)}, 0, width_of(value)}};
        }
    }

    // Layers that become one take no more room than apart.
    void reserve_weights() {
        std::size_t floats = 0;
        for (std::size_t i = first_; i < last_; ++i) {
            const auto* dense = std::get_if<DenseLayer>(&plan_.layers[i].spec);
            if (dense == nullptr) continue;
            const std::size_t units = width_of(plan_.layers[i].outputs[0]);
            const std::size_t inputs = weights_.at(dense->kernel).values.size() / units;
            floats += rounded_to_line(chain_.kernels_.packed_floats(inputs, units));
        }
        chain_.weights_.reserve(floats);
    }

    // Values of scratch, whose places are numbers so far, share columns where they do not live at
    // the same time: all of them stay in the first-level cache.
    void place_scratch() {
        std::vector<Lifetime> lifetimes(scratch_columns_.size());
        const auto used = [&](const Place& place, std::size_t operation) {
            if (place.is_buffer) return;
            lifetimes[place.at].first = std::min(lifetimes[place.at].first, operation);
            lifetimes[place.at].last = operation;
        };
        for (std::size_t i = 0; i < chain_.operations_.size(); ++i) {
            const Operation& operation = chain_.operations_[i];
            for (const Source& source : sources_of(operation)) used(source.place, i);
            used(operation.result, i);
        }
        MemoryPlan columns;
        std::vector<std::size_t> first_columns;
        for (std::size_t value = 0; value < lifetimes.size(); ++value) {
            first_columns.push_back(columns.place(lifetimes[value], scratch_columns_[value]));
        }
        chain_.scratch_width_ = columns.size();
        const auto set = [&](Place& place) {
            if (!place.is_buffer) place = {false, first_columns[place.at], columns.size()};
        };
        for (Operation& operation : chain_.operations_) set(operation.result);
        for (Source& source : chain_.sources_) set(source.place);
    }

    [[nodiscard]] std::span<const Source> sources_of(const Operation& operation) const {
        return std::span(chain_.sources_).subspan(operation.first_source, operation.source_count);
    }

    // Values of a block of columns: those of scratch, then those of the buffers.
    void set_columns() {
        std::size_t columns = chain_.scratch_width_;
        for (const std::vector<int>* values : {&chain_.inputs_, &chain_.outputs_}) {
            for (const int value : *values) {
                chain_.ports_.push_back({columns, width_of(value)});
                columns += width_of(value);
            }
        }
        const std::size_t block_rows = chain_.kernels_.block_rows;
        if (columns * block_rows * sizeof(float) <= kMaxColumnBytes && block_rows > 0) {
            chain_.block_columns_ = columns;
            chain_.blocks_at_once_ =
                std::clamp<std::size_t>(kLayerColumns / widest_layer(), 1, kMaxBlocksAtOnce);
        }
    }

    // Columns that one operation reads and writes.
    [[nodiscard]] std::size_t widest_layer() const {
        std::size_t columns = 1;
        for (const Operation& operation : chain_.operations_) {
            columns = std::max(columns, operation.inputs + operation.units);
        }
        return columns;
    }

    // Where an operation's result goes if it is exactly this value: into its port, or into scratch.
    Place place_for(int value) {
        const auto port = std::ranges::find(chain_.outputs_, value);
        if (port == chain_.outputs_.end()) return scratch(width_of(value));
        const auto buffer = static_cast<std::size_t>(port - chain_.outputs_.begin());
        written_[value] = true;
        return {true, chain_.inputs_.size() + buffer, width_of(value)};
    }

    Place scratch(std::size_t width) {
        // Rows of a cache line or more start at one.
        scratch_columns_.push_back(rounded_to_line(chain_.kernels_.padded(width)));
        return {false, scratch_columns_.size() - 1, 0};
    }

    std::vector<Source> sources_of(const PlanLayer& layer) {
        std::vector<Source> sources;
        for (const int input : layer.inputs) {
            const std::vector<Source>& parts = joined_.at(input);
            sources.insert(sources.end(), parts.begin(), parts.end());
        }
        if (sources.size() <= DenseChain::kMaxSources) return sources;
        // More parts than an operation takes are first copied together, some at a time.
        const std::size_t width = width_of_sources(sources);
        const Place place = scratch(width);
        copy(sources, place);
        return {{place, 0, width}};
    }

    static std::size_t width_of_sources(std::span<const Source> sources) {
        std::size_t width = 0;
        for (const Source& source : sources) width += source.width;
        return width;
    }

    void copy(std::span<const Source> sources, const Place& to) {
        std::size_t column = 0;
        while (!sources.empty()) {
            const auto some = sources.first(std::min(sources.size(), DenseChain::kMaxSources));
            const std::size_t width = width_of_sources(some);
            add({.units = width, .result = to, .result_column = column}, some);
            column += width;
            sources = sources.subspan(some.size());
        }
    }

    void add(Operation operation, std::span<const Source> sources) {
        operation.first_source = chain_.sources_.size();
        operation.source_count = sources.size();
        chain_.sources_.insert(chain_.sources_.end(), sources.begin(), sources.end());
        chain_.operations_.push_back(operation);
    }

    // Later dense layers of the same input and activation: columns of one layer.
    std::vector<std::size_t> siblings_of(std::size_t first, const DenseLayer& dense,
                                         std::vector<bool>& done) const {
        std::vector<std::size_t> siblings;
        for (std::size_t i = first; i < last_; ++i) {
            const auto* other = std::get_if<DenseLayer>(&plan_.layers[i].spec);
            if (other == nullptr || plan_.layers[i].inputs != plan_.layers[first].inputs ||
                other->activation != dense.activation) {
                continue;
            }
            siblings.push_back(i);
            done[i - first_] = true;
        }
        return siblings;
    }

    void add_dense(const std::vector<std::size_t>& siblings) {
        const PlanLayer& first = plan_.layers[siblings[0]];
        const std::vector<Source> sources = sources_of(first);
        Operation operation{.is_dense = true, .inputs = width_of_sources(sources)};
        set_function(operation, std::get<DenseLayer>(first.spec).activation);
        for (const std::size_t sibling : siblings) {
            operation.units += width_of(plan_.layers[sibling].outputs[0]);
        }
        operation.result =
            siblings.size() == 1 ? place_for(first.outputs[0]) : scratch(operation.units);
        operation.weights_at = chain_.weights_.size();
        pack(siblings, operation);
        std::size_t column = 0;
        for (const std::size_t sibling : siblings) {
            const int value = plan_.layers[sibling].outputs[0];
            joined_[value] = {{operation.result, column, width_of(value)}};
            column += width_of(value);
        }
        add(operation, sources);
    }

    void pack(const std::vector<std::size_t>& siblings, const Operation& operation) {
        const DenseKernels& kernels = chain_.kernels_;
        const std::size_t inputs = operation.inputs;
        // The next layer starts at a cache line.
        const std::size_t floats = kernels.packed_floats(inputs, operation.units);
        chain_.weights_.resize(operation.weights_at + rounded_to_line(floats));
        float* to = chain_.weights_.data() + operation.weights_at;
        std::size_t unit = 0;
        for (const std::size_t sibling : siblings) {
            const auto& dense = std::get<DenseLayer>(plan_.layers[sibling].spec);
            const FloatBuffer& values = weights_.at(dense.kernel).values;
            const std::size_t units = values.size() / inputs;
            if (!dense.bias.empty()) {
                std::ranges::copy(weights_.at(dense.bias).values, to + unit);
            }
            // Units inside: both sides then lie nearly in a row, and a load is faster.
            const std::vector<UnitPlace> places = places_of(operation, unit, units);
            for (std::size_t in = 0; in < inputs; ++in) {
                for (std::size_t u = 0; u < units; ++u) {
                    to[places[u].first + in * places[u].step] =
                        values[dense.units_first ? u * inputs + in : in * units + u];
                }
            }
            unit += units;
        }
    }

    // Where a unit's weights are, an input after the other.
    struct UnitPlace {
        std::size_t first, step;
    };
    [[nodiscard]] std::vector<UnitPlace> places_of(const Operation& operation, std::size_t unit,
                                                   std::size_t units) const {
        std::vector<UnitPlace> places;
        for (std::size_t u = unit; u < unit + units; ++u) {
            const auto index = [&](std::size_t input) {
                return chain_.kernels_.weight_index(operation.inputs, operation.units, input, u);
            };
            places.push_back({index(0), index(1) - index(0)});
        }
        return places;
    }

    static void set_function(Operation& operation, const std::optional<Activation>& activation) {
        if (!activation) return;
        switch (activation->kind) {
            case Activation::Kind::relu:
                operation.function = DenseFunction::relu;
                operation.negative_slope = activation->negative_slope;
                break;
            case Activation::Kind::tanh:
                operation.function = DenseFunction::tanh;
                break;
            case Activation::Kind::sigmoid:
                operation.function = DenseFunction::sigmoid;
                break;
        }
    }

    void add_function(const PlanLayer& layer) {
        Operation operation;
        if (const auto* activation = std::get_if<ActivationLayer>(&layer.spec)) {
            set_function(operation, activation->activation);
        } else {
            operation.function = DenseFunction::softmax;
        }
        operation.units = width_of(layer.outputs[0]);
        operation.result = place_for(layer.outputs[0]);
        joined_[layer.outputs[0]] = {{operation.result, 0, operation.units}};
        add(operation, sources_of(layer));
    }

    // Outputs that are parts of something, or parts together.
    void add_copies() {
        for (const int output : chain_.outputs_) {
            if (written_[output]) continue;
            copy(joined_.at(output), place_for(output));
        }
    }

    DenseChain& chain_;
    const LayerPlan& plan_;
    std::size_t first_;
    std::size_t last_;
    const std::map<std::string, Tensor>& weights_;
    std::map<int, std::vector<Source>> joined_;  // by value: what it consists of
    std::map<int, bool> written_;                // outputs that are in their port
    std::vector<std::size_t> scratch_columns_;   // of each value there
};

DenseChain::DenseChain(const LayerPlan& plan, std::size_t first, std::size_t last,
                       const std::map<std::string, Tensor>& weights)
    : kernels_(dense_kernels()) {
    Expects(first < last && last <= plan.layers.size());
    DenseChainMaker(*this, plan, first, last, weights).make();
}

std::size_t DenseChain::end_of_run(const LayerPlan& plan, std::size_t first) {
    const auto is_vector = [&](int value) {
        return plan.value_shapes[static_cast<std::size_t>(value)].rank() == 1;
    };
    bool has_dense = false;
    std::size_t end = first;
    for (; end < plan.layers.size(); ++end) {
        const PlanLayer& layer = plan.layers[end];
        const bool fits = std::holds_alternative<DenseLayer>(layer.spec) ||
                          std::holds_alternative<ActivationLayer>(layer.spec) ||
                          std::holds_alternative<SoftmaxLayer>(layer.spec) ||
                          std::holds_alternative<ConcatLayer>(layer.spec) ||
                          std::holds_alternative<ReshapeLayer>(layer.spec);
        if (!fits || !std::ranges::all_of(layer.inputs, is_vector) ||
            !is_vector(layer.outputs[0])) {
            break;
        }
        has_dense = has_dense || std::holds_alternative<DenseLayer>(layer.spec);
    }
    return has_dense ? end : first;
}

}  // namespace tamis::engine
