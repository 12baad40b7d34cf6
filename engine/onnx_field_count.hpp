// How much a file would become when it is built in memory, found out without building any of it:
// two bytes of a hostile file can be an empty node of hundreds. Cold path, any thread; allocates
// nothing but a message.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <tl/expected.hpp>

namespace tamis::engine {

// Far above what the most nodes and tensors the reader takes come to; some 100 MiB at worst.
inline constexpr std::size_t kMaxOnnxFields = std::size_t{1} << 19;

// Error: no ONNX model, or more than kMaxOnnxFields fields in all messages together; sixteen bytes
// of a list of small numbers count as one field. At most 2 GiB of bytes.
[[nodiscard]] tl::expected<void, std::string> check_onnx_field_count(
    std::span<const std::byte> bytes);

}  // namespace tamis::engine
