// Graphs into ONNX files of opset 13, IR version 7. The same graph gives the same bytes; read_onnx
// gives the same graph back. Cold path, any thread.
#pragma once

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "engine/graph.hpp"

namespace tamis::engine {

// Error: as check_graph.
[[nodiscard]] tl::expected<std::string, std::string> write_onnx(const Graph& graph);

// Through a temporary file beside it, so that a reader sees the old file or the whole new one.
[[nodiscard]] tl::expected<void, std::string> write_onnx_file(const Graph& graph,
                                                              const std::filesystem::path& path);

}  // namespace tamis::engine
