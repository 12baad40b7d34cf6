// A run of dense layers on our own kernels, for inference.
#include <algorithm>
#include <gsl/assert>

#include "engine/dense_chain.hpp"
#include "engine/emission.hpp"

namespace tamis::engine {

void emit_dense_chain(Emission& to, std::size_t first, std::size_t last) {
    OwnKernels* kernels = to.config().own_kernels;
    Expects(kernels != nullptr);
    const std::string& from = to.plan().layers[first].name;
    const std::string& until = to.plan().layers[last - 1].name;
    std::shared_ptr<const void>& made = kernels->made["dense chain " + std::to_string(first)];
    if (made == nullptr) {
        made = std::make_shared<const DenseChain>(to.plan(), first, last, kernels->weights);
    }
    const auto chain = std::static_pointer_cast<const DenseChain>(made);
    const std::string name = last - first == 1 ? from : from + " to " + until;
    std::vector<BufferId> buffers;
    for (const int input : chain->inputs()) {
        buffers.push_back(to.program().row_major(to.value_buffer(input), name));
    }
    for (const int output : chain->outputs()) {
        buffers.push_back(to.destination(output, onednn::plain(to.dims(output))));
        to.set_value(output, buffers.back());
    }
    const auto scratch = std::max<std::size_t>(
        1, chain->scratch_floats(static_cast<std::size_t>(to.config().batch)));
    buffers.push_back(to.program().arena(onednn::plain({static_cast<std::int64_t>(scratch)})));
    bool has_all_inputs = true;
    for (std::size_t slot = 0; slot < to.plan().inputs.size(); ++slot) {
        const auto is_input = [&](BufferId buffer) {
            return to.program().is_bound_to(buffer, slot);
        };
        has_all_inputs = has_all_inputs && std::ranges::any_of(buffers, is_input);
    }
    const BufferId finding = to.program().arena(onednn::plain({1}));
    buffers.push_back(finding);
    to.program().append(
        name, std::string("fused dense, ") + chain->instruction_set(),
        [chain, ports = buffers.size() - 2](std::span<float* const> at, std::size_t rows) {
            const bool is_finite =
                chain->run(at.first(ports), rows, at[ports], chain->weights().data());
            *at.back() = is_finite ? 0.F : 1.F;
        },
        buffers, ProgramBuilder::Rows::any);
    to.program().checks_inputs(finding, has_all_inputs ? chain->block_rows() : 0);
    to.program().reads(chain->weights());
}

}  // namespace tamis::engine
