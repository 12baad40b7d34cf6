// What a demonstration run ends with: the node's own books and what the recording holds against the
// truth of the generator.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "streams/synthetic/process.hpp"

namespace tamis::daemon {

struct DemoFacts {
    std::filesystem::path run_summary;
    std::filesystem::path recording;
    std::uint64_t events = 0;  // generated, numbered from 1
    std::uint32_t run = 1;
    std::uint64_t seed = 1;
    double rate_hz = 0;
    streams::EventMix mix;
};

struct DemoReport {
    std::string text;
    bool is_good = false;  // books closed, every event decided, every selected event recorded
};

[[nodiscard]] tl::expected<DemoReport, std::string> make_demo_report(const DemoFacts& facts);

}  // namespace tamis::daemon
