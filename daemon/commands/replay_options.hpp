// What replay and rates share: which recording, which menu, which threads.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "daemon/commands/command.hpp"
#include "daemon/recording_run.hpp"

namespace tamis::daemon {

struct ReplayOptions {
    std::filesystem::path recording;
    std::filesystem::path menu;
    std::vector<std::string> topics;
    std::vector<std::uint32_t> sources;
    std::uint32_t workers = 1;
    std::uint32_t batch = 32;
    std::string mode = "shared";
    bool json = false;
};

void add_replay_options(CLI::App& command, ReplayOptions& options);

// --menu, or the shipped physics menu.
[[nodiscard]] std::filesystem::path menu_or_default(const ReplayOptions& options);

[[nodiscard]] RecordingRunOptions recording_run_options(const ReplayOptions& options);

// Prints what a reader of the result must know of the recording itself: torn or damaged.
void print_recording_end(const ReplayOptions& options, const RecordingRunResult& result);

// "books closed" or the three imbalances; and the counts by outcome and reason.
void print_books(const Books& books);

}  // namespace tamis::daemon
