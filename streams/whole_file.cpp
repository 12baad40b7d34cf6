#include "streams/whole_file.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <system_error>

namespace tamis::streams {

namespace fs = std::filesystem;

tl::expected<std::string, std::string> read_whole_file(const fs::path& file) {
    std::error_code error;
    std::ifstream stream(file, std::ios::binary);
    if (!stream || fs::is_directory(file, error)) {
        return tl::unexpected(file.string() +
                              ": cannot be read; right is a file that this user may read");
    }
    std::ostringstream bytes;
    if (stream.peek() != std::ifstream::traits_type::eof()) {
        bytes << stream.rdbuf();
    }
    if (stream.bad() || bytes.bad()) {
        return tl::unexpected(file.string() + ": cannot be read to its end; right is a sound disk");
    }
    return std::move(bytes).str();
}

tl::expected<void, std::string> write_whole_file(const fs::path& file, std::string_view bytes) {
    std::error_code error;
    const bool is_device = fs::exists(file, error) && !fs::is_regular_file(file, error) &&
                           !fs::is_directory(file, error);
    // Two processes that write the same name do not write into each other's.
    const fs::path written =
        is_device ? file : fs::path(file.string() + "." + std::to_string(getpid()) + ".part");
    std::ofstream stream(written, std::ios::binary | std::ios::trunc);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) {
        if (!is_device) {
            fs::remove(written, error);
        }
        return tl::unexpected("cannot write " + file.string() +
                              " (no such folder, no right, or no room); right is a file in a "
                              "folder that this process may write to");
    }
    if (is_device) {
        return {};
    }
    fs::rename(written, file, error);
    if (error) {
        const std::string why = error.message();
        fs::remove(written, error);
        return tl::unexpected("cannot put " + file.string() + " in place (" + why +
                              "); right is a name that is free, or a file");
    }
    return {};
}

}  // namespace tamis::streams
