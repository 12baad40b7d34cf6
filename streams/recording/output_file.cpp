#include "streams/recording/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace tamis::streams {
namespace {

bool is_special(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// 0, or the error number. EINVAL: a folder that cannot be synchronised, as some file systems have.
int sync_folder_of(const std::string& path) noexcept {
    const std::size_t slash = path.rfind('/');
    const int descriptor =
        ::open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(),
               O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == EACCES ? 0 : errno;  // may be written to without being read
    }
    const int error_number = ::fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
    ::close(descriptor);
    return error_number;
}

}  // namespace

tl::expected<OutputFile, std::string> OutputFile::create(std::string_view path,
                                                         ExistingFile existing) {
    const std::string final_path(path);
    const bool special = is_special(final_path);
    const std::string written_path = special ? final_path : unfinished_path(final_path);
    if (!special && existing == ExistingFile::refuse) {
        const bool final_exists = exists(final_path);
        if (final_exists || exists(written_path)) {
            return tl::unexpected("cannot record to " + final_path + " (" +
                                  (final_exists ? final_path : written_path) +
                                  " exists); choose another name or move that file away");
        }
    }
    const int exclusive = existing == ExistingFile::refuse ? O_EXCL : O_TRUNC;
    const int flags = special ? O_WRONLY : O_WRONLY | O_CREAT | exclusive;
    const int descriptor = ::open(written_path.c_str(), flags | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        return tl::unexpected("cannot record to " + written_path + " (" +
                              std::generic_category().message(errno) +
                              "); the folder must exist and be writable");
    }
    return OutputFile(descriptor, final_path, written_path);
}

OutputFile::OutputFile(int descriptor, std::string path, std::string written_path)
    : descriptor_(descriptor), path_(std::move(path)), written_path_(std::move(written_path)) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      written_path_(std::move(other.written_path_)),
      bytes_(other.bytes_),
      failed_action_(other.failed_action_),
      error_number_(other.error_number_),
      broken_(other.broken_),
      is_in_folder_(other.is_in_folder_.load()) {}

OutputFile::~OutputFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

WriteStatus OutputFile::append(std::initializer_list<std::span<const std::byte>> pieces) noexcept {
    if (broken_ || descriptor_ < 0) {
        return WriteStatus::failed;
    }
    std::uint64_t written = 0;
    int error_number = 0;
    for (std::span<const std::byte> piece : pieces) {
        while (!piece.empty() && error_number == 0) {
            const ssize_t count = ::write(descriptor_, piece.data(), piece.size());
            if (count > 0) {
                written += static_cast<std::uint64_t>(count);
                piece = piece.subspan(static_cast<std::size_t>(count));
            } else if (count == 0 || errno != EINTR) {
                error_number = count == 0 ? EIO : errno;
            }
        }
    }
    if (error_number == 0) {
        bytes_ += written;
        return WriteStatus::written;
    }
    // Shortening needs no space. Where it fails the file ends torn and must take nothing more.
    if (written > 0 && (::ftruncate(descriptor_, static_cast<off_t>(bytes_)) != 0 ||
                        ::lseek(descriptor_, static_cast<off_t>(bytes_), SEEK_SET) < 0)) {
        broken_ = true;
    }
    return note("write", error_number);
}

WriteStatus OutputFile::sync() noexcept {
    if (broken_ || descriptor_ < 0) {
        return WriteStatus::failed;
    }
    return note_sync(wait_for_disk());
}

int OutputFile::wait_for_disk() const noexcept {
    // EINVAL: a device or pipe that cannot be synchronised.
    if (::fdatasync(descriptor_) != 0 && errno != EINVAL) {
        return errno;
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) {
        return errno;
    }
    if (status.st_nlink == 0) {
        return ENOENT;
    }
    if (!is_in_folder_ && S_ISREG(status.st_mode)) {
        if (const int error_number = sync_folder_of(written_path_); error_number != 0) {
            return error_number;
        }
    }
    is_in_folder_ = true;
    return 0;
}

WriteStatus OutputFile::note_sync(int error_number) noexcept {
    if (error_number == 0) {
        return WriteStatus::written;
    }
    // Which pages were lost is unknown and a second call would report success.
    broken_ = true;
    return note("sync", error_number);
}

WriteStatus OutputFile::close() noexcept {
    if (const WriteStatus status = sync(); status != WriteStatus::written) {
        return status;
    }
    const int result = ::close(std::exchange(descriptor_, -1));
    if (result != 0) {
        return note("close", errno);
    }
    if (written_path_ == path_) {
        return WriteStatus::written;
    }
    if (std::rename(written_path_.c_str(), path_.c_str()) != 0) {
        return note("rename", errno);
    }
    const int error_number = sync_folder_of(path_);
    return error_number == 0 ? WriteStatus::written : note("sync the folder of", error_number);
}

std::string OutputFile::error() const {
    if (error_number_ == 0) {
        return {};
    }
    return "cannot " + std::string(failed_action_) + " " + written_path_ + " (" +
           std::generic_category().message(error_number_) + ")";
}

WriteStatus OutputFile::note(const char* action, int error_number) noexcept {
    failed_action_ = action;
    error_number_ = error_number;
    const bool is_full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
    if (!is_full) {
        broken_ = true;
    }
    return is_full && !broken_ ? WriteStatus::no_space : WriteStatus::failed;
}

}  // namespace tamis::streams
