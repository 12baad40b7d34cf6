#include "streams/recording/recording_input.hpp"

#include <utility>

#include "streams/recording/wire_schema.hpp"

namespace tamis::streams {

tl::expected<std::unique_ptr<RecordingInput>, std::string> RecordingInput::open(
    const RecordingInputOptions& options) {
    auto reader = RecordingReader::open(options.path, options.selection, options.limits);
    if (!reader) {
        return tl::unexpected(std::move(reader.error()));
    }
    return std::unique_ptr<RecordingInput>(new RecordingInput(std::move(*reader), options));
}

RecordingInput::RecordingInput(RecordingReader reader, const RecordingInputOptions& options)
    : reader_(std::move(reader)), options_(options), pace_(options.pace) {}

std::size_t RecordingInput::poll(MessageSink& sink, std::uint64_t now_ns,
                                 std::size_t limit) noexcept {
    const bool is_paced = options_.pace.pace != Pace::as_fast_as_possible;
    std::size_t handed = 0;
    while (handed < limit && sink.is_ready()) {
        if (!fragment_ && !load(now_ns)) {
            break;
        }
        if (is_paced && due_ns_ > now_ns) {
            break;
        }
        sink.on_message(*fragment_, is_paced ? due_ns_ : now_ns);
        fragment_.reset();
        ++counts_.fragments;
        ++handed;
    }
    return handed;
}

std::optional<std::uint64_t> RecordingInput::next_due_ns() const noexcept {
    return fragment_ ? std::optional(due_ns_) : std::nullopt;
}

// Reads on to the next fragment; false at the end.
bool RecordingInput::load(std::uint64_t now_ns) noexcept {
    for (;;) {
        std::span<const std::byte> bytes;
        while (in_selected_) {
            const SelectedEventScan::Part part = selected_.next(bytes);
            if (part == SelectedEventScan::Part::fragment) {
                fragment_ = bytes;
                return true;
            }
            in_selected_ = part == SelectedEventScan::Part::decision;
        }
        const McapMessage* const message = is_exhausted_ ? nullptr : reader_.next();
        if (message == nullptr) {
            is_exhausted_ = true;
            return false;
        }
        switch (classify(message->channel_id)) {
            case Channel::unrelated:
                ++counts_.unrelated_messages;
                break;
            case Channel::selected_events:
                open_selected(*message, now_ns);
                break;
            case Channel::fragments:
                // Bytes that are no fragment are handed on too: the builder counts them.
                if (!is_in_time(message->log_time_ns)) {
                    break;
                }
                set_due(now_ns, scan_fragment(message->contents).value_or(FragmentHead{}),
                        message->log_time_ns);
                fragment_ = message->contents;
                return true;
        }
    }
}

void RecordingInput::open_selected(const McapMessage& message, std::uint64_t now_ns) noexcept {
    const auto head = scan_selected_event(message.contents);
    if (!head) {
        ++counts_.malformed_messages;
        return;
    }
    if (last_event_ && last_event_->run == head->run && last_event_->event == head->event) {
        ++counts_.repeated_events;
        return;
    }
    if (!is_in_time(message.publish_time_ns)) {
        return;
    }
    ++counts_.selected_events;
    set_due(now_ns, {head->run, head->event, head->timestamp_ns}, message.publish_time_ns);
    selected_ = SelectedEventScan(message.contents);
    in_selected_ = true;
}

RecordingInput::Channel RecordingInput::classify(std::uint16_t channel_id) {
    if (file_index_ != reader_.file_index()) {
        file_index_ = reader_.file_index();
        channels_.clear();
    }
    const auto known = channels_.find(channel_id);
    if (known != channels_.end()) {
        return known->second;
    }
    const McapChannel& channel = *reader_.file().find_channel(channel_id);
    const McapSchema* const schema = reader_.file().find_schema(channel.schema_id);
    Channel kind = Channel::unrelated;
    if (schema != nullptr && schema->name == kFragmentSchema) {
        kind = Channel::fragments;
    } else if (schema != nullptr && schema->name == kSelectedEventSchema) {
        kind = Channel::selected_events;
    }
    channels_.emplace(channel_id, kind);
    return kind;
}

bool RecordingInput::is_in_time(std::uint64_t recorded_ns) noexcept {
    const std::uint64_t first_ns = first_recorded_ns_.value_or(recorded_ns);
    first_recorded_ns_ = first_ns;
    const std::uint64_t since_ns = recorded_ns > first_ns ? recorded_ns - first_ns : 0;
    const bool is_inside = since_ns >= options_.from_ns && since_ns <= options_.to_ns;
    counts_.outside_times += is_inside ? 0 : 1;
    return is_inside;
}

void RecordingInput::set_due(std::uint64_t now_ns, const FragmentHead& event,
                             std::uint64_t recorded_ns) noexcept {
    if (!last_event_) {
        pace_.start(now_ns, recorded_ns);
    } else if (last_event_->run != event.run || last_event_->event != event.event) {
        ++event_index_;
    }
    last_event_ = event;
    due_ns_ = pace_.due_ns(event_index_, recorded_ns);
}

}  // namespace tamis::streams
