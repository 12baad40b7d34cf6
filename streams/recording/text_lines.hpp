// The lines of a text file, plain or gzip. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

struct gzFile_s;

namespace tamis::streams {

class TextLines {
 public:
    // Errors: cannot be opened, or is a folder.
    [[nodiscard]] static tl::expected<TextLines, std::string> open(std::string_view path);

    // Without its line end, valid until the next call; absent at the end and after an error. A line
    // is at most 256 MiB.
    [[nodiscard]] std::optional<std::string_view> next();
    // The line that next() will give, without taking it.
    [[nodiscard]] std::optional<std::string_view> peek();

    [[nodiscard]] std::uint64_t line_number() const noexcept { return line_number_; }  // of next()
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t bytes_read() const noexcept;  // of the file, compressed
    [[nodiscard]] std::uint64_t bytes_total() const noexcept { return bytes_total_; }
    // Empty while all is well.
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
    struct Close {
        void operator()(gzFile_s* file) const noexcept;
    };

    TextLines() = default;
    bool fill();

    std::unique_ptr<gzFile_s, Close> file_;
    std::string path_;
    std::string error_;
    std::uint64_t bytes_total_ = 0;
    std::uint64_t line_number_ = 0;
    std::vector<char> buffer_;
    std::size_t start_ = 0;  // of what is not given yet
    std::size_t end_ = 0;
    std::optional<std::string_view> peeked_;
    bool at_end_ = false;
};

}  // namespace tamis::streams
