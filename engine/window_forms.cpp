// Normal forms of convolutions, pools and normalisation: automatic padding, ceil_mode and missing
// attributes become explicit windows.
#include "engine/window_forms.hpp"

#include <algorithm>
#include <numeric>

#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

namespace {

using Dimensions = std::vector<std::int64_t>;

bool all_legal(const Dimensions& values, std::size_t count, std::int64_t lowest) {
    return values.size() == count && std::ranges::all_of(values, [&](std::int64_t value) {
               return value >= lowest && value <= kMaxDimension;
           });
}

// As many pads as SAME wants, in all; how: where the odd one goes.
void pad_same(WindowForm& window, const Shape& row, const std::string& how) {
    const std::size_t spatial = window.kernel.size();
    for (std::size_t axis = 0; axis < spatial; ++axis) {
        const std::int64_t in = row[axis + 1];
        const std::int64_t stride = window.strides[axis];
        const std::int64_t out = (in + stride - 1) / stride;
        const std::int64_t reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
        const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride + reach - in);
        const std::int64_t smaller = total / 2;
        window.pads[axis] = how == "SAME_UPPER" ? smaller : total - smaller;
        window.pads[axis + spatial] = total - window.pads[axis];
    }
}

// The last window may reach beyond the end: as if there were more padding.
Rewritten pad_to_ceiling(WindowForm& window, const Shape& row) {
    const std::size_t spatial = window.kernel.size();
    for (std::size_t axis = 0; axis < spatial; ++axis) {
        const std::int64_t reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
        const std::int64_t begin = window.pads[axis];
        std::int64_t& end = window.pads[axis + spatial];
        const std::int64_t room = row[axis + 1] + begin + end - reach;
        const std::int64_t left_over = room < 0 ? 0 : room % window.strides[axis];
        if (left_over == 0) continue;
        const std::int64_t last = room - left_over + window.strides[axis];
        if (last >= row[axis + 1] + begin) {
            return refuse_form(
                "ceil_mode with a window that lies in the padding alone is not "
                "supported");
        }
        end += window.strides[axis] - left_over;
    }
    return {};
}

// Rows [channels, ...] of the first input. A whole tensor has them behind a batch of one.
tl::expected<std::string, std::string> channel_rows(const Rewrite& at) {
    const Shape* row = at.row(0);
    if (row == nullptr) return refuse_form("needs a value");
    if (!at.whole()) return at.node().inputs[0];
    if (row->rank() < 2 || (*row)[0] != 1) {
        return refuse_form(
            "rows of a batch that are mixed elsewhere are not supported here; "
            "supported is a batch of one");
    }
    const auto inside = Shape::make(row->dimensions().subspan(1));
    if (!inside) return tl::unexpected(inside.error());
    return at.in_row(at.node().inputs[0], *inside);
}

Rewritten conv(const Rewrite& at) {
    std::vector<std::string> inputs;
    for (std::size_t i = 1; i < at.node().inputs.size(); ++i) {
        const auto name = at.weight(i);
        if (!name) return tl::unexpected(name.error());
        inputs.push_back(*name);
    }
    if (inputs.empty()) return refuse_form("needs a weight");
    return finish_window(at, inputs, 1);
}

