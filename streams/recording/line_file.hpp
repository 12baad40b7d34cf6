// A text file that is written line by line to PATH.part and has its name when it is whole. What was
// broken off can be gone on with behind its last whole line. Cold path.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::streams {

class LineFile {
 public:
    [[nodiscard]] static tl::expected<LineFile, std::string> create(const std::string& path,
                                                                    bool replaces);
    // PATH.part without what follows its last line end; a new file where there is none.
    [[nodiscard]] static tl::expected<LineFile, std::string> resume(const std::string& path);

    // Lines that were there at the start.
    [[nodiscard]] std::uint64_t resumed_lines() const noexcept { return resumed_lines_; }
    // Its line end is added.
    void write(std::string_view line);
    [[nodiscard]] tl::expected<void, std::string> close();

 private:
    struct Close {
        void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    LineFile(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

    std::unique_ptr<std::FILE, Close> file_;
    std::string path_;
    std::string error_;
    std::uint64_t resumed_lines_ = 0;
};

}  // namespace tamis::streams
