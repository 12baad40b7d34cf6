// Normal forms of operators that only move elements. Views become Reshape, Split becomes one Slice
// per output.
#include <algorithm>

#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

namespace {

using Dimensions = std::vector<std::int64_t>;

// A view: the new dimensions of the file's tensor.
Rewritten view(const Rewrite& at, const tl::expected<Dimensions, std::string>& dimensions) {
    if (!dimensions) return tl::unexpected(dimensions.error());
    auto row = at.row_of(*dimensions);
    if (!row) return tl::unexpected(row.error());
    return at.finish("Reshape", {at.node().inputs[0]}, {{"shape", std::move(*row)}});
}

// With an open batch only rows have known dimensions: the batch must be copied.
Rewritten reshape_rows(const Rewrite& at) {
    const auto target = at.arguments.integers("shape", 1);
    if (!target) return refuse_form("needs a value and a constant shape");
    if (at.node().integer("allowzero", 0) != 0)
        return refuse_form("allowzero = 1 is not supported");
    const std::int64_t first = target->empty() ? 1 : (*target)[0];
    if (first != 0 && first != -1 && first != at.form.batch) {
        return refuse_form("the new shape must leave the batch first (0 or -1)");
    }
    Dimensions row(target->begin() + 1, target->end());
    if (first == -1 && std::ranges::find(row, -1) != row.end()) {
        return refuse_form("the open dimension (-1) of the new shape cannot be resolved");
    }
    const Shape& given = *at.row(0);
    for (std::size_t axis = 0; axis < std::min(row.size(), given.rank()); ++axis) {
        if (row[axis] == 0) row[axis] = given[axis];
    }
    Node node = at.node();
    OnnxConstant shape{ElementType::int64, {static_cast<std::int64_t>(row.size())}, {}, row};
    const NodeArguments rows{node, {nullptr, &shape}};
    auto resolved =
        reshaped_dimensions(rows, {given.dimensions().begin(), given.dimensions().end()});
    if (!resolved) return tl::unexpected(resolved.error());
    return at.finish("Reshape", {at.node().inputs[0]}, {{"shape", std::move(*resolved)}});
}

Rewritten reshape(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs a value and a constant shape");
    if (!at.whole()) return reshape_rows(at);
    return view(at, reshaped_dimensions(at.arguments, at.dimensions(0)));
}

Rewritten flatten(const Rewrite& at) {
    const Dimensions dimensions = at.dimensions(0);
    const std::int64_t given = at.node().integer("axis", 1);
    const auto rank = static_cast<std::int64_t>(dimensions.size());
    const std::int64_t axis = given < 0 ? given + rank : given;
    if (at.row(0) == nullptr || axis < 0 || axis > rank) return refuse_form("axis out of range");
    if (!at.whole()) {
        if (axis == 1) return at.finish("Flatten", {at.node().inputs[0]});
        return refuse_form("axis " + std::to_string(axis) +
                           " would mix the rows of a batch; supported is axis = 1");
    }
    Dimensions matrix{1, 1};
    for (std::int64_t k = 0; k < rank; ++k) {
        matrix[k < axis ? 0 : 1] *= dimensions[static_cast<std::size_t>(k)];
    }
    return view(at, matrix);
}

Rewritten squeeze(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs one value");
    const bool all_ones = !at.arguments.integers("axes", 1);
    if (!at.whole() && all_ones && (at.form.batch == 1 || at.form.batch == kBatchSize)) {
        return refuse_form("without axes the batch could disappear (unsupported); give axes");
    }
    return view(at, squeezed_dimensions(at.arguments, at.dimensions(0)));
}

Rewritten unsqueeze(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs one value");
    auto dimensions = unsqueezed_dimensions(at.arguments, at.dimensions(0));
    // A new first dimension of 1 is not the batch, even of one.
    if (dimensions && !at.whole()) {
        const auto axes = plain_axes(*at.arguments.integers("axes", 1), dimensions->size());
        if (axes && !axes->empty() && axes->front() == 0) {
            return refuse_form("a new axis before the batch would mix its rows (unsupported)");
        }
    }
    return view(at, dimensions);
}

Rewritten transpose(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs one value");
    const std::size_t rank = at.dimensions(0).size();
    Dimensions perm;
    for (std::size_t axis = rank; axis-- > 0;) perm.push_back(static_cast<std::int64_t>(axis));
    perm = at.arguments.integers("perm", SIZE_MAX).value_or(perm);
    if (at.whole()) {
        for (std::int64_t& axis : perm) ++axis;
        perm.insert(perm.begin(), 0);
    }
    return at.finish("Transpose", {at.node().inputs[0]}, {{"perm", std::move(perm)}});
}

Rewritten concat(const Rewrite& at) {
    const auto axis = at.axis_of(at.node().integer("axis", 1), at.dimensions(0).size());
    if (!axis) return tl::unexpected(axis.error());
    return at.finish("Concat", at.node().inputs, {{"axis", *axis}});
}

// The normal form of one range: starts at an element, ends where ONNX finds the same elements.
Rewritten finish_slice(const Rewrite& at, std::size_t output,
                       const std::vector<SliceRange>& ranges) {
    const Dimensions dimensions = at.dimensions(0);
    Dimensions axes;
    Dimensions starts;
    Dimensions ends;
    Dimensions steps;
    for (const SliceRange& range : ranges) {
        const auto axis = at.axis(range.axis);
        const std::array<std::int64_t, 1> extent{dimensions[range.axis]};
        if (!axis) {
            // All of the batch is no slice.
            const bool forward = range.start == 0 && range.step == 1;
            if (forward && range.end >= kMaxDimension) continue;
            return tl::unexpected(axis.error());
        }
        const auto maps = slice_maps(extent, {{0, range.start, range.end, range.step}});
        if (!maps) return tl::unexpected(maps.error());
        const std::vector<std::int64_t>& taken = maps->from[0];
        const std::int64_t step = taken.size() > 1 ? taken[1] - taken[0] : 1;
        const std::int64_t end = taken.back() + step;
        axes.push_back(*axis);
        starts.push_back(taken.front());
        ends.push_back(end < 0 ? -extent[0] - 1 : end);
        steps.push_back(step);
    }
    if (axes.empty()) return at.finish_output(output, "Identity", {at.node().inputs[0]});
    return at.finish_output(output, "Slice", {at.node().inputs[0]},
                            {{"axes", std::move(axes)},
                             {"starts", std::move(starts)},
                             {"ends", std::move(ends)},
                             {"steps", std::move(steps)}});
}

Rewritten slice(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs a value");
    const auto ranges = slice_ranges(at.arguments, at.dimensions(0).size());
    if (!ranges) return tl::unexpected(ranges.error());
    return finish_slice(at, 0, *ranges);
}

Rewritten split(const Rewrite& at) {
    if (at.row(0) == nullptr) return refuse_form("needs a value");
    const Dimensions dimensions = at.dimensions(0);
    const auto plain = plain_axis(at.node().integer("axis", 0), dimensions.size());
    if (!plain) return tl::unexpected(plain.error());
    if (const auto axis = at.axis(*plain); !axis) return tl::unexpected(axis.error());
    const auto outputs = static_cast<std::int64_t>(at.node().outputs.size());
    const std::int64_t extent = dimensions[*plain];
    if (at.arguments.has(1) && at.arguments.constant(1) == nullptr) {
        return refuse_form("the lengths must be constant");
    }
    Dimensions lengths = at.arguments.integers("split", 1).value_or(Dimensions{});
    if (lengths.empty() && extent % outputs == 0) {
        lengths.assign(at.node().outputs.size(), extent / outputs);
    }
    if (lengths.size() != at.node().outputs.size()) {
        return refuse_form("the lengths do not match the number of outputs");
    }
    std::int64_t begin = 0;
    for (std::size_t output = 0; output < lengths.size(); ++output) {
        if (lengths[output] < 1 || lengths[output] > extent - begin) {
            return refuse_form("a length out of range; the axis has " + std::to_string(extent));
        }
        const std::int64_t end = begin + lengths[output];
        if (auto done = finish_slice(at, output, {{*plain, begin, end, 1}}); !done) return done;
        begin = end;
    }
    if (begin != extent) return refuse_form("the lengths do not add up to the axis");
    return {};
}

Rewritten gather(const Rewrite& at) {
    const OnnxConstant* indices = at.arguments.constant(1);
    if (at.row(0) == nullptr || indices == nullptr || indices->is_real()) {
        return refuse_form("needs a value and constant integer indices");
    }
    const auto plain = plain_axis(at.node().integer("axis", 0), at.dimensions(0).size());
    if (!plain) return tl::unexpected(plain.error());
    const auto axis = at.axis(*plain);
    if (!axis) return tl::unexpected(axis.error());
    const auto maps = gather_maps(at.row(0)->dimensions(), static_cast<std::size_t>(*axis - 1),
                                  indices->integers);
    if (!maps) return tl::unexpected(maps.error());
    return at.finish("Gather", {at.node().inputs[0]},
                     {{"axis", *axis},
                      {"indices", maps->from[static_cast<std::size_t>(*axis - 1)]},
                      {"indices_shape", indices->dimensions}});
}

Rewritten pad(const Rewrite& at) {
    const auto pads = at.arguments.integers("pads", 1);
    const std::size_t rank = at.dimensions(0).size();
    if (at.row(0) == nullptr || !pads || pads->size() != 2 * rank) {
        return refuse_form("needs a value and constant pads, two per dimension");
    }
    float value = at.node().real("value", 0.F);
    if (at.arguments.has(2)) {
        const OnnxConstant* given = at.arguments.constant(2);
        if (given == nullptr || given->count() != 1) return refuse_form("value must be a constant");
        value = given->is_real() ? given->reals[0] : static_cast<float>(given->integers[0]);
    }
    const std::size_t batch = at.whole() ? 0 : 1;
    if (batch == 1 && ((*pads)[0] != 0 || (*pads)[rank] != 0)) {
        return refuse_form("padding the batch would mix its rows (unsupported)");
    }
    Dimensions of_row(pads->begin() + static_cast<std::ptrdiff_t>(batch),
                      pads->begin() + static_cast<std::ptrdiff_t>(rank));
    of_row.insert(of_row.end(), pads->begin() + static_cast<std::ptrdiff_t>(rank + batch),
                  pads->end());
    return at.finish("Pad", {at.node().inputs[0]},
                     {{"pads", std::move(of_row)},
                      {"mode", at.arguments.text("mode", "constant")},
                      {"value", value}});
}

Rewritten expand(const Rewrite& at) {
    const auto given = at.arguments.integers("shape", 1);
    if (at.row(0) == nullptr || !given) return refuse_form("needs a value and a constant shape");
    Dimensions dimensions = at.dimensions(0);
    Dimensions target = *given;
    if (!at.whole() && target.size() > dimensions.size()) {
        return refuse_form("more dimensions would shift the batch (unsupported)");
    }
    target.insert(target.begin(), std::max(dimensions.size(), target.size()) - target.size(), 1);
    dimensions.insert(dimensions.begin(), target.size() - dimensions.size(), 1);
    for (std::size_t axis = 0; axis < target.size(); ++axis) {
        if (target[axis] == 1) target[axis] = dimensions[axis];
    }
    auto row = at.row_of(target);
    if (!row) return tl::unexpected(row.error());
    const auto before = at.row_of(dimensions);
    const auto shape = before ? Shape::make(*before) : tl::unexpected(before.error());
    if (!shape) return tl::unexpected(shape.error());
    const auto x = at.in_row(at.node().inputs[0], *shape);
    if (!x) return tl::unexpected(x.error());
    return at.finish("Expand", {*x}, {{"shape", std::move(*row)}});
}

constexpr std::array kForms = {
    Form{"Concat", concat, {"axis"}},
    Form{"Expand", expand},
    Form{"Flatten", flatten, {"axis"}},
    Form{"Gather", gather, {"axis"}},
    Form{"Pad", pad, {"pads", "mode", "value"}},
    Form{"Reshape", reshape, {"allowzero"}},
    Form{"Slice", slice, {"axes", "starts", "ends"}},
    Form{"Split", split, {"axis", "split"}},
    Form{"Squeeze", squeeze, {"axes"}},
    Form{"Transpose", transpose, {"perm"}},
    Form{"Unsqueeze", unsqueeze, {"axes"}},
};

}  // namespace

std::span<const Form> movement_forms() { return kForms; }

}  // namespace tamis::engine
