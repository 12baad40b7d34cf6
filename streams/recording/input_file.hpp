// Bytes of a recording by offset: a file or memory. One thread. It never gives a byte outside of
// what was there when it was opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::streams {

class InputFile {
 public:
    // PATH, or PATH.part where only that is there (a recording whose writer died). Errors: absent,
    // unreadable, not a regular file.
    [[nodiscard]] static tl::expected<InputFile, std::string> open(std::string_view path);
    // The bytes must outlive the object.
    explicit InputFile(std::span<const std::byte> bytes) noexcept;
    InputFile(InputFile&& other) noexcept;
    InputFile& operator=(InputFile&&) = delete;
    ~InputFile();

    [[nodiscard]] std::uint64_t size() const noexcept { return bytes_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    // `count` bytes from `offset`, valid until the next call; empty where the file does not have
    // them or cannot be read (see error()).
    [[nodiscard]] std::span<const std::byte> view(std::uint64_t offset, std::uint64_t count);
    // The same as a copy, which leaves the last view as it is.
    [[nodiscard]] std::optional<std::vector<std::byte>> copy(std::uint64_t offset,
                                                             std::uint64_t count);
    [[nodiscard]] bool has(std::uint64_t offset, std::uint64_t count) const noexcept {
        return offset <= bytes_ && count <= bytes_ - offset;
    }
    // Text of the last failed read; empty without one.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
    InputFile() = default;
    // Bytes read, fewer than asked for after an error.
    std::uint64_t read(std::uint64_t offset, std::span<std::byte> into);

    int descriptor_ = -1;
    std::string path_;
    std::string error_;
    std::uint64_t bytes_ = 0;
    std::span<const std::byte> memory_;
    std::vector<std::byte> window_;   // of a file
    std::uint64_t window_start_ = 0;  // offset of its first byte
    std::size_t window_bytes_ = 0;
};

}  // namespace tamis::streams
