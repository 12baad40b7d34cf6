#include "streams/recording/chunk_codec.hpp"

#include <lz4frame.h>
#include <zstd.h>

#include <array>
#include <gsl/assert>

namespace tamis::streams {
namespace {

constexpr std::array kCompressions = {Compression::none, Compression::zstd, Compression::lz4};

struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
struct FreeLz4 {
    void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

// Never shrinks: growing again would clear the bytes again.
void grow_to(std::vector<std::byte>& buffer, std::size_t bytes) {
    if (buffer.size() < bytes) {
        buffer.resize(bytes);
    }
}

}  // namespace

struct ChunkCodec::Contexts {
    std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd_out;
    std::unique_ptr<ZSTD_DCtx, FreeZstd> zstd_in;
    std::unique_ptr<LZ4F_dctx, FreeLz4> lz4_in;
};

std::string_view to_string(Compression compression) noexcept {
    switch (compression) {
        case Compression::none:
            return "";
        case Compression::zstd:
            return "zstd";
        case Compression::lz4:
            return "lz4";
    }
    return "";
}

std::optional<Compression> find_compression(std::string_view name) noexcept {
    for (const Compression compression : kCompressions) {
        if (to_string(compression) == name) {
            return compression;
        }
    }
    return std::nullopt;
}

ChunkCodec::ChunkCodec() : contexts_(std::make_unique<Contexts>()) {}
ChunkCodec::~ChunkCodec() = default;

std::span<const std::byte> ChunkCodec::compress(std::span<const std::byte> records,
                                                Compression compression, int level) {
    if (compression == Compression::none) {
        return records;
    }
    std::size_t written = 0;
    if (compression == Compression::zstd) {
        if (!contexts_->zstd_out) {
            contexts_->zstd_out.reset(ZSTD_createCCtx());
        }
        grow_to(buffer_, ZSTD_compressBound(records.size()));
        written = ZSTD_compressCCtx(contexts_->zstd_out.get(), buffer_.data(), buffer_.size(),
                                    records.data(), records.size(), level);
        Ensures(ZSTD_isError(written) == 0);  // the bound leaves only lack of memory
    } else {
        LZ4F_preferences_t preferences{};
        preferences.frameInfo.contentSize = records.size();
        grow_to(buffer_, LZ4F_compressFrameBound(records.size(), &preferences));
        written = LZ4F_compressFrame(buffer_.data(), buffer_.size(), records.data(), records.size(),
                                     &preferences);
        Ensures(LZ4F_isError(written) == 0);
    }
    return std::span(buffer_).first(written);
}

std::optional<std::span<const std::byte>> ChunkCodec::decompress(std::span<const std::byte> records,
                                                                 Compression compression,
                                                                 std::uint64_t uncompressed_bytes) {
    if (compression == Compression::none) {
        return records.size() == uncompressed_bytes ? std::optional(records) : std::nullopt;
    }
    grow_to(buffer_, uncompressed_bytes);
    std::size_t written = uncompressed_bytes;
    if (compression == Compression::zstd) {
        if (!contexts_->zstd_in) {
            contexts_->zstd_in.reset(ZSTD_createDCtx());
        }
        written = ZSTD_decompressDCtx(contexts_->zstd_in.get(), buffer_.data(), uncompressed_bytes,
                                      records.data(), records.size());
        if (ZSTD_isError(written) != 0) {
            return std::nullopt;
        }
    } else {
        if (!contexts_->lz4_in) {
            LZ4F_dctx* context = nullptr;
            Ensures(LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) == 0);
            contexts_->lz4_in.reset(context);
        }
        LZ4F_resetDecompressionContext(contexts_->lz4_in.get());
        std::size_t consumed = records.size();
        const std::size_t left = LZ4F_decompress(contexts_->lz4_in.get(), buffer_.data(), &written,
                                                 records.data(), &consumed, nullptr);
        if (LZ4F_isError(left) != 0 || left != 0 || consumed != records.size()) {
            return std::nullopt;
        }
    }
    return written == uncompressed_bytes
               ? std::optional(std::span<const std::byte>(buffer_).first(written))
               : std::nullopt;
}

}  // namespace tamis::streams
