#include "daemon/commands/event_recorder.hpp"

#include <algorithm>

#include "streams/recording/recording_files.hpp"
#include "streams/recording/recording_reader.hpp"

namespace tamis::daemon {
namespace {

// What a recorder that died had written and not listed lies in its last file, or in the one before;
// behind them lies the new one.
constexpr std::size_t kFilesLookedAt = 3;

}  // namespace

tl::expected<void, std::string> EventRecorder::keep_list(const std::string& path) {
    auto list = streams::VerdictLedger::open(list_file(path), kRemembered,
                                             [this](const streams::Verdict& verdict) {
                                                 (void)recent_.add({verdict.run, verdict.event});
                                             });
    if (!list) {
        return tl::unexpected(list.error());
    }
    list_ = *std::move(list);
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
    return {};
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
    const streams::Verdict verdict{.run = selected->decision.run,
                                   .event = selected->decision.event,
                                   .outcome = selected->decision.outcome,
                                   .delivery = streams::VerdictDelivery::delivered,
                                   .streams = static_cast<std::uint16_t>(streams)};
    switch (send(message, streams, verdict, arrival_ns)) {
        case streams::SendResult::delivered:
            return hold_of(written_ - 1);
        case streams::SendResult::full:
            held_.assign(message.begin(), message.end());
            held_streams_ = streams;
            held_verdict_ = verdict;
            ++waits_;
            return hold_of(written_);  // the next that is written
        case streams::SendResult::failed:
            break;
    }
    return streams::kNoHold;
}

streams::SendResult EventRecorder::send(std::span<const std::byte> message,
                                        streams::StreamMask streams,
                                        const streams::Verdict& verdict,
                                        std::uint64_t now_ns) noexcept {
    const streams::SendResult result = output_.send(message, streams, now_ns);
    if (result == streams::SendResult::delivered) {
        ++written_;
        unlisted_.push_back(verdict);
    }
    lost_ += result == streams::SendResult::failed ? 1 : 0;
    return result;
}

void EventRecorder::try_again(std::uint64_t now_ns) noexcept {
    if (!held_.empty() &&
        send(held_, held_streams_, held_verdict_, now_ns) != streams::SendResult::full) {
        held_.clear();
    }
}

void EventRecorder::give_up() noexcept {
    lost_ += held_.empty() ? 0 : 1;
    held_.clear();
}

void EventRecorder::settle_safe(streams::FragmentInput& input) noexcept {
    const std::uint64_t safe = std::min(written_, output_.durable_count());
    while (listed_ < safe && (!list_ || list_->add(unlisted_.front()))) {
        unlisted_.pop_front();
        ++listed_;
    }
    if (list_ && !list_->flush()) {
        return;  // a full disk: again at the next call
    }
    for (; safe_ < listed_; ++safe_) {
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
