// Serialised fragments and selected events with known contents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "streams/fragment_input.hpp"

namespace tamis::tests {

// Fragment of `source` of event `event`, with a payload that names it.
[[nodiscard]] std::string sample_fragment(std::uint64_t event, std::uint32_t source,
                                          std::uint32_t run = 7);

// Event with sources 1 to 3, accepted by path 0 with score event + 0.25 into `streams`.
[[nodiscard]] std::string sample_selected_event(std::uint64_t event,
                                                const std::vector<std::string>& streams,
                                                std::uint32_t run = 7);

// Keeps what it is given.
class CollectingSink final : public streams::MessageSink {
 public:
    [[nodiscard]] bool is_ready() const noexcept override { return messages.size() < capacity; }
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t arrival_ns) noexcept override {
        messages.emplace_back(reinterpret_cast<const char*>(message.data()), message.size());
        arrivals_ns.push_back(arrival_ns);
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override {}

    std::vector<std::string> messages;
    std::vector<std::uint64_t> arrivals_ns;
    std::size_t capacity = SIZE_MAX;
};

}  // namespace tamis::tests
