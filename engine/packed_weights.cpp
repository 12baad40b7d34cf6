#include "engine/packed_weights.hpp"

#include <gsl/assert>

namespace tamis::engine {

namespace {

// Layouts pad channels: one filter may take the room of sixteen.
constexpr std::size_t kMaxPackedBytes = std::size_t{1} << 30;

}  // namespace

BufferId PackedWeights::parameter(ProgramBuilder& program, const std::string& name,
                                  const onednn::Desc& natural, const onednn::Desc& wanted,
                                  const std::string& layer) {
    std::vector<Packed>& versions = packed_[name];
    for (const Packed& version : versions) {
        if (version.layout == wanted) return program.constant(version.memory);
    }
    packed_bytes_ += onednn::bytes_of(wanted);
    if (packed_bytes_ > kMaxPackedBytes) {
        throw EmissionError("layer " + layer + ": the packed weights need more than 1 GiB");
    }
    // A reorder only reads its source; the library's interface is not const.
    auto* values = const_cast<float*>(weights_.at(name).values.data());  // NOLINT
    dnnl::memory from(natural, onednn::cpu(), values);
    dnnl::memory to(wanted, onednn::cpu());
    dnnl::stream stream(onednn::cpu());
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    versions.push_back({wanted, to});
    return program.constant(to);
}

const Shape& PackedWeights::shape(const std::string& name) const { return weights_.at(name).shape; }

void PackedWeights::add_gradient(ProgramBuilder&, const std::string&, const onednn::Desc&, BufferId,
                                 const std::string&) {
    Expects(false);
}

}  // namespace tamis::engine
