#include "streams/recording/checkpoint_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "streams/recording/output_file.hpp"

namespace tamis::streams {
namespace {

bool copy_over(const std::string& from, const std::string& to) {
    std::error_code failed;
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, failed);
    return !failed;
}

bool wait_for_copy(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const bool is_safe = descriptor >= 0 && ::fsync(descriptor) == 0;
    if (descriptor >= 0) {
        ::close(descriptor);
    }
    return is_safe;
}

}  // namespace

bool save_checkpoint(const std::string& path) {
    const std::string copy = checkpoint_path(path) + ".new";
    const bool is_saved = copy_over(unfinished_path(path), copy) && wait_for_copy(copy) &&
                          std::rename(copy.c_str(), checkpoint_path(path).c_str()) == 0;
    if (!is_saved) {
        std::remove(copy.c_str());
    }
    return is_saved;
}

bool restore_checkpoint(const std::string& path) {
    return copy_over(checkpoint_path(path), unfinished_path(path));
}

}  // namespace tamis::streams
