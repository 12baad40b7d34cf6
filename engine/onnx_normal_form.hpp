// Nodes as ONNX files of several opsets have them, into the normal forms of graph.hpp. Knows no
// protobuf. Cold path.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/graph.hpp"

namespace tamis::engine {

// What the reader found in a file, attributes and all, before any operator is looked at.
struct OnnxContent {
    Graph graph;  // nodes in file order; optional inputs that are absent have the name ""
    std::map<std::string, std::vector<std::int64_t>> integers;  // integer constants by name
    std::int64_t opset = 13;
    std::optional<std::int64_t> fixed_batch;  // where the file fixes the batch dimension
};

inline constexpr std::int64_t kOldestOpset = 7;
inline constexpr std::int64_t kNewestOpset = 17;

// Error: an operator, attribute or form that is not supported, naming node, operator and opset.
[[nodiscard]] tl::expected<Graph, std::string> in_normal_form(OnnxContent content);

}  // namespace tamis::engine
