#include "streams/recording/recording_output.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <gsl/assert>
#include <system_error>
#include <utility>

#include "streams/recording/output_file.hpp"
#include "streams/recording/wire_scan.hpp"
#include "streams/recording/wire_schema.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kGroupNs = 5'000'000;
constexpr std::uint64_t kGroupBytes = 4UL * 1024 * 1024;
constexpr std::uint64_t kIntervalBytes = 64UL * 1024 * 1024;
constexpr std::uint64_t kTryAgainNs = 100'000'000;

void remove_quietly(const std::string& path) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
}

StreamMask all_streams(std::size_t count) {
    return count == kMaxStreams ? ~StreamMask{0} : (StreamMask{1} << count) - 1;
}

// The recording's files as the options want them at its start; gives the place of the next one.
tl::expected<FilePlace, std::string> prepare_files(const RecordingOutputOptions& options) {
    const auto numbers = find_recording_files(options.path);
    if (options.existing == ExistingRecording::continue_with || numbers.empty()) {
        return find_next_place(options.path);
    }
    if (options.existing == ExistingRecording::refuse) {
        return tl::unexpected("cannot record to " + options.path + " (" +
                              recording_file(options.path, numbers.front()) +
                              " exists); choose another name or move its files away");
    }
    for (const std::uint32_t number : numbers) {
        remove_quietly(recording_file(options.path, number));
        remove_quietly(unfinished_path(recording_file(options.path, number)));
    }
    return FilePlace{};
}

}  // namespace

tl::expected<std::unique_ptr<RecordingOutput>, std::string> RecordingOutput::create(
    const RecordingOutputOptions& options) {
    Expects(!options.stream_names.empty() && options.stream_names.size() <= kMaxStreams);
    auto place = prepare_files(options);
    if (!place) {
        return tl::unexpected(std::move(place.error()));
    }
    std::unique_ptr<RecordingOutput> output(new RecordingOutput(options));
    output->place_ = std::move(*place);
    if (auto opened = output->open_file(0); !opened) {
        return tl::unexpected(std::move(opened.error()));
    }
    return output;
}

RecordingOutput::RecordingOutput(RecordingOutputOptions options)
    : options_(std::move(options)),
      commit_after_ns_(options_.durability == Durability::group_commit ? kGroupNs
                                                                       : options_.interval_ns),
      commit_after_bytes_(options_.durability == Durability::group_commit ? kGroupBytes
                                                                          : kIntervalBytes),
      known_streams_(all_streams(options_.stream_names.size())) {
    options_.container.existing = ExistingFile::refuse;
    options_.container.key_index = KeyIndex::by_chunk;
}

// Opens the file of place_ with its labels and the events that are not safe. An error leaves none.
tl::expected<void, std::string> RecordingOutput::open_file(std::uint64_t now_ns) {
    auto writer =
        McapWriter::create(recording_file(options_.path, place_.number), options_.container);
    if (!writer) {
        return tl::unexpected(std::move(writer.error()));
    }
    writer_ = std::move(*writer);
    const std::string encoding(kProtobufEncoding);
    const std::uint16_t schema =
        writer_->add_schema(std::string(kSelectedEventSchema), encoding, wire_descriptor_set());
    for (const std::string& name : options_.stream_names) {
        static_cast<void>(writer_->add_channel(schema, name, encoding));
    }
    RecordingLabels labels = options_.labels;
    place_.repeats_from = retained_.count() == 0
                              ? std::nullopt
                              : std::optional(static_cast<std::uint32_t>(retained_.at(0).number));
    labels.metadata.push_back(to_metadata(place_));
    auto labelled = write_labels(*writer_, labels, 0);
    if (labelled && write_again() != WriteStatus::written) {
        labelled = tl::unexpected(writer_->error());
    }
    if (!labelled) {
        remove_quietly(writer_->written_path());
        writer_.reset();
        return labelled;
    }
    note_handed_over(place_.repeats_from ? event_count_ : durable_count_);
    opened_ns_ = now_ns;
    committed_bytes_ = writer_->file_bytes();
    has_waiting_ = retained_.count() > 0;
    oldest_waiting_ns_ = now_ns;
    return {};
}

// What the file before may have lost.
WriteStatus RecordingOutput::write_again() {
    for (std::size_t index = 0; index < retained_.count(); ++index) {
        if (const WriteStatus status = write(retained_.at(index)); status != WriteStatus::written) {
            return status;
        }
    }
    return retained_.count() == 0 ? WriteStatus::written : writer_->flush();
}

