#include "engine/vector_images.hpp"

#include <algorithm>

namespace tamis::engine {

namespace {

ImageLayout layout_of(const onednn::Desc& desc, std::size_t lanes) {
    const onednn::Dims dims = onednn::dims_of(desc);
    if (const auto strides = onednn::strides_of(desc)) {
        const auto stride = [&](std::size_t axis) {
            return static_cast<std::size_t>((*strides)[axis]);
        };
        return {false, stride(0), stride(1), stride(2), stride(3)};
    }
    return blocked_layout(static_cast<std::size_t>(dims[1]), static_cast<std::size_t>(dims[2]),
                          static_cast<std::size_t>(dims[3]), lanes);
}

bool moves_values(const PlanLayer& layer) {
    return std::holds_alternative<ReshapeLayer>(layer.spec) ||
           std::holds_alternative<ConcatLayer>(layer.spec) ||
           std::holds_alternative<ArithmeticLayer>(layer.spec) ||
           std::holds_alternative<SoftmaxLayer>(layer.spec);
}

// Values in the order that makes their transpose row-major.
onednn::Desc transposed_from(const onednn::Dims& dims, const std::vector<int>& perm) {
    onednn::Dims result(dims.size());
    std::vector<int> inverse(dims.size());
    for (std::size_t k = 0; k < perm.size(); ++k) {
        result[k] = dims[static_cast<std::size_t>(perm[k])];
        inverse[static_cast<std::size_t>(perm[k])] = static_cast<int>(k);
    }
    return onednn::permuted(onednn::plain(result), inverse);
}

onednn::Desc wanted_layout(Emission& to, int value, std::size_t lanes) {
    const onednn::Dims dims = to.dims(value);
    const std::vector<const PlanLayer*> readers = to.readers(value);
    if (to.is_output(value) || std::ranges::all_of(readers, [](const PlanLayer* reader) {
            return moves_values(*reader);
        })) {
        return onednn::plain(dims);
    }
    const auto* transpose = std::get_if<TransposeLayer>(&readers[0]->spec);
    if (transpose != nullptr && readers.size() == 1) return transposed_from(dims, transpose->perm);
    return onednn::channel_blocked(dims, lanes);
}

}  // namespace

VectorImage source_image(Emission& to, int value, std::size_t lanes, const std::string& layer) {
    BufferId buffer = to.value_buffer(value);
    const onednn::Desc blocked = onednn::channel_blocked(to.dims(value), lanes);
    if (to.desc(buffer) != blocked && !onednn::strides_of(to.desc(buffer))) {
        buffer = to.program().in_layout(buffer, blocked, layer);
    }
    return {buffer, layout_of(to.desc(buffer), lanes)};
}

VectorImage destination_image(Emission& to, int value, std::size_t lanes) {
    const onednn::Desc desc = wanted_layout(to, value, lanes);
    return {to.destination(value, desc), layout_of(desc, lanes)};
}

VectorImage row_major_image(Emission& to, int value, std::size_t lanes) {
    const onednn::Desc desc = onednn::plain(to.dims(value));
    return {to.destination(value, desc), layout_of(desc, lanes)};
}

}  // namespace tamis::engine
