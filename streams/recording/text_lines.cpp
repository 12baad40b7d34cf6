#include "streams/recording/text_lines.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tamis::streams {
namespace {

constexpr std::size_t kFirstBufferBytes = 1UL << 20;
constexpr std::size_t kLongestLineBytes = 256UL << 20;

}  // namespace

void TextLines::Close::operator()(gzFile_s* file) const noexcept { ::gzclose(file); }

tl::expected<TextLines, std::string> TextLines::open(std::string_view path) {
    TextLines lines;
    lines.path_ = path;
    std::error_code failure;
    lines.bytes_total_ = std::filesystem::file_size(lines.path_, failure);
    if (failure) {
        return tl::unexpected("cannot open " + lines.path_ + " (" + failure.message() + ")");
    }
    lines.file_.reset(::gzopen(lines.path_.c_str(), "rb"));  // gives plain files as they are
    if (!lines.file_) {
        return tl::unexpected("cannot open " + lines.path_ + " (" +
                              std::generic_category().message(errno) + ")");
    }
    lines.buffer_.resize(kFirstBufferBytes);
    return lines;
}

// Reads more behind what is not given yet; false at the end of the file.
bool TextLines::fill() {
    if (at_end_) {
        return false;
    }
    if (start_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + start_, end_ - start_);
        end_ -= std::exchange(start_, 0);
    }
    if (end_ == buffer_.size()) {
        if (buffer_.size() >= kLongestLineBytes) {
            error_ = path_ + ":" + std::to_string(line_number_ + 1) + ": a line without end";
            at_end_ = true;
            return false;
        }
        buffer_.resize(buffer_.size() * 2);
    }
    const int got =
        ::gzread(file_.get(), buffer_.data() + end_, static_cast<unsigned>(buffer_.size() - end_));
    int code = Z_OK;
    const char* const text = ::gzerror(file_.get(), &code);
    if (got < 0 || code == Z_BUF_ERROR) {  // Z_BUF_ERROR: compressed data end early
        error_ = "cannot read " + path_ + " (" +
                 (code == Z_ERRNO ? std::generic_category().message(errno) : std::string(text)) +
                 ")";
    }
    if (got <= 0) {
        at_end_ = true;
        return false;
    }
    end_ += static_cast<std::size_t>(got);
    return true;
}

std::optional<std::string_view> TextLines::peek() {
    if (peeked_) {
        return peeked_;
    }
    std::size_t searched = start_;
    for (;;) {
        const char* const from = buffer_.data() + searched;
        const void* const found = std::memchr(from, '\n', end_ - searched);
        if (found != nullptr) {
            const auto length = static_cast<std::size_t>(static_cast<const char*>(found) -
                                                         (buffer_.data() + start_));
            peeked_ = std::string_view(buffer_.data() + start_, length);
            start_ += length + 1;
            break;
        }
        const std::size_t unsearched = end_ - start_;
        if (!fill()) {
            if (start_ == end_ || !error_.empty()) {
                return std::nullopt;
            }
            peeked_ = std::string_view(buffer_.data() + start_, end_ - start_);
            start_ = end_;
            break;
        }
        searched = start_ + unsearched;
    }
    if (peeked_->ends_with('\r')) {
        peeked_->remove_suffix(1);
    }
    return peeked_;
}

std::optional<std::string_view> TextLines::next() {
    const auto line = peek();
    peeked_.reset();
    line_number_ += line ? 1 : 0;
    return line;
}

std::uint64_t TextLines::bytes_read() const noexcept {
    const auto offset = ::gzoffset(file_.get());
    return offset < 0 ? 0 : std::min(static_cast<std::uint64_t>(offset), bytes_total_);
}

}  // namespace tamis::streams
