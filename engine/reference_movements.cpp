// Reference operators that move elements.
#include "engine/axis_maps.hpp"
#include "engine/reference_values.hpp"

namespace tamis::engine::reference {

namespace {

Values concat(const Evaluation& at, const Node& node) {
    const auto axis = static_cast<std::size_t>(node.integer("axis", 1) - 1);
    const Axes out = extents(at.out(node));
    std::size_t outer = at.rows;
    for (std::size_t k = 0; k < axis; ++k) outer *= out[k];
    Values y;
    for (std::size_t block = 0; block < outer; ++block) {
        for (std::size_t input = 0; input < node.inputs.size(); ++input) {
            const Values& part = at.value(node, input);
            const std::size_t length = part.size() / outer;
            const auto first = part.begin() + static_cast<std::ptrdiff_t>(block * length);
            y.insert(y.end(), first, first + static_cast<std::ptrdiff_t>(length));
        }
    }
    return y;
}

Values transpose(const Evaluation& at, const Node& node) {
    const std::vector<std::int64_t> perm = node.integers("perm");
    const Axes in = extents(at.in(node));
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(extents(at.out(node)), [&](const Axes& index) {
            Axes place(in.size());
            for (std::size_t k = 0; k < index.size(); ++k) {
                place[static_cast<std::size_t>(perm[k + 1] - 1)] = index[k];
            }
            y.push_back(at.value(node, 0)[row * product(in) + offset_of(place, in)]);
        });
    }
    return y;
}

Values moved(const Evaluation& at, const Node& node) {
    const Axes in = extents(at.in(node));
    const AxisMaps maps = *axis_maps_of(node, at.in(node));
    Axes out;
    for (const auto& axis : maps.from) out.push_back(axis.size());
    Values y;
    for (std::size_t row = 0; row < at.rows; ++row) {
        for_each_index(out, [&](const Axes& index) {
            Axes place(in.size());
            bool filled = false;
            for (std::size_t axis = 0; axis < in.size(); ++axis) {
                const std::int64_t from = maps.from[axis][index[axis]];
                filled = filled || from == AxisMaps::kFill;
                place[axis] = static_cast<std::size_t>(from);
            }
            y.push_back(filled ? maps.fill
                               : at.value(node, 0)[row * product(in) + offset_of(place, in)]);
        });
    }
    return y;
}

}  // namespace

Results evaluate_movement(const Evaluation& at, const Node& node) {
    if (node.op == "Concat") return {concat(at, node)};
    if (node.op == "Transpose") return {transpose(at, node)};
    if (node.op == "Slice" || node.op == "Gather" || node.op == "Pad" || node.op == "Expand") {
        return {moved(at, node)};
    }
    return {};
}

}  // namespace tamis::engine::reference
