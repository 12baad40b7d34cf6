#include "daemon/commands/event_recorder.hpp"

#include <algorithm>

#include "streams/recording/recording_files.hpp"
#include "streams/recording/recording_reader.hpp"

namespace tamis::daemon {
namespace {

// What was under way when a recorder died lies in its last file, or in the one before; behind them
// lies the new one.
constexpr std::size_t kFilesLookedAt = 3;

}  // namespace

void EventRecorder::remember_recorded(const std::string& path) {
    const std::vector<std::uint32_t> numbers = streams::find_recording_files(path);
    const std::size_t first = numbers.size() > kFilesLookedAt ? numbers.size() - kFilesLookedAt : 0;
    for (std::size_t i = first; i < numbers.size(); ++i) {
        auto reader = streams::McapReader::open(streams::recording_file(path, numbers[i]));
        while (const streams::McapMessage* message = reader ? reader->next() : nullptr) {
            if (const auto event = streams::find_event(*reader, *message)) {
                (void)recent_.add({event->run, event->event});
            }
        }
    }
}

streams::Hold EventRecorder::on_message(std::span<const std::byte> message,
                                        std::uint64_t arrival_ns) noexcept {
    const auto selected = streams::decode_selected_event(message);
    if (!selected) {
        ++refused_;
        return streams::kNoHold;
    }
    if (!recent_.add({selected->decision.run, selected->decision.event})) {
        ++repeated_;  // its node, or another, did not hear that it is here
        return safe_ == written_ ? streams::kNoHold : hold_of(written_ - 1);
    }
    const streams::StreamMask streams = mask_of(selected->decision);
    switch (send(message, streams, arrival_ns)) {
        case streams::SendResult::delivered:
            return hold_of(written_ - 1);
        case streams::SendResult::full:
            held_.assign(message.begin(), message.end());
            held_streams_ = streams;
            ++waits_;
            return hold_of(written_);  // the next that is written
        case streams::SendResult::failed:
            break;
    }
    return streams::kNoHold;
}

streams::SendResult EventRecorder::send(std::span<const std::byte> message,
                                        streams::StreamMask streams,
                                        std::uint64_t now_ns) noexcept {
    const streams::SendResult result = output_.send(message, streams, now_ns);
    written_ += result == streams::SendResult::delivered ? 1 : 0;
    lost_ += result == streams::SendResult::failed ? 1 : 0;
    return result;
}

void EventRecorder::try_again(std::uint64_t now_ns) noexcept {
    if (!held_.empty() && send(held_, held_streams_, now_ns) != streams::SendResult::full) {
        held_.clear();
    }
}

void EventRecorder::give_up() noexcept {
    lost_ += held_.empty() ? 0 : 1;
    held_.clear();
}

void EventRecorder::settle_safe(streams::FragmentInput& input) noexcept {
    for (; safe_ < std::min(written_, output_.durable_count()); ++safe_) {
        input.settle(hold_of(safe_), streams::LinkLevel::durable);
    }
}

streams::StreamMask EventRecorder::mask_of(const streams::ReadDecision& decision) const {
    streams::StreamMask mask = 0;
    for (const auto& name : decision.stream_names) {
        const auto found = std::find(stream_names_.begin(), stream_names_.end(), name);
        if (found != stream_names_.end()) {
            mask |= streams::StreamMask{1} << (found - stream_names_.begin());
        }
    }
    return mask;
}

}  // namespace tamis::daemon
