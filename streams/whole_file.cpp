#include "streams/whole_file.hpp"

#include <fstream>
#include <iterator>
#include <system_error>

namespace tamis::streams {

tl::expected<std::string, std::string> read_whole_file(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) {
        return tl::unexpected(file.string() +
                              ": cannot be read; right is a file that this user may read");
    }
    return bytes;
}

tl::expected<void, std::string> write_whole_file(const std::filesystem::path& file,
                                                 std::string_view bytes) {
    std::filesystem::path unfinished = file;
    unfinished += ".unfinished";
    {
        std::ofstream stream(unfinished, std::ios::binary | std::ios::trunc);
        stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        stream.close();
        if (!stream) {
            return tl::unexpected(unfinished.string() +
                                  ": cannot be written; right is a directory with space that this "
                                  "user may write to");
        }
    }
    std::error_code error;
    std::filesystem::rename(unfinished, file, error);
    if (error) {
        return tl::unexpected(file.string() + ": cannot be put in place (" + error.message() +
                              "); right is a file name that is free or a file");
    }
    return {};
}

}  // namespace tamis::streams
