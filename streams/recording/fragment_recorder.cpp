#include "streams/recording/fragment_recorder.hpp"

#include <utility>

#include "streams/recording/wire_scan.hpp"
#include "streams/recording/wire_schema.hpp"

namespace tamis::streams {

tl::expected<std::unique_ptr<FragmentRecorder>, std::string> FragmentRecorder::create(
    const FragmentRecorderOptions& options) {
    McapWriterOptions container = options.container;
    container.key_index = KeyIndex::by_chunk;
    auto writer = McapWriter::create(options.path, container);
    if (!writer) {
        return tl::unexpected(std::move(writer.error()));
    }
    if (auto labelled = write_labels(**writer, options.labels, 0); !labelled) {
        return tl::unexpected(std::move(labelled.error()));
    }
    return std::unique_ptr<FragmentRecorder>(
        new FragmentRecorder(std::move(*writer), options.utc_minus_steady_ns));
}

FragmentRecorder::FragmentRecorder(std::unique_ptr<McapWriter> writer,
                                   std::uint64_t utc_minus_steady_ns)
    : writer_(std::move(writer)),
      utc_minus_steady_ns_(utc_minus_steady_ns),
      channel_(writer_->add_channel(
          writer_->add_schema(std::string(kFragmentSchema), std::string(kProtobufEncoding),
                              wire_descriptor_set()),
          std::string(kFragmentsTopic), std::string(kProtobufEncoding))) {}

// With the sequence of the next message.
McapMessage FragmentRecorder::message_of(std::span<const std::byte> fragment,
                                         std::uint64_t log_time_ns) const noexcept {
    const auto head = scan_fragment(fragment);
    McapMessage message;
    message.channel_id = channel_;
    message.sequence = sequence_ + 1;
    message.log_time_ns = log_time_ns;
    message.publish_time_ns =
        head && head->timestamp_ns != 0 ? head->timestamp_ns : message.log_time_ns;
    message.contents = fragment;
    if (head) {
        message.key = McapKey{head->run, head->event};
    }
    return message;
}

WriteStatus FragmentRecorder::write(std::span<const std::byte> fragment,
                                    std::uint64_t log_time_ns) noexcept {
    const WriteStatus status = writer_->write(message_of(fragment, log_time_ns));
    sequence_ += status == WriteStatus::written ? 1 : 0;
    return status;
}

WriteStatus FragmentRecorder::write_event(std::span<const std::vector<std::byte>> fragments,
                                          std::uint64_t log_time_ns) noexcept {
    const std::uint32_t before = sequence_;
    messages_.clear();
    for (const std::vector<std::byte>& fragment : fragments) {
        messages_.push_back(message_of(fragment, log_time_ns));
        ++sequence_;
    }
    const WriteStatus status = writer_->write(messages_);
    sequence_ = status == WriteStatus::written ? sequence_ : before;
    return status;
}

Hold FragmentRecorder::on_message(std::span<const std::byte> message,
                                  std::uint64_t arrival_ns) noexcept {
    const std::uint64_t log_time_ns = arrival_ns + utc_minus_steady_ns_;
    const WriteStatus status = held_.empty() ? write(message, log_time_ns) : WriteStatus::failed;
    if (status == WriteStatus::no_space) {
        held_.assign(message.begin(), message.end());
        held_log_time_ns_ = log_time_ns;
    }
    lost_count_ += status == WriteStatus::failed ? 1 : 0;
    return kNoHold;
}

void FragmentRecorder::on_refused(std::uint64_t /*arrival_ns*/) noexcept { ++refused_count_; }

WriteStatus FragmentRecorder::flush() noexcept {
    if (const WriteStatus status = writer_->flush(); status != WriteStatus::written) {
        return status;
    }
    if (held_.empty()) {
        return WriteStatus::written;
    }
    const WriteStatus status = write(held_, held_log_time_ns_);
    if (status == WriteStatus::written) {
        held_.clear();
        return writer_->flush();
    }
    return status;
}

tl::expected<void, std::string> FragmentRecorder::close(const RecordingLabels& labels,
                                                        std::uint64_t log_time_ns) {
    if (flush() != WriteStatus::written) {
        return tl::unexpected("recording not finished: " + writer_->error());
    }
    return finish_recording(*writer_, labels, log_time_ns);
}

}  // namespace tamis::streams
