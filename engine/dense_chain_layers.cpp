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
    to.program().append(
        name, std::string("fused dense, ") + chain->instruction_set(),
        [chain](std::span<float* const> rows_of, std::size_t rows) {
            chain->run(rows_of.first(rows_of.size() - 1), rows, rows_of.back(),
                       chain->weights().data());
        },
        buffers, ProgramBuilder::Rows::any);
    to.program().reads(chain->weights());
}

}  // namespace tamis::engine
