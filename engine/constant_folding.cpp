#include "engine/constant_folding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/folded_arithmetic.hpp"
#include "engine/refusal.hpp"

namespace tamis::engine {

namespace {

using Folded = tl::expected<OnnxConstant, std::string>;
using Dimensions = std::vector<std::int64_t>;

constexpr std::size_t kMaxFoldedElements = std::size_t{1} << 22;  // 16 MiB of floats

// Elements of a result. Error: too many, or negative.
tl::expected<std::size_t, std::string> bounded_count(const Dimensions& dimensions) {
    std::size_t count = 1;
    for (const std::int64_t extent : dimensions) {
        if (extent < 0 || dimensions.size() > kMaxRank ||
            __builtin_mul_overflow(count, static_cast<std::size_t>(extent), &count) ||
            count > kMaxFoldedElements) {
            return refuse("a constant of more than " + std::to_string(kMaxFoldedElements) +
                          " elements or " + std::to_string(kMaxRank) +
                          " dimensions would be made (too large)");
        }
    }
    return count;
}

Folded with_dimensions(const OnnxConstant& from, tl::expected<Dimensions, std::string> dimensions) {
    if (!dimensions) return tl::unexpected(dimensions.error());
    OnnxConstant to = from;
    to.dimensions = std::move(*dimensions);
    return to;
}

template <class T>
void move_elements(const BlockMoves& moves, const std::vector<T>& from, std::vector<T>& to) {
    if (from.empty() || to.empty()) return;
    moves.for_each([&](std::size_t result, std::int64_t source) {
        const auto first = from.begin() + source;
        std::copy_n(first, moves.block(), to.begin() + static_cast<std::ptrdiff_t>(result));
    });
}

Folded moved(const OnnxConstant& from, const tl::expected<AxisMaps, std::string>& maps) {
    if (!maps) return tl::unexpected(maps.error());
    OnnxConstant to{from.type, maps->dimensions(), {}, {}};
    const auto count = bounded_count(to.dimensions);
    if (!count) return tl::unexpected(count.error());
    if (from.is_real()) {
        to.reals.resize(*count);
    } else {
        to.integers.resize(*count);
    }
    const BlockMoves moves(*maps, from.dimensions);
    move_elements(moves, from.reals, to.reals);
    move_elements(moves, from.integers, to.integers);
    return to;
}

Folded slice(const NodeArguments& at) {
    const OnnxConstant& x = *at.constant(0);
    const auto ranges = slice_ranges(at, x.dimensions.size());
    if (!ranges) return tl::unexpected(ranges.error());
    return moved(x, slice_maps(x.dimensions, *ranges));
}

Folded gather(const NodeArguments& at) {
    const OnnxConstant& x = *at.constant(0);
    const OnnxConstant* indices = at.constant(1);
    if (indices == nullptr || indices->is_real()) return refuse("needs integer indices");
    const auto axis = plain_axis(at.node.integer("axis", 0), x.dimensions.size());
    if (!axis) return tl::unexpected(axis.error());
    auto to = moved(x, gather_maps(x.dimensions, *axis, indices->integers));
    if (!to) return to;
    const auto place = to->dimensions.begin() + static_cast<std::ptrdiff_t>(*axis);
    const auto after = to->dimensions.erase(place);
    to->dimensions.insert(after, indices->dimensions.begin(), indices->dimensions.end());
    return to;
}

Folded transpose(const NodeArguments& at) {
    const OnnxConstant& x = *at.constant(0);
    const std::size_t rank = x.dimensions.size();
    Dimensions perm;
    for (std::size_t axis = rank; axis-- > 0;) perm.push_back(static_cast<std::int64_t>(axis));
    perm = at.integers("perm", SIZE_MAX).value_or(perm);
    const auto sorted = plain_axes(perm, rank);
    if (!sorted || perm.size() != rank) return refuse("perm must order all dimensions");
    OnnxConstant to = x;
    std::vector<std::size_t> strides(rank, 1);
    for (std::size_t axis = rank; axis-- > 1;) {
        strides[axis - 1] = strides[axis] * static_cast<std::size_t>(x.dimensions[axis]);
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {
        to.dimensions[axis] = x.dimensions[static_cast<std::size_t>(perm[axis])];
    }
    for (std::size_t i = 0; i < x.count(); ++i) {
        std::size_t rest = i;
        std::size_t from = 0;
        for (std::size_t axis = rank; axis-- > 0;) {
            const auto extent = static_cast<std::size_t>(to.dimensions[axis]);
            from += rest % extent * strides[static_cast<std::size_t>(perm[axis])];
            rest /= extent;
        }
        if (x.is_real()) {
            to.reals[i] = x.reals[from];
        } else {
            to.integers[i] = x.integers[from];
        }
    }
    return to;
}

template <class T>
void append_block(std::vector<T>& to, const std::vector<T>& from, std::size_t block,
                  std::size_t blocks) {
    if (from.empty()) return;
    const std::size_t length = from.size() / blocks;
    const auto first = from.begin() + static_cast<std::ptrdiff_t>(block * length);
    to.insert(to.end(), first, first + static_cast<std::ptrdiff_t>(length));
}

Folded concat(const NodeArguments& at) {
    const OnnxConstant& first = *at.constant(0);
    const auto axis = plain_axis(at.node.integer("axis", 0), first.dimensions.size());
    if (!axis) return tl::unexpected(axis.error());
    OnnxConstant to{first.type, first.dimensions, {}, {}};
    std::int64_t joined = 0;
    for (const OnnxConstant* part : at.constants) {
        if (part->type != first.type || part->dimensions.size() != first.dimensions.size()) {
            return refuse("the parts differ in type or rank");
        }
        joined += part->dimensions[*axis];
        for (std::size_t k = 0; k < first.dimensions.size(); ++k) {
            if (k != *axis && part->dimensions[k] != first.dimensions[k]) {
                return refuse("the parts differ outside the joined axis");
            }
        }
    }
    to.dimensions[*axis] = joined;
    if (const auto count = bounded_count(to.dimensions); !count) {
        return tl::unexpected(count.error());
    }
    std::size_t blocks = 1;
    for (std::size_t k = 0; k < *axis; ++k) {
        blocks *= static_cast<std::size_t>(first.dimensions[k]);
    }
    for (std::size_t block = 0; block < blocks; ++block) {
        for (const OnnxConstant* part : at.constants) {
            append_block(to.reals, part->reals, block, blocks);
            append_block(to.integers, part->integers, block, blocks);
        }
    }
    return to;
}

// A constant is the same in every row: an open batch is one repetition.
Dimensions without_batch(Dimensions dimensions) {
    std::ranges::replace(dimensions, kBatchSize, 1);
    return dimensions;
}

Folded expand(const NodeArguments& at) {
    OnnxConstant x = *at.constant(0);
    const auto given = at.integers("shape", 1);
    if (!given) return refuse("needs a constant shape");
    Dimensions target = without_batch(*given);
    while (x.dimensions.size() < target.size()) x.dimensions.insert(x.dimensions.begin(), 1);
    while (target.size() < x.dimensions.size()) target.insert(target.begin(), 1);
    for (std::size_t axis = 0; axis < target.size(); ++axis) {
        if (target[axis] == 1) target[axis] = x.dimensions[axis];
    }
    return moved(x, expand_maps(x.dimensions, target));
}

Folded constant_of_shape(const NodeArguments& at, const OnnxConstant* fill) {
    const auto shape = at.integers("", 0);
    if (!shape) return refuse("needs a constant shape");
    OnnxConstant to;
    if (fill != nullptr) {
        if (fill->count() != 1) return refuse("the value must be one number");
        to.type = fill->type;
    }
    to.dimensions = without_batch(*shape);
    const auto count = bounded_count(to.dimensions);
    if (!count) return tl::unexpected(count.error());
    if (to.is_real()) {
        to.reals.assign(*count, fill == nullptr ? 0.F : fill->reals[0]);
    } else {
        to.integers.assign(*count, fill->integers[0]);
    }
    return to;
}

Folded reshape(const NodeArguments& at) {
    return with_dimensions(*at.constant(0), reshaped_dimensions(at, at.constant(0)->dimensions));
}
Folded squeeze(const NodeArguments& at) {
    return with_dimensions(*at.constant(0), squeezed_dimensions(at, at.constant(0)->dimensions));
}
Folded unsqueeze(const NodeArguments& at) {
    return with_dimensions(*at.constant(0), unsqueezed_dimensions(at, at.constant(0)->dimensions));
}
Folded identity(const NodeArguments& at) { return *at.constant(0); }

using Fold = Folded (*)(const NodeArguments&);

const std::map<std::string, Fold>& folds() {
    static const std::map<std::string, Fold> by_operator = {
        {"Abs", fold_function}, {"Add", fold_pair},       {"Cast", fold_cast},
        {"Concat", concat},     {"Div", fold_pair},       {"DequantizeLinear", fold_dequantise},
        {"Exp", fold_function}, {"Expand", expand},       {"Gather", gather},
        {"Identity", identity}, {"Log", fold_function},   {"Mul", fold_pair},
        {"Neg", fold_function}, {"Pow", fold_pair},       {"Reshape", reshape},
        {"Slice", slice},       {"Sqrt", fold_function},  {"Squeeze", squeeze},
        {"Sub", fold_pair},     {"Transpose", transpose}, {"Unsqueeze", unsqueeze},
    };
    return by_operator;
}

}  // namespace

std::optional<Folded> fold_constants(const NodeArguments& arguments, const OnnxConstant* fill) {
    const bool all_constant =
        !arguments.node.inputs.empty() &&
        std::ranges::none_of(arguments.constants, [](const auto* c) { return c == nullptr; });
    if (!all_constant) return std::nullopt;
    if (arguments.node.op == "ConstantOfShape") return constant_of_shape(arguments, fill);
    const auto fold = folds().find(arguments.node.op);
    if (fold == folds().end()) return std::nullopt;
    return fold->second(arguments);
}

Folded folded_shape(const Node& node, const Dimensions& dimensions) {
    const auto rank = static_cast<std::int64_t>(dimensions.size());
    const auto placed = [&](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? std::max(at, -rank) + rank : at, 0, rank);
    };
    const std::int64_t start = placed(node.integer("start", 0));
    const std::int64_t end = std::max(start, placed(node.integer("end", rank)));
    OnnxConstant shape{ElementType::int64, {end - start}, {}, {}};
    shape.integers.assign(dimensions.begin() + start, dimensions.begin() + end);
    return shape;
}

}  // namespace tamis::engine
