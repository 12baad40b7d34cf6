// One node of a file on its way into the normal forms of graph.hpp: what the functions per operator
// (the *_forms.cpp) look at and add to. Cold path.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "engine/onnx_content.hpp"

namespace tamis::engine {

// How a file is read. Files that mix the rows of a batch have no batch: their tensors are rows.
enum class Reading {
    batch_first,   // the first dimension is the batch
    whole_tensor,  // every tensor is one row, a batch is put in front
};

using Rewritten = tl::expected<void, std::string>;

[[nodiscard]] inline tl::unexpected<std::string> refuse_form(std::string message) {
    return tl::unexpected(std::move(message));
}

// The graph in the making.
struct NormalForm {
    Reading reading = Reading::batch_first;
    std::int64_t opset = 13;
    std::int64_t batch = kBatchSize;  // of batch_first: its size where the file fixes it
    std::map<std::string, OnnxConstant> constants;
    Graph graph;
    ValueShapes shapes;             // of rows
    std::size_t made_elements = 0;  // of constants and weights that are not in the file
};

// Counts what is made beyond the file. Error: too much.
[[nodiscard]] Rewritten spend(NormalForm& form, std::size_t elements);

struct Rewrite {
    NormalForm& form;
    const NodeArguments& arguments;

    [[nodiscard]] const Node& node() const { return arguments.node; }
    [[nodiscard]] bool whole() const { return form.reading == Reading::whole_tensor; }
    [[nodiscard]] std::int64_t opset() const { return form.opset; }

    // ---- inputs ----
    // Row of a value; null: a constant or absent.
    [[nodiscard]] const Shape* row(std::size_t input) const;
    // Dimensions of a value as the file has them; an open batch is kBatchSize.
    [[nodiscard]] std::vector<std::int64_t> dimensions(std::size_t input) const;
    // From an axis of the file's tensor (plain) to one that counts with the batch of graph.hpp.
    // Error: the axis is the batch.
    [[nodiscard]] tl::expected<std::int64_t, std::string> axis(std::size_t plain) const;
    // The same for an attribute that may be negative.
    [[nodiscard]] tl::expected<std::int64_t, std::string> axis_of(std::int64_t given,
                                                                  std::size_t rank) const;
    // Dimensions of the file's tensor without the batch. Error: the batch changes.
    [[nodiscard]] tl::expected<std::vector<std::int64_t>, std::string> row_of(
        const std::vector<std::int64_t>& dimensions) const;

    // ---- constants as weights; the name is that of the weight ----
    [[nodiscard]] tl::expected<std::string, std::string> weight(std::size_t input) const;
    // Its values in another shape, repeated from the start where there are fewer.
    [[nodiscard]] tl::expected<std::string, std::string> weight(std::size_t input,
                                                                const Shape& shape) const;
    // A new one.
    [[nodiscard]] tl::expected<std::string, std::string> new_weight(
        const std::string& suffix, const Shape& shape, float value,
        ElementType type = ElementType::float32) const;

    // ---- results ----
    // A node between; gives the name of its value. Error: its shapes do not fit.
    [[nodiscard]] tl::expected<std::string, std::string> step(
        const std::string& op, const std::vector<std::string>& inputs,
        std::map<std::string, Attribute> attributes = {}) const;
    // The node that gives the file's outputs.
    [[nodiscard]] Rewritten finish(const std::string& op, const std::vector<std::string>& inputs,
                                   std::map<std::string, Attribute> attributes = {}) const;
    [[nodiscard]] Rewritten finish_output(std::size_t output, const std::string& op,
                                          const std::vector<std::string>& inputs,
                                          std::map<std::string, Attribute> attributes = {}) const;
    // A value in another row shape: itself where it has that shape.
    [[nodiscard]] tl::expected<std::string, std::string> in_row(const std::string& value,
                                                                const Shape& row) const;
    // A node as it is. Error: its shapes do not fit, or an output is there already.
    [[nodiscard]] Rewritten append(Node made) const;
};

struct Form {
    std::string_view op;
    Rewritten (*rewrite)(const Rewrite&);
    std::array<std::string_view, 8> attributes{};  // known ones; any other is refused
};

[[nodiscard]] std::span<const Form> elementwise_forms();
[[nodiscard]] std::span<const Form> product_forms();
[[nodiscard]] std::span<const Form> window_forms();
[[nodiscard]] std::span<const Form> axis_forms();
[[nodiscard]] std::span<const Form> movement_forms();
[[nodiscard]] std::span<const Form> quantised_forms();

}  // namespace tamis::engine
