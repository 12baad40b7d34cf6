#include "streams/recording/line_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "streams/recording/output_file.hpp"

namespace tamis::streams {
namespace {

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

tl::expected<LineFile, std::string> LineFile::create(const std::string& path, bool replaces) {
    if (!replaces) {
        for (const std::string& taken : {path, unfinished_path(path)}) {
            if (std::filesystem::exists(taken)) {
                std::string why = "cannot write " + path;
                why.append(" (").append(taken).append(" exists); choose another name, replace it ");
                return tl::unexpected(why.append("or resume it"));
            }
        }
    }
    std::FILE* const file = std::fopen(unfinished_path(path).c_str(), "wbe");
    if (file == nullptr) {
        return tl::unexpected("cannot write " + unfinished_path(path) + " (" + reason() +
                              "); the folder must exist and be writable");
    }
    return LineFile(file, path);
}

tl::expected<LineFile, std::string> LineFile::resume(const std::string& path) {
    if (std::filesystem::exists(path)) {
        return tl::unexpected("cannot resume " + path + " (it is whole already)");
    }
    if (!std::filesystem::exists(unfinished_path(path))) {
        return create(path, false);
    }
    std::FILE* const file = std::fopen(unfinished_path(path).c_str(), "r+be");
    if (file == nullptr) {
        return tl::unexpected("cannot resume " + unfinished_path(path) + " (" + reason() + ")");
    }
    LineFile lines(file, path);
    std::vector<char> block(1 << 20);
    long whole = 0;  // bytes up to the last line end
    long position = 0;
    for (std::size_t got = 0; (got = std::fread(block.data(), 1, block.size(), file)) > 0;) {
        for (std::size_t at = 0; at < got; ++at) {
            if (block[at] == '\n') {
                ++lines.resumed_lines_;
                whole = position + static_cast<long>(at) + 1;
            }
        }
        position += static_cast<long>(got);
    }
    if (std::ferror(file) != 0 || ::ftruncate(::fileno(file), whole) != 0 ||
        std::fseek(file, whole, SEEK_SET) != 0) {
        return tl::unexpected("cannot resume " + unfinished_path(path) + " (" + reason() + ")");
    }
    return lines;
}

void LineFile::write(std::string_view line) {
    const bool is_written = std::fwrite(line.data(), 1, line.size(), file_.get()) == line.size() &&
                            std::fputc('\n', file_.get()) != EOF;
    if (!is_written && error_.empty()) {
        error_ = "cannot write " + unfinished_path(path_) + " (" + reason() +
                 "); make room and resume it";
    }
}

tl::expected<void, std::string> LineFile::close() {
    if (std::fflush(file_.get()) != 0 && error_.empty()) {
        error_ = "cannot write " + unfinished_path(path_) + " (" + reason() +
                 "); make room and resume it";
    }
    file_.reset();
    if (error_.empty() && std::rename(unfinished_path(path_).c_str(), path_.c_str()) != 0) {
        error_ = "cannot rename " + unfinished_path(path_) + " (" + reason() + ")";
    }
    if (!error_.empty()) {
        return tl::unexpected(error_);
    }
    return {};
}

}  // namespace tamis::streams
