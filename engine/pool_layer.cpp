// Maximum and average pooling. In training the maximum keeps where it came from in a workspace.
#include <algorithm>

#include "engine/dilated_pool.hpp"
#include "engine/emission.hpp"
#include "engine/vector_convolution.hpp"

namespace tamis::engine {

void emit(Emission& to, const PlanLayer& layer, const PoolLayer& pool) {
    if (std::ranges::any_of(pool.window.dilations, [](auto d) { return d != 1; })) {
        return emit_dilated_pool(to, layer, pool.window);
    }
    if (emit_vector_pool(to, layer, pool)) return;
    ProgramBuilder& program = to.program();
    BufferId src = to.value_buffer(layer.inputs[0]);
    const auto made = made_for_source(to, src, layer.name, [&](const onednn::Desc& layout) {
        return onednn::pool(to.config().use, pool, layout, onednn::any(to.dims(layer.outputs[0])));
    });
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
