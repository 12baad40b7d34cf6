#include "streams/recording/looped_recording.hpp"

#include <algorithm>
#include <gsl/assert>
#include <utility>

namespace tamis::streams {

void EventShift::Span::learn(std::uint64_t number) {
    lowest = std::min(lowest, number);
    highest = std::max(highest, number);
}

void EventShift::Span::advance() { added += highest < lowest ? 0 : highest - lowest + 1; }

void EventShift::learn(const Fragment& fragment) {
    events_.learn(fragment.event);
    if (fragment.sequence != 0) {
        sequences_[fragment.source].learn(fragment.sequence);
    }
}

void EventShift::next_pass() {
    events_.advance();
    for (auto& [source, sequence] : sequences_) {
        sequence.advance();
    }
}

void EventShift::apply(Fragment& fragment) const {
    fragment.event += events_.added;
    const auto sequence = sequences_.find(fragment.source);
    if (fragment.sequence != 0 && sequence != sequences_.end()) {
        fragment.sequence += sequence->second.added;
    }
}

// Bytes that are no fragment pass through.
class LoopedRecording::Shifting final : public MessageSink {
 public:
    Shifting(LoopedRecording& loop, MessageSink& sink) : loop_(loop), sink_(sink) {}

    [[nodiscard]] bool is_ready() const noexcept override { return sink_.is_ready(); }
    Hold on_message(std::span<const std::byte> message,
                    std::uint64_t arrival_ns) noexcept override {
        auto fragment = loop_.decoder_.decode(message);
        if (!fragment) {
            return sink_.on_message(message, arrival_ns);
        }
        if (loop_.is_first_) {
            loop_.shift_.learn(*fragment);
            return sink_.on_message(message, arrival_ns);
        }
        loop_.shift_.apply(*fragment);
        encode_fragment(*fragment, fragment->crc32c ? Checksum::computed : Checksum::as_given,
                        loop_.shifted_);
        return sink_.on_message(std::as_bytes(std::span(loop_.shifted_)), arrival_ns);
    }
    void on_refused(std::uint64_t arrival_ns) noexcept override { sink_.on_refused(arrival_ns); }

 private:
    LoopedRecording& loop_;
    MessageSink& sink_;
};

tl::expected<std::unique_ptr<LoopedRecording>, std::string> LoopedRecording::open(
    const RecordingInputOptions& options, std::uint64_t passes) {
    Expects(passes >= 1);
    auto first = RecordingInput::open(options);
    if (!first) {
        return tl::unexpected(std::move(first.error()));
    }
    return std::unique_ptr<LoopedRecording>(
        new LoopedRecording(options, passes, *std::move(first)));
}

std::size_t LoopedRecording::poll(MessageSink& sink, std::uint64_t now_ns,
                                  std::size_t limit) noexcept {
    const bool is_alone = is_first_ && left_ == 0;
    Shifting shifting(*this, sink);
    MessageSink& taker = is_alone ? sink : static_cast<MessageSink&>(shifting);
    std::size_t handed = pass_->poll(taker, now_ns, limit);
    if (handed == 0 && limit > 0 && pass_->is_exhausted() && begin_next_pass()) {
        handed = pass_->poll(taker, now_ns, limit);
    }
    return handed;
}

bool LoopedRecording::is_exhausted() const noexcept { return pass_->is_exhausted() && left_ == 0; }

// False at the end, and when the file has gone meanwhile.
bool LoopedRecording::begin_next_pass() {
    if (left_ == 0) {
        return false;
    }
    auto next = RecordingInput::open(options_);
    if (!next) {
        left_ = 0;
        return false;
    }
    pass_ = *std::move(next);
    --left_;
    is_first_ = false;
    shift_.next_pass();
    return true;
}

}  // namespace tamis::streams
