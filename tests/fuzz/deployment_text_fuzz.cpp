// Any text as a deployment: it is read within the limits of its schema, or refused.
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <string>

#include "config/deployment_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tamis;
    // The corpus names a menu that is there on every Linux: any regular file does.
    std::string text(reinterpret_cast<const char*>(data), size);
    const auto read =
        config::parse_deployment(std::move(text), "/proc/node.pbtxt", {.cpu_count = 8});
    if (!read) {
        Ensures(!read.error().empty());
        return 0;
    }
    const config::InputConfig& input = read->input;
    Ensures(!input.endpoints.empty() && !input.sources.empty() && !read->outputs.empty());
    Ensures(input.pool_events > 0 && input.pool_bytes >= input.max_event_bytes);
    Ensures(input.max_event_bytes >= input.max_message_bytes && read->threads.workers > 0);
    for (const config::OutputConfig& output : read->outputs) {
        Ensures(output.endpoint.empty() != output.recording.empty());
    }
    return 0;
}