// output_shape and SAME fix the result; the pads follow from it.
Rewritten resolve_transposed(const Rewrite& at, const Shape& row, WindowForm& window,
                             Dimensions& more) {
    const std::size_t spatial = window.kernel.size();
    Dimensions wanted = at.node().integers("output_shape");
    if (wanted.size() == spatial + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
    const std::string how = at.arguments.text("auto_pad", "NOTSET");
    const bool same = how == "SAME_UPPER" || how == "SAME_LOWER";
    if (wanted.empty() && same) {
        for (std::size_t k = 0; k < spatial; ++k) wanted.push_back(row[k + 1] * window.strides[k]);
    }
    if (wanted.empty()) return {};
    if (!all_legal(wanted, spatial, 1)) return refuse_form("output_shape out of range");
    for (std::size_t k = 0; k < spatial; ++k) {
        const std::int64_t full = window.strides[k] * (row[k + 1] - 1) + more[k] +
                                  window.dilations[k] * (window.kernel[k] - 1) + 1;
        const std::int64_t total = full - wanted[k];
        if (total < 0) more[k] -= total;  // beyond the last element there is the bias alone
        const std::int64_t pads = std::max<std::int64_t>(total, 0);
        const std::int64_t smaller = pads / 2;
        window.pads[k] = how == "SAME_UPPER" ? smaller : pads - smaller;
        window.pads[k + spatial] = pads - window.pads[k];
    }
    return {};
}

Rewritten conv_transpose(const Rewrite& at) {
    const auto x = channel_rows(at);
    if (!x) return tl::unexpected(x.error());
    const Shape row = at.form.shapes.at(*x);
    std::vector<std::string> inputs{*x};
    for (std::size_t i = 1; i < at.node().inputs.size(); ++i) {
        const auto name = at.weight(i);
        if (!name) return tl::unexpected(name.error());
        inputs.push_back(*name);
    }
    if (inputs.size() < 2 || row.rank() < 2) return refuse_form("needs rows and a weight");
    const Shape& kernel = at.form.graph.weights.at(inputs[1]).shape;
    auto window = explicit_window(at, row, &kernel);
    if (!window) return tl::unexpected(window.error());
    const std::size_t spatial = row.rank() - 1;
    Dimensions more = at.node().integers("output_padding");
    if (more.empty()) more.assign(spatial, 0);
    if (!all_legal(more, spatial, 0)) return refuse_form("output_padding out of range");
    if (auto done = resolve_transposed(at, row, *window, more); !done) return done;
    auto attributes = window->attributes();
    attributes["group"] = at.node().integer("group", 1);
    attributes["output_padding"] = std::move(more);
    return finish_channels(at, at.node().op, inputs, std::move(attributes));
}

Rewritten pool(const Rewrite& at) {
    if (at.node().integer("storage_order", 0) != 0) {
        return refuse_form("storage_order other than 0 is not supported");
    }
    const auto x = channel_rows(at);
    if (!x) return tl::unexpected(x.error());
    const Shape row = at.form.shapes.at(*x);
    auto window = explicit_window(at, row, nullptr);
    if (!window) return tl::unexpected(window.error());
    const bool average = at.node().op == "AveragePool";
    const std::int64_t with_padding = at.node().integer("count_include_pad", 0);
    if (at.node().integer("ceil_mode", 0) != 0) {
        const Dimensions before = window->pads;
        if (auto done = pad_to_ceiling(*window, row); !done) return done;
        if (average && with_padding != 0 && before != window->pads) {
            return refuse_form("ceil_mode with count_include_pad is not supported");
        }
    }
    auto attributes = window->attributes();
    if (std::ranges::all_of(window->dilations, [](auto d) { return d == 1; })) {
        attributes.erase("dilations");
    }
    if (average) attributes["count_include_pad"] = with_padding;
    return finish_channels(at, at.node().op, {*x}, std::move(attributes));
}

Rewritten global_pool(const Rewrite& at) {
    const Shape* row = at.row(0);
    const std::size_t batch = at.whole() ? 1 : 0;
    if (row == nullptr || row->rank() < 2 + batch) return refuse_form("needs rows [channels, ...]");
    Dimensions axes(row->rank() - 1 - batch);
    std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(2 + batch));
    return at.finish(at.node().op == "GlobalMaxPool" ? "ReduceMax" : "ReduceMean",
                     {at.node().inputs[0]},
                     {{"axes", std::move(axes)}, {"keepdims", std::int64_t{1}}});
}

Rewritten normalisation(const Rewrite& at) {
    if (at.node().integer("spatial", 1) != 1 || at.node().integer("training_mode", 0) != 0) {
        return refuse_form("spatial = 0 and training_mode = 1 are not supported");
    }
    const auto x = channel_rows(at);
    if (!x) return tl::unexpected(x.error());
    std::vector<std::string> inputs{*x};
    for (std::size_t i = 1; i < at.node().inputs.size(); ++i) {
        const auto name = at.weight(i);
        if (!name) return tl::unexpected(name.error());
        inputs.push_back(*name);
    }
    return finish_channels(at, at.node().op, inputs,
                           {{"epsilon", at.node().real("epsilon", 1e-5F)},
                            {"momentum", at.node().real("momentum", 0.9F)}});
}

