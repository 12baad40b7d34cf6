// What an ONNX file says it holds, whether the engine takes it or not: for a person who wants to
// know why a model was refused, or what is in one. Cold path, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::engine {

struct OnnxPort {
    std::string name;
    std::string type;   // "float32"; "?" where the file does not say or it is no tensor
    std::string shape;  // "[batch, 21]": dimensions as the file has them, "?" where it does not say
};

struct OnnxOperator {
    std::string name;  // with its domain where that is not ONNX's own: "com.microsoft.FusedConv"
    std::size_t count = 0;
    bool is_supported = false;
};

struct OnnxSurvey {
    std::string producer;
    std::int64_t opset = 0;        // 0: the file names none
    std::vector<OnnxPort> inputs;  // weights that old files list among them left out
    std::vector<OnnxPort> outputs;
    std::vector<OnnxOperator> operators;         // by name
    std::vector<std::string> unsupported_nodes;  // node "name" (operator), in the file's order
    std::uint64_t parameters = 0;                // floats in the file's tensors
};

// Error: no ONNX model, or larger than kMaxModelBytes of engine/onnx_reader. An operator that is
// supported may still come in a form that is not: read_onnx says so.
[[nodiscard]] tl::expected<OnnxSurvey, std::string> survey_onnx(std::span<const std::byte> bytes);

}  // namespace tamis::engine
