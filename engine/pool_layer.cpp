// Maximum and average pooling. In training the maximum keeps where it came from in a workspace.
#include <algorithm>
#include <optional>

#include "engine/dilated_pool.hpp"
#include "engine/emission.hpp"
#include "engine/pool_kernel.hpp"
#include "engine/vector_convolution.hpp"

namespace tamis::engine {

namespace {

// Sizes of a maximum whose windows tile images of blocked channels; none: not of that kind.
std::optional<PoolSizes> tiled_maximum(const Emission& to, const PlanLayer& layer,
                                       const PoolLayer& pool, const onednn::Desc& src) {
    const std::int64_t block = onednn::channel_block(src);
    const Window& window = pool.window;
    const onednn::Dims in = onednn::dims_of(src);
    if (pool.kind != PoolLayer::Kind::max || block == 0 || in.size() != 4) return {};
    const onednn::Dims out = to.dims(layer.outputs[0]);
    for (std::size_t axis = 0; axis < 2; ++axis) {
        const std::int64_t length = window.kernel[axis];
        const bool tiles = window.strides[axis] == length && window.pads_begin[axis] == 0 &&
                           window.pads_end[axis] == 0 && out[axis + 2] * length == in[axis + 2];
        if (!tiles) return {};
    }
    const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
    return PoolSizes{size(in[0] * ((in[1] + block - 1) / block)),
                     size(block),
                     size(out[2]),
                     size(out[3]),
                     size(window.kernel[0]),
                     size(window.kernel[1])};
}

void emit_tiled(Emission& to, const PlanLayer& layer, const PoolSizes& sizes, BufferId src,
                const onednn::Desc& dst_layout) {
    const BufferId dst = to.destination(layer.outputs[0], dst_layout);
    to.program().append(layer.name, "max pool",
                        [sizes](std::span<float* const> buffers, std::size_t) {
                            max_pool_forward(sizes, buffers[0], buffers[1]);
                        },
                        {src, dst});
    to.set_value(layer.outputs[0], dst);
    to.on_backward(layer, [&to, &layer, sizes, src, dst, dst_layout] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const BufferId after = to.program().in_layout(to.gradient(layer.outputs[0], layer.name),
                                                      dst_layout, layer.name);
        const BufferId before = to.program().arena(to.desc(src));
        to.program().append(layer.name, "max pool",
                            [sizes](std::span<float* const> buffers, std::size_t) {
                                max_pool_backward(sizes, buffers[0], buffers[1], buffers[2],
                                                  buffers[3]);
                            },
                            {src, dst, after, before});
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace

void emit(Emission& to, const PlanLayer& layer, const PoolLayer& pool) {
    if (pool.window.is_dilated()) return emit_dilated_pool(to, layer, pool.window);
    if (emit_vector_pool(to, layer, pool)) return;
    ProgramBuilder& program = to.program();
    BufferId src = to.value_buffer(layer.inputs[0]);
    const auto made = made_for_source(to, src, layer.name, [&](const onednn::Desc& layout) {
        return onednn::pool(to.config().use, pool, layout, onednn::any(to.dims(layer.outputs[0])));
    });
    const auto tiled = tiled_maximum(to, layer, pool, to.desc(src));
    if (tiled && to.config().with_backward &&
        onednn::channel_block(made.dst) == onednn::channel_block(to.desc(src))) {
        emit_tiled(to, layer, *tiled, src, made.dst);
        return;
    }
    const BufferId dst = to.destination(layer.outputs[0], made.dst);
    std::vector<std::pair<int, BufferId>> arguments{{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}};
    BufferId workspace = -1;
    if (onednn::bytes_of(made.workspace) != 0) {
        workspace = program.arena(made.workspace);
        arguments.emplace_back(DNNL_ARG_WORKSPACE, workspace);
    }
    program.append(layer.name, made, std::move(arguments));
    to.set_value(layer.outputs[0], dst);
    if (!to.config().with_backward) return;
    to.on_backward(layer, [&to, &layer, &pool, src_layout = made.src, dst_layout = made.dst,
                           workspace, hint = made.hint] {
        if (!to.needs_gradient(layer.inputs[0])) return;
        const onednn::Made back = onednn::pool_backward(pool, src_layout, dst_layout, hint);
        const BufferId before = to.program().arena(src_layout);
        std::vector<std::pair<int, BufferId>> back_arguments{
            {DNNL_ARG_DIFF_DST, to.program().in_layout(to.gradient(layer.outputs[0], layer.name),
                                                       dst_layout, layer.name)},
            {DNNL_ARG_DIFF_SRC, before}};
        if (workspace >= 0) back_arguments.emplace_back(DNNL_ARG_WORKSPACE, workspace);
        to.program().append(layer.name, back, std::move(back_arguments));
        to.add_gradient(layer.inputs[0], before);
    });
}

}  // namespace tamis::engine