constexpr std::array kForms = {
    Form{"AveragePool",
         pool,
         {"auto_pad", "kernel_shape", "pads", "strides", "ceil_mode", "count_include_pad"}},
    Form{"BatchNormalization",
         normalisation,
         {"epsilon", "momentum", "spatial", "training_mode", "is_test"}},
    Form{"Conv", conv, {"auto_pad", "kernel_shape", "pads", "strides", "dilations", "group"}},
    Form{"ConvTranspose",
         conv_transpose,
         {"auto_pad", "kernel_shape", "pads", "strides", "dilations", "group", "output_padding",
          "output_shape"}},
    Form{"GlobalAveragePool", global_pool},
    Form{"GlobalMaxPool", global_pool},
    Form{
        "MaxPool",
        pool,
        {"auto_pad", "kernel_shape", "pads", "strides", "ceil_mode", "storage_order", "dilations"}},
};

}  // namespace

std::map<std::string, Attribute> WindowForm::attributes() const {
    return {
        {"kernel_shape", kernel}, {"strides", strides}, {"dilations", dilations}, {"pads", pads}};
}

tl::expected<WindowForm, std::string> explicit_window(const Rewrite& at, const Shape& row,
                                                      const Shape* kernel) {
    if (row.rank() < 2) return refuse_form("needs rows [channels, ...]");
    const std::size_t spatial = row.rank() - 1;
    WindowForm window{at.node().integers("kernel_shape"), at.node().integers("strides"),
                      at.node().integers("dilations"), at.node().integers("pads")};
    if (window.kernel.empty() && kernel != nullptr && kernel->rank() > 2) {
        const auto inside = kernel->dimensions().subspan(2);
        window.kernel.assign(inside.begin(), inside.end());
    }
    if (window.strides.empty()) window.strides.assign(spatial, 1);
    if (window.dilations.empty()) window.dilations.assign(spatial, 1);
    if (!all_legal(window.kernel, spatial, 1) || !all_legal(window.strides, spatial, 1) ||
        !all_legal(window.dilations, spatial, 1)) {
        return refuse_form(
            "kernel_shape, strides or dilations missing, of the wrong length or out "
            "of range");
    }
    const std::string how = at.arguments.text("auto_pad", "NOTSET");
    if (window.pads.empty() || how != "NOTSET") window.pads.assign(2 * spatial, 0);
    if (how != "NOTSET" && how != "VALID" && how != "SAME_UPPER" && how != "SAME_LOWER") {
        return refuse_form("auto_pad \"" + how +
                           "\" is unknown; supported are NOTSET, VALID, SAME_UPPER and SAME_LOWER");
    }
    if (!all_legal(window.pads, 2 * spatial, 0)) return refuse_form("pads out of range");
    if (how.starts_with("SAME")) pad_same(window, row, how);
    return window;
}

Rewritten finish_channels(const Rewrite& at, const std::string& op,
                          const std::vector<std::string>& inputs,
                          std::map<std::string, Attribute> attributes) {
    if (!at.whole()) return at.finish(op, inputs, std::move(attributes));
    const auto result = at.step(op, inputs, std::move(attributes));
    if (!result) return tl::unexpected(result.error());
    const auto made = at.form.shapes.at(*result).dimensions();
    Dimensions row{1};
    row.insert(row.end(), made.begin(), made.end());
    return at.finish("Reshape", {*result}, {{"shape", std::move(row)}});
}

Rewritten finish_window(const Rewrite& at, const std::vector<std::string>& weights,
                        std::size_t kernel_at) {
    const auto x = channel_rows(at);
    if (!x) return tl::unexpected(x.error());
    const Shape row = at.form.shapes.at(*x);
    std::vector<std::string> inputs{*x};
    inputs.insert(inputs.end(), weights.begin(), weights.end());
    const Shape& kernel = at.form.graph.weights.at(inputs[kernel_at]).shape;
    const auto window = explicit_window(at, row, &kernel);
    if (!window) return tl::unexpected(window.error());
    auto attributes = window->attributes();
    attributes["group"] = at.node().integer("group", 1);
    return finish_channels(at, at.node().op, inputs, std::move(attributes));
}

std::span<const Form> window_forms() { return kForms; }

}  // namespace tamis::engine
