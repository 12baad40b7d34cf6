// The file under a writer: what was written is whole. A write that the system cuts short (a full
// disk) is taken back to the last whole piece, so that it can be tried again. Writing goes to
// PATH.part, which becomes PATH at close; a name with .part is therefore a recording whose writer
// died or still writes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::streams {

// Where a file stands until it is whole.
[[nodiscard]] inline std::string unfinished_path(const std::string& path) { return path + ".part"; }

enum class ExistingFile : std::uint8_t { refuse, replace };

enum class WriteStatus : std::uint8_t {
    written,
    no_space,  // disk, quota or file size is used up; nothing was written, a later call may succeed
    failed,    // the file takes nothing more
};

class OutputFile {
 public:
    // Errors: the file or its .part exists (ExistingFile::refuse), or cannot be made. A path that
    // is a device or a pipe is written directly.
    [[nodiscard]] static tl::expected<OutputFile, std::string> create(std::string_view path,
                                                                      ExistingFile existing);
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&&) = delete;
    ~OutputFile();  // leaves PATH.part where close() was not reached

    // All pieces, one after the other, or none.
    [[nodiscard]] WriteStatus append(
        std::initializer_list<std::span<const std::byte>> pieces) noexcept;
    // Returns when the bytes are on the disk (fdatasync; the first time the folder's entry too).
    [[nodiscard]] WriteStatus sync() noexcept;
    // The same for another thread while this one appends; the error number goes to note_sync().
    // ENOENT: somebody removed the file.
    [[nodiscard]] int wait_for_disk() const noexcept;
    [[nodiscard]] WriteStatus note_sync(int error_number) noexcept;
    // Syncs, gives the file its final name and syncs the folder.
    [[nodiscard]] WriteStatus close() noexcept;

    [[nodiscard]] std::uint64_t size() const noexcept { return bytes_; }
    // False once it is closed or takes nothing more.
    [[nodiscard]] bool is_usable() const noexcept { return descriptor_ >= 0 && !broken_; }
    [[nodiscard]] const std::string& written_path() const noexcept { return written_path_; }
    // What the last status other than `written` was about, with the system's text.
    [[nodiscard]] std::string error() const;

 private:
    OutputFile(int descriptor, std::string path, std::string written_path);
    WriteStatus note(const char* action, int error_number) noexcept;

    int descriptor_ = -1;
    std::string path_;
    std::string written_path_;
    std::uint64_t bytes_ = 0;
    const char* failed_action_ = "";
    int error_number_ = 0;
    bool broken_ = false;
    mutable std::atomic<bool> is_in_folder_ = false;  // its name is on the disk
};

}  // namespace tamis::streams
