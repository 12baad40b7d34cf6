#include "daemon/commands/source_senders.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "daemon/commands/stop_signal.hpp"

namespace tamis::daemon {
namespace {

constexpr std::chrono::microseconds kBetweenTries(200);

}  // namespace

tl::expected<SourceSenders, std::string> SourceSenders::make(
    const SenderOptions& options, const std::string& default_name,
    const std::vector<std::uint32_t>& sources) {
    SourceSenders senders;
    const std::string name = options.name.empty() ? default_name : options.name;
    for (const std::uint32_t source : sources) {
        SenderOptions own = options;
        own.name = name + "." + std::to_string(source);
        auto sender = FragmentSender::make(own, own.name, 1);
        if (!sender) {
            return tl::unexpected(sender.error());
        }
        senders.senders_.emplace(source, *std::move(sender));
    }
    return senders;
}

bool SourceSenders::has_to_stop() {
    const auto refused =
        std::ranges::find_if(senders_, [](const auto& each) { return each.second.is_refused(); });
    if (refused == senders_.end() && !stop_requested()) {
        return false;
    }
    why_ = (refused == senders_.end() ? senders_.begin() : refused)->second.why();
    return true;
}

bool SourceSenders::send(std::uint32_t source, std::span<const std::byte> message) {
    const auto known = senders_.find(source);
    FragmentSender& sender = (known == senders_.end() ? senders_.begin() : known)->second;
    while (!sender.try_send(message)) {
        if (has_to_stop()) {
            return false;
        }
        poll();
        std::this_thread::sleep_for(kBetweenTries);
    }
    ++sent_;
    return true;
}

void SourceSenders::poll() {
    for (auto& [source, sender] : senders_) {
        sender.poll();
    }
}

bool SourceSenders::finish() {
    const auto is_safe = [&] {
        return std::ranges::all_of(
            senders_, [](const auto& each) { return each.second.unsafe_count() == 0; });
    };
    while (!is_safe()) {
        if (has_to_stop()) {
            return false;
        }
        poll();
        std::this_thread::sleep_for(kBetweenTries);
    }
    return std::ranges::all_of(senders_, [](auto& each) { return each.second.finish(); });
}

}  // namespace tamis::daemon
