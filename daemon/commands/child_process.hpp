// A process started by this one. Destroying it stops it: SIGTERM, then SIGKILL after two seconds.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::daemon {

class ChildProcess {
 public:
    // arguments[0] is the program's absolute path. It runs in `directory`; standard output and
    // error go to the file NAME.log there.
    [[nodiscard]] static tl::expected<ChildProcess, std::string> start(
        std::string name, const std::vector<std::string>& arguments,
        const std::filesystem::path& directory);

    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;
    ~ChildProcess();

    // The exit status, 128 + signal for one that was killed, nothing when it still runs at the end
    // of the time.
    [[nodiscard]] std::optional<int> wait_for(std::chrono::milliseconds limit);
    void terminate() const;  // SIGTERM
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
    ChildProcess(std::string name, pid_t pid);
    void stop();

    std::string name_;
    pid_t pid_ = -1;
    std::optional<int> status_;
};

}  // namespace tamis::daemon
