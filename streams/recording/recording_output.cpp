#include "streams/recording/recording_output.hpp"

#include <array>
#include <bit>
#include <gsl/assert>
#include <utility>

#include "streams/recording/wire_scan.hpp"
#include "streams/recording/wire_schema.hpp"

namespace tamis::streams {

tl::expected<std::unique_ptr<RecordingOutput>, std::string> RecordingOutput::create(
    const RecordingOutputOptions& options) {
    Expects(!options.stream_names.empty() && options.stream_names.size() <= kMaxStreams);
    auto writer = McapWriter::create(options.path, options.container);
    if (!writer) {
        return tl::unexpected(std::move(writer.error()));
    }
    if (auto labelled = write_labels(**writer, options.labels, 0); !labelled) {
        return tl::unexpected(std::move(labelled.error()));
    }
    return std::unique_ptr<RecordingOutput>(new RecordingOutput(std::move(*writer), options));
}

RecordingOutput::RecordingOutput(std::unique_ptr<McapWriter> writer,
                                 const RecordingOutputOptions& options)
    : writer_(std::move(writer)),
      utc_minus_steady_ns_(options.utc_minus_steady_ns),
      flush_after_ns_(options.flush_after_ns) {
    const std::string encoding(kProtobufEncoding);
    const std::uint16_t schema =
        writer_->add_schema(std::string(kSelectedEventSchema), encoding, wire_descriptor_set());
    for (std::size_t stream = 0; stream < options.stream_names.size(); ++stream) {
        const std::uint16_t channel =
            writer_->add_channel(schema, options.stream_names[stream], encoding);
        Ensures(channel == stream);
        known_streams_ |= StreamMask{1} << stream;
    }
}

SendResult RecordingOutput::send(std::span<const std::byte> selected, StreamMask streams,
                                 std::uint64_t now_ns) noexcept {
    const auto head = scan_selected_event(selected);
    StreamMask wanted = streams & known_streams_;
    if (!head || wanted == 0) {
        return SendResult::failed;
    }
    std::array<McapMessage, kMaxStreams> messages;
    std::size_t count = 0;
    for (; wanted != 0; wanted &= wanted - 1) {
        McapMessage& message = messages[count++];
        message.channel_id = static_cast<std::uint16_t>(std::countr_zero(wanted));
        message.sequence = static_cast<std::uint32_t>(event_count_ + 1);
        message.log_time_ns = now_ns + utc_minus_steady_ns_;
        message.publish_time_ns =
            head->timestamp_ns != 0 ? head->timestamp_ns : message.log_time_ns;
        message.contents = selected;
    }
    const std::uint64_t file_bytes = writer_->file_bytes();
    switch (writer_->write(std::span(messages).first(count))) {
        case WriteStatus::written:
            break;
        case WriteStatus::no_space:
            return SendResult::full;
        case WriteStatus::failed:
            return SendResult::failed;
    }
    if (writer_->file_bytes() != file_bytes) {
        events_in_memory_ = 0;  // the call wrote the chunk before
    }
    oldest_ns_ = events_in_memory_ == 0 ? now_ns : oldest_ns_;
    ++events_in_memory_;
    ++event_count_;
    return SendResult::delivered;
}

std::size_t RecordingOutput::poll(std::uint64_t now_ns) noexcept {
    if (events_in_memory_ == 0 || now_ns - oldest_ns_ < flush_after_ns_) {
        return 0;
    }
    if (writer_->flush() != WriteStatus::written) {
        return 0;
    }
    return std::exchange(events_in_memory_, 0);
}

tl::expected<void, std::string> RecordingOutput::close(const RecordingLabels& labels,
                                                       std::uint64_t now_ns) {
    return finish_recording(*writer_, labels, now_ns + utc_minus_steady_ns_);
}

}  // namespace tamis::streams