WriteStatus RecordingOutput::write(const RetainedEvent& event) noexcept {
    std::array<McapMessage, kMaxStreams> messages;
    std::size_t count = 0;
    for (StreamMask left = event.streams; left != 0; left &= left - 1) {
        McapMessage& message = messages[count++];
        message.channel_id = static_cast<std::uint16_t>(std::countr_zero(left));
        message.sequence = static_cast<std::uint32_t>(event.number);
        message.log_time_ns = event.log_time_ns;
        message.publish_time_ns = event.publish_time_ns;
        message.contents = event.selected;
        message.key = event.key;
    }
    return writer_->write(std::span(messages).first(count));
}

SendResult RecordingOutput::send(std::span<const std::byte> selected, StreamMask streams,
                                 std::uint64_t now_ns) noexcept {
    const auto head = scan_selected_event(selected);
    const StreamMask wanted = streams & known_streams_;
    if (!head || wanted == 0) {
        return SendResult::failed;
    }
    if (!make_ready(now_ns) ||
        (retained_.count() > 0 && retained_.bytes() + selected.size() > options_.retained_bytes)) {
        return SendResult::full;
    }
    RetainedEvent event;
    event.number = event_count_ + 1;
    event.streams = wanted;
    event.log_time_ns = now_ns + options_.utc_minus_steady_ns;
    event.publish_time_ns = head->timestamp_ns != 0 ? head->timestamp_ns : event.log_time_ns;
    event.key = {head->run, head->event};
    event.selected = selected;
    const std::uint64_t bytes_before = writer_->file_bytes();
    const WriteStatus status = write(event);
    if (status != WriteStatus::written) {
        error_ = writer_->error();
        if (status == WriteStatus::failed) {
            seal(now_ns, writer_->error());
        }
        return SendResult::full;
    }
    if (writer_->file_bytes() != bytes_before) {
        note_handed_over(event_count_);  // the call wrote the chunk before
    }
    ++event_count_;
    retained_.add(event);
    if (!has_waiting_) {
        has_waiting_ = true;
        oldest_waiting_ns_ = now_ns;
    }
    commit(now_ns);
    return SendResult::delivered;
}

std::size_t RecordingOutput::poll(std::uint64_t now_ns) noexcept {
    const std::uint64_t before = durable_count_;
    if (!make_ready(now_ns)) {
        return 0;
    }
    if (has_waiting_ && now_ns - oldest_waiting_ns_ >= options_.flush_after_ns &&
        options_.durability == Durability::none) {
        const WriteStatus status = writer_->flush();
        if (status == WriteStatus::written) {
            note_handed_over(event_count_);
        } else if (status == WriteStatus::failed) {
            seal(now_ns, writer_->error());
        }
    }
    commit(now_ns);
    return static_cast<std::size_t>(durable_count_ - before);
}

// Events 1 to `number` are with the system.
void RecordingOutput::note_handed_over(std::uint64_t number) noexcept {
    if (options_.durability == Durability::none) {
        durable_count_ = number;
        retained_.release_up_to(number);
        has_waiting_ = number < event_count_;
    }
}

// Takes what the disk has done and goes to the next file where it is time to. False while no file
// takes events.
bool RecordingOutput::make_ready(std::uint64_t now_ns) noexcept {
    take_disk_result(now_ns);
    if (writer_ != nullptr) {
        const bool is_large =
            options_.file_bytes != 0 && writer_->file_bytes() >= options_.file_bytes;
        const bool is_old =
            options_.file_ns != 0 && opened_ns_ != 0 && now_ns - opened_ns_ >= options_.file_ns;
        opened_ns_ = opened_ns_ == 0 ? now_ns : opened_ns_;
        if ((is_large || is_old) && job_ == DiskJob::none) {
            begin_next_file(now_ns);
        }
    }
    if (writer_ == nullptr && job_ == DiskJob::none && now_ns >= next_try_ns_) {
        if (auto opened = open_file(now_ns); !opened) {
            error_ = std::move(opened.error());
            next_try_ns_ = now_ns + kTryAgainNs;
        }
    }
    return writer_ != nullptr;
}

