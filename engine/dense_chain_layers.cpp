// A run of dense layers on our own kernels, for inference.
#include <algorithm>
#include <gsl/assert>

#include "engine/dense_chain.hpp"
#include "engine/emission.hpp"

namespace tamis::engine {

namespace {

// A chain on the buffers of a program: those of DenseChain::run, then the scratch.
class DenseChainOnBuffers final : public BoundKernel {
 public:
    explicit DenseChainOnBuffers(std::shared_ptr<const DenseChain> chain)
        : few_rows_(*chain), chain_(std::move(chain)) {}

    void bind(std::span<float* const> buffers) noexcept override {
        ports_ = buffers.first(buffers.size() - 1);
        scratch_ = buffers.back();
        few_rows_.bind(ports_, scratch_);
    }

    std::size_t run(std::size_t rows) noexcept override {
        if (rows <= few_rows_.most_rows()) {
            few_rows_.run(rows);
            return 0;
        }
        return chain_->run(ports_, rows, scratch_, chain_->weights().data());
    }

 private:
    DenseChain::FewRows few_rows_;
    std::shared_ptr<const DenseChain> chain_;
    std::span<float* const> ports_;
    float* scratch_ = nullptr;
};

}  // namespace

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
    const auto is_read = [&](std::size_t slot) {
        return std::ranges::any_of(
            buffers, [&](BufferId buffer) { return to.program().is_bound_to(buffer, slot); });
    };
    bool has_all_inputs = true;
    for (std::size_t slot = 0; slot < to.plan().inputs.size(); ++slot) {
        has_all_inputs = has_all_inputs && is_read(slot);
    }
    to.program().append(
        name, std::string("fused dense, ") + chain->instruction_set(),
        [chain] { return std::make_unique<DenseChainOnBuffers>(chain); }, buffers);
    if (has_all_inputs) to.program().checks_inputs();
    to.program().reads(chain->weights());
}

}  // namespace tamis::engine
