#include "streams/rehearsal.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <system_error>

namespace tamis::streams {

namespace {

constexpr rlim_t kLeastSeconds = 10;
constexpr std::uintmax_t kBytesPerSecond = std::uintmax_t{1} << 20;

[[noreturn]] void run_child(rlim_t seconds, const std::function<void()>& reading) {
    const rlimit no_core{0, 0};
    const rlimit time{seconds, seconds};
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &time);
    // A crash is told by the parent, in its own words.
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        std::signal(signal, SIG_DFL);
    }
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    try {
        reading();
    } catch (...) {
        _exit(EXIT_FAILURE);  // memory ran out
    }
    _exit(EXIT_SUCCESS);
}

}  // namespace

tl::expected<void, std::string> rehearse(const std::filesystem::path& file,
                                         const std::string& library,
                                         const std::function<void()>& reading) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(file, error);
    const auto seconds = kLeastSeconds + (error ? 0 : static_cast<rlim_t>(bytes / kBytesPerSecond));
    const pid_t child = fork();
    if (child < 0) {
        return {};  // no room for a process: the reading has to do without
    }
    if (child == 0) {
        run_child(seconds, reading);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
        return {};
    }
    const std::string how = WIFSIGNALED(status)
                                ? fmt::format("ended by signal {}", WTERMSIG(status))
                                : std::string("ran out of memory");
    return tl::unexpected(
        fmt::format("{}: {} cannot read it ({} when it tried: the file is "
                    "damaged); right is a whole file",
                    file.string(), library, how));
}

}  // namespace tamis::streams
