#include "streams/recording/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "streams/recording/output_file.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kReadAheadBytes = 1024UL * 1024;

}  // namespace

tl::expected<InputFile, std::string> InputFile::open(std::string_view path) {
    InputFile file;
    file.path_ = path;
    file.descriptor_ = ::open(file.path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (file.descriptor_ < 0 && errno == ENOENT) {
        const std::string unfinished = unfinished_path(file.path_);
        file.descriptor_ = ::open(unfinished.c_str(), O_RDONLY | O_CLOEXEC);
        if (file.descriptor_ >= 0) {
            file.path_ = unfinished;
        }
    }
    if (file.descriptor_ < 0) {
        return tl::unexpected("cannot open " + file.path_ + " (" +
                              std::generic_category().message(errno) + ")");
    }
    struct stat status {};
    if (::fstat(file.descriptor_, &status) != 0) {
        return tl::unexpected("cannot read " + file.path_ + " (" +
                              std::generic_category().message(errno) + ")");
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::unexpected("cannot read " + file.path_ +
                              " (not a regular file); a recording is read at any offset");
    }
    file.bytes_ = static_cast<std::uint64_t>(status.st_size);
    return file;
}

InputFile::InputFile(std::span<const std::byte> bytes) noexcept
    : path_("memory"), bytes_(bytes.size()), memory_(bytes) {}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      error_(std::move(other.error_)),
      bytes_(other.bytes_),
      memory_(other.memory_),
      window_(std::move(other.window_)),
      window_start_(other.window_start_),
      window_bytes_(std::exchange(other.window_bytes_, 0)) {}

InputFile::~InputFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::uint64_t InputFile::read(std::uint64_t offset, std::span<std::byte> into) {
    std::uint64_t done = 0;
    while (done < into.size()) {
        const ssize_t got = ::pread(descriptor_, into.data() + done, into.size() - done,
                                    static_cast<off_t>(offset + done));
        if (got > 0) {
            done += static_cast<std::uint64_t>(got);
        } else if (got == 0 || errno != EINTR) {
            error_ = "cannot read " + path_ + " (" +
                     (got == 0 ? "the file was shortened while it was read"
                               : std::generic_category().message(errno)) +
                     ")";
            break;
        }
    }
    return done;
}

std::span<const std::byte> InputFile::view(std::uint64_t offset, std::uint64_t count) {
    if (!has(offset, count)) {
        return {};
    }
    if (descriptor_ < 0) {
        return memory_.subspan(offset, count);
    }
    if (offset < window_start_ || offset + count > window_start_ + window_bytes_) {
        const std::uint64_t wanted = std::min(std::max(count, kReadAheadBytes), bytes_ - offset);
        if (window_.size() < wanted) {
            window_.resize(wanted);
        }
        // What is there of it already is moved down, so that nothing is read twice.
        std::uint64_t kept = 0;
        if (offset >= window_start_ && offset < window_start_ + window_bytes_) {
            kept = window_start_ + window_bytes_ - offset;
            std::memmove(window_.data(), window_.data() + (offset - window_start_), kept);
        }
        window_start_ = offset;
        window_bytes_ = kept + read(offset + kept, std::span(window_).subspan(kept, wanted - kept));
        if (window_bytes_ < count) {
            return {};
        }
    }
    return std::span<const std::byte>(window_).subspan(offset - window_start_, count);
}

std::optional<std::vector<std::byte>> InputFile::copy(std::uint64_t offset, std::uint64_t count) {
    if (!has(offset, count)) {
        return std::nullopt;
    }
    if (descriptor_ < 0) {
        const auto bytes = memory_.subspan(offset, count);
        return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
    std::vector<std::byte> bytes(count);
    return read(offset, bytes) == count ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace tamis::streams
