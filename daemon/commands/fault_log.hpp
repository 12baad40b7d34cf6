// The faults that a replay injects: how they are asked for, and the log of what was done. The log
// is JSON, a line for each fault and a last line of totals: by kind, by source, and what the books
// of the node must read.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <tl/expected.hpp>

#include "daemon/commands/command.hpp"
#include "streams/recording/fault_injector.hpp"

namespace tamis::daemon {

struct FaultCommand {
    streams::FaultOptions plan;
    double late_ms = 2000;
    double delay_ms = 20;
    std::string silent;  // SOURCE:FIRST:LAST
    std::filesystem::path log;

    [[nodiscard]] bool is_wanted() const noexcept;
};

void add_fault_options(CLI::App& command, FaultCommand& faults);

// Fills plan from the rest. Errors: fractions above 1 together, a silence that is none.
[[nodiscard]] tl::expected<void, std::string> complete_plan(FaultCommand& faults);

class FaultLog {
 public:
    // An empty path: nothing is written. An existing file is replaced.
    [[nodiscard]] static tl::expected<FaultLog, std::string> create(
        const std::filesystem::path& file);
    void write(const streams::InjectedFault& fault);
    void write_totals(const streams::FaultInjector& injector, std::uint64_t seed);
    // False when something could not be written.
    [[nodiscard]] bool is_good() const { return !stream_.is_open() || stream_.good(); }

 private:
    FaultLog() = default;
    std::ofstream stream_;
};

}  // namespace tamis::daemon
