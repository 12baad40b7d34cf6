#include "engine/dense_bank.hpp"

#include <algorithm>
#include <array>
#include <gsl/assert>

#include "engine/dense_chain.hpp"
#include "engine/graph_passes.hpp"

namespace tamis::engine {

namespace {

// Of one row, on the stack: 64 KiB.
constexpr std::size_t kMaxScratchFloats = std::size_t{16} * 1024;

struct Prepared {
    Graph graph;
    LayerPlan plan;
};

tl::expected<Prepared, std::string> prepared(const Graph& given) {
    if (auto checked = check_graph(given); !checked) return tl::unexpected(checked.error());
    Prepared made{prepared_for_inference(given), {}};
    auto plan = plan_layers(made.graph);
    if (!plan) return tl::unexpected(plan.error());
    made.plan = std::move(*plan);
    if (made.plan.inputs.size() != 1 || made.plan.outputs.size() != 1) {
        return tl::unexpected("network \"" + given.name +
                              "\" has several inputs or outputs (unsupported in a bank); it needs "
                              "one of each");
    }
    if (made.plan.layers.empty() ||
        DenseChain::end_of_run(made.plan, 0) != made.plan.layers.size()) {
        return tl::unexpected("network \"" + given.name +
                              "\" has a layer that is not dense (unsupported in a bank); supported "
                              "are dense layers, activations, softmax and concat");
    }
    return made;
}

}  // namespace

DenseBank::DenseBank() = default;
DenseBank::~DenseBank() = default;

tl::expected<void, std::string> DenseBank::accepts(const Graph& graph) {
    auto made = prepared(graph);
    if (!made) return tl::unexpected(made.error());
    return {};
}

tl::expected<std::shared_ptr<const DenseBank>, std::string> DenseBank::make(
    std::span<const Graph> graphs) {
    if (graphs.empty()) return tl::unexpected(std::string("a bank without networks; give one"));
    std::shared_ptr<DenseBank> bank(new DenseBank());  // NOLINT: the constructor is private
    for (std::size_t i = 0; i < graphs.size(); ++i) {
        const auto refuse = [&](const std::string& why) {
            return tl::unexpected("network " + std::to_string(i) + " of the bank: " + why);
        };
        auto made = prepared(graphs[i]);
        if (!made) return refuse(made.error());
        const auto width = [&](int value) {
            return made->plan.value_shapes[static_cast<std::size_t>(value)].element_count();
        };
        const std::size_t inputs = width(made->plan.inputs[0]);
        const std::size_t outputs = width(made->plan.outputs[0]);
        if (i == 0) {
            bank->inputs_ = inputs;
            bank->outputs_ = outputs;
        } else if (inputs != bank->inputs_ || outputs != bank->outputs_) {
            return refuse("maps " + std::to_string(inputs) + " values to " +
                          std::to_string(outputs) + ", the first one " +
                          std::to_string(bank->inputs_) + " to " + std::to_string(bank->outputs_) +
                          "; all must have the same widths");
        }
        auto chain = std::make_unique<const DenseChain>(made->plan, 0, made->plan.layers.size(),
                                                        made->graph.weights);
        if (chain->scratch_floats(1) > kMaxScratchFloats) {
            return refuse("its intermediate values need more than 64 KiB; use a Network");
        }
        bank->members_.push_back({0, bank->weights_.size()});
        bank->weights_.insert(bank->weights_.end(), chain->weights().begin(),
                              chain->weights().end());
        const auto same = std::ranges::find_if(bank->structures_, [&](const auto& structure) {
            return structure->has_structure_of(*chain);
        });
        bank->members_.back().structure =
            static_cast<std::size_t>(same - bank->structures_.begin());
        if (same == bank->structures_.end()) bank->structures_.push_back(std::move(chain));
    }
    return bank;
}

void DenseBank::score(std::span<const float> rows, std::span<const std::uint32_t> networks,
                      std::span<float> scores) const noexcept {
    Expects(rows.size() == networks.size() * inputs_ &&
            scores.size() == networks.size() * outputs_);
    alignas(kAlignmentBytes) std::array<float, kMaxScratchFloats> scratch;
    for (std::size_t row = 0; row < networks.size(); ++row) {
        const Member& member = members_[networks[row]];
        // The chain only reads its inputs.
        const std::array<float*, 2> buffers = {
            const_cast<float*>(rows.data()) + row * inputs_,  // NOLINT
            scores.data() + row * outputs_};
        structures_[member.structure]->run(buffers, 1, scratch.data(),
                                           weights_.data() + member.weights_at);
    }
}

}  // namespace tamis::engine
