// ONNX files into graphs, opset 6 to 17. Cold path, any thread.
//
// Any bytes give a graph or an error, never a crash. Refused: external data, tensors larger than
// the file, dimensions out of range, cycles, several batch dimensions, operators and forms the
// engine does not have; each with the name of the node, the operator, the opset and what is
// supported. A file that mixes the rows of a batch is read as one row (onnx_normal_form.hpp).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <tl/expected.hpp>

#include "engine/graph.hpp"

namespace tamis::engine {

inline constexpr std::size_t kMaxModelBytes = std::size_t{64} << 20;

[[nodiscard]] tl::expected<Graph, std::string> read_onnx(std::span<const std::byte> bytes);

// Error also for a file that cannot be read or is larger than kMaxModelBytes.
[[nodiscard]] tl::expected<Graph, std::string> read_onnx_file(const std::filesystem::path& path);

}  // namespace tamis::engine