void RecordingOutput::begin_next_file(std::uint64_t now_ns) noexcept {
    const WriteStatus status = writer_->finish();
    if (status == WriteStatus::no_space) {
        return;  // send() meets the same and says so
    }
    if (status == WriteStatus::failed) {
        seal(now_ns, writer_->error());
        return;
    }
    note_handed_over(event_count_);
    earlier_bytes_ += writer_->file_bytes();
    place_.predecessor =
        std::filesystem::path(recording_file(options_.path, place_.number)).filename().string();
    place_.predecessor_state = PredecessorState::closed;
    place_.predecessor_data_crc = writer_->data_crc();
    ++place_.number;
    closing_ = std::move(writer_);
    committed_count_ = event_count_;
    has_waiting_ = false;
    job_ = DiskJob::close;
    disk_.start_close(closing_->file());
    // Events of the old file that are not safe yet are the disk's job now, not the new file's.
    RetainedEvents not_safe = std::exchange(retained_, {});
    if (auto opened = open_file(now_ns); !opened) {
        error_ = std::move(opened.error());
        next_try_ns_ = now_ns + kTryAgainNs;
    }
    retained_ = std::move(not_safe);
}

// Starts the disk's next job when the oldest event has waited or enough bytes are there.
void RecordingOutput::commit(std::uint64_t now_ns) noexcept {
    if (options_.durability == Durability::none || writer_ == nullptr || !has_waiting_ ||
        job_ != DiskJob::none) {
        return;
    }
    const std::uint64_t bytes = writer_->file_bytes() + writer_->pending_bytes() - committed_bytes_;
    if (now_ns - oldest_waiting_ns_ < commit_after_ns_ && bytes < commit_after_bytes_) {
        return;
    }
    const WriteStatus status = writer_->flush();
    if (status != WriteStatus::written) {
        error_ = writer_->error();
        if (status == WriteStatus::failed) {
            seal(now_ns, writer_->error());
        }
        return;
    }
    committed_count_ = event_count_;
    committed_bytes_ = writer_->file_bytes();
    has_waiting_ = false;
    job_ = DiskJob::sync;
    disk_.start_sync(writer_->file());
}

void RecordingOutput::take_disk_result(std::uint64_t now_ns) noexcept {
    if (job_ == DiskJob::none || disk_.is_busy()) {
        return;
    }
    const DiskJob job = std::exchange(job_, DiskJob::none);
    if (sealed_ != nullptr) {
        sealed_.reset();  // the job ended; what it reached no longer matters
        closing_.reset();
        return;
    }
    if (disk_.result() != 0) {
        if (job == DiskJob::close) {
            seal(now_ns, closing_->error());
        } else {
            static_cast<void>(writer_->file().note_sync(disk_.result()));
            seal(now_ns, writer_->error());
        }
        return;
    }
    closing_.reset();
    durable_count_ = std::max(durable_count_, committed_count_);
    retained_.release_up_to(durable_count_);
}

// Gives the file up: everything that is not safe goes into the next one. Where the file before was
// still closing, that one too.
void RecordingOutput::seal(std::uint64_t now_ns, std::string why) noexcept {
    error_ = std::move(why);
    ++sealed_count_;
    place_.predecessor_state = PredecessorState::sealed;
    place_.predecessor_data_crc = 0;
    if (writer_ != nullptr) {
        earlier_bytes_ += writer_->file_bytes();
        place_.predecessor =
            std::filesystem::path(recording_file(options_.path, place_.number)).filename().string();
        ++place_.number;
        sealed_ = std::move(writer_);
    }
    if (job_ == DiskJob::none) {
        sealed_.reset();
        closing_.reset();
    }
    has_waiting_ = false;
    next_try_ns_ = now_ns;
}

std::uint64_t RecordingOutput::file_bytes() const noexcept {
    return earlier_bytes_ + (writer_ == nullptr ? 0 : writer_->file_bytes());
}

tl::expected<void, std::string> RecordingOutput::close(const RecordingLabels& labels,
                                                       std::uint64_t now_ns) {
    // A file that fails now gets one successor; if that fails too, so does the call.
    for (int tries = 0; tries < 2; ++tries) {
        disk_.wait();
        next_try_ns_ = now_ns;
        if (!make_ready(now_ns)) {
            continue;
        }
        disk_.wait();
        take_disk_result(now_ns);
        if (writer_ == nullptr) {
            continue;
        }
        auto closed = finish_recording(*writer_, labels, now_ns + options_.utc_minus_steady_ns);
        if (closed) {
            durable_count_ = event_count_;
            retained_.release_up_to(event_count_);
            return {};
        }
        if (writer_->file().is_usable()) {
            return closed;  // a full disk
        }
        seal(now_ns, closed.error());
    }
    return tl::unexpected("recording not finished, " + std::to_string(retained_.count()) +
                          " events are not safe: " + error_);
}

}  // namespace tamis::streams
