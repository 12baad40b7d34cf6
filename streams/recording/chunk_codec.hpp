// Compression of a chunk's records. One object per writer or reader, reused: its contexts and
// buffers are made once. Not shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tamis::streams {

enum class Compression : std::uint8_t { none, zstd, lz4 };

// The names MCAP gives them: "", "zstd", "lz4" (the LZ4 frame format).
[[nodiscard]] std::string_view to_string(Compression compression) noexcept;
[[nodiscard]] std::optional<Compression> find_compression(std::string_view name) noexcept;

class ChunkCodec {
 public:
    ChunkCodec();
    ~ChunkCodec();
    ChunkCodec(const ChunkCodec&) = delete;
    ChunkCodec& operator=(const ChunkCodec&) = delete;

    // level: of zstd, 1 (fast) to 19; others ignore it. The result lives until the next call, or is
    // `records` itself for Compression::none.
    [[nodiscard]] std::span<const std::byte> compress(std::span<const std::byte> records,
                                                      Compression compression, int level);
    // Exactly `uncompressed_bytes` long or nothing. The caller has bounded `uncompressed_bytes`.
    // The result lives until the next call, or is `records` itself for Compression::none.
    [[nodiscard]] std::optional<std::span<const std::byte>> decompress(
        std::span<const std::byte> records, Compression compression,
        std::uint64_t uncompressed_bytes);

 private:
    struct Contexts;
    std::unique_ptr<Contexts> contexts_;
    std::vector<std::byte> buffer_;
};

}  // namespace tamis::streams
