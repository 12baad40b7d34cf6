// What a source knows: which events it has sent, and of which it heard that it may forget them. A
// line of JSON a while; the last whole line counts, so that a source that died left the truth of a
// moment before. Cold path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <tl/expected.hpp>

namespace tamis::daemon {

struct SourceLogLine {
    std::string source;
    std::uint32_t run = 0;
    std::uint64_t first_event = 0;  // of this source's part of the run, over its restarts
    std::uint64_t sent = 0;         // events from the first on
    std::uint64_t safe = 0;         // of them; the node answers for them
};

// Errors name the file and the line. A last line without its end is left out.
[[nodiscard]] tl::expected<SourceLogLine, std::string> read_source_log(
    const std::filesystem::path& file);

class SourceLog {
 public:
    [[nodiscard]] static tl::expected<SourceLog, std::string> append_to(
        const std::filesystem::path& file);
    // False when it could not be written.
    [[nodiscard]] bool write(const SourceLogLine& line);

 private:
    explicit SourceLog(std::ofstream file) : file_(std::move(file)) {}
    std::ofstream file_;
};

}  // namespace tamis::daemon
