// Each source of a replay on a connection of its own, as detectors have them. One thread serves
// all: while one of them has to wait, the others go on, since the node may wait for their
// fragments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "daemon/commands/fragment_sender.hpp"

namespace tamis::daemon {

class SourceSenders {
 public:
    // Reliable senders are named "NAME.SOURCE".
    [[nodiscard]] static tl::expected<SourceSenders, std::string> make(
        const SenderOptions& options, const std::string& default_name,
        const std::vector<std::uint32_t>& sources);

    // What is of no such source goes over the first connection. False when a stop signal came
    // before it was taken, or the link is refused.
    [[nodiscard]] bool send(std::uint32_t source, std::span<const std::byte> message);
    void poll();
    // Waits until the node holds everything safely; false when a stop signal came before.
    [[nodiscard]] bool finish();
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
    [[nodiscard]] std::size_t count() const noexcept { return senders_.size(); }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
    SourceSenders() = default;
    [[nodiscard]] bool has_to_stop();

    std::map<std::uint32_t, FragmentSender> senders_;
    std::uint64_t sent_ = 0;
    std::string why_;
};

}  // namespace tamis::daemon
