#include "streams/recording/recording_reader.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "streams/recording/output_file.hpp"
#include "streams/recording/wire_scan.hpp"
#include "streams/recording/wire_schema.hpp"

namespace tamis::streams {
namespace {

namespace fs = std::filesystem;

// What a file says of its place: in its summary, or before its first message.
std::optional<FilePlace> read_place(const std::string& path, const McapLimits& limits) {
    auto reader = McapReader::open(path, limits);
    if (!reader) {
        return std::nullopt;
    }
    std::vector<McapMetadataIndex> metadata;
    if (const auto summary = reader->read_summary()) {
        metadata = summary->contents.metadata;
    } else {
        static_cast<void>(reader->next());
        metadata = reader->seen().metadata;
    }
    for (const McapMetadataIndex& index : metadata) {
        if (index.name == kFilePlaceMetadata) {
            const auto texts = reader->read_metadata(index);
            return texts ? parse_file_place(texts->texts) : std::nullopt;
        }
    }
    return std::nullopt;
}

std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

// Sequences rise over all files of a process; a distance also holds where 32 bits are used up.
bool is_before(std::uint32_t sequence, std::uint32_t other) {
    return static_cast<std::int32_t>(sequence - other) < 0;
}

ChunkSelection chunks_of(const RecordingSelection& selection) {
    ChunkSelection chunks{selection.from_ns, selection.until_ns, {}, selection.topics};
    if (selection.selects_events()) {
        chunks.keys = McapKeyRange{selection.run.value_or(0), selection.run.value_or(UINT32_MAX),
                                   selection.first_event, selection.last_event};
    }
    return chunks;
}

int severity(ReadEnd end) { return end == ReadEnd::damaged ? 2 : end == ReadEnd::torn ? 1 : 0; }

}  // namespace

tl::expected<RecordingReader, std::string> RecordingReader::open(
    std::string_view path, const RecordingSelection& selection, const McapLimits& limits) {
    RecordingReader reader(selection, limits);
    reader.find_files(path);
    if (auto opened = reader.open_file(); !opened) {
        return tl::unexpected(std::move(opened.error()));
    }
    if (auto checked = reader.check_topics(); !checked) {
        return tl::unexpected(std::move(checked.error()));
    }
    return reader;
}

void RecordingReader::find_files(std::string_view path) {
    paths_.emplace_back(path);
    places_.push_back(read_place(paths_[0], limits_));
    for (const std::uint32_t number : find_recording_files(path)) {
        if (number == 1) {
            continue;
        }
        const std::string next = recording_file(path, number);
        auto place = read_place(next, limits_);
        if (!place || place->number != number) {
            continue;  // a file of another recording that happens to have such a name
        }
        const std::string previous = name_of(paths_.back());
        if (place->predecessor != previous) {
            note(ReadEnd::damaged,
                 place->predecessor + " is missing: " + name_of(next) + " follows it");
        } else if (const auto crc = read_data_crc(paths_.back());
                   place->predecessor_state == PredecessorState::closed && crc &&
                   *crc != place->predecessor_data_crc) {
            note(ReadEnd::damaged, previous + " is not the file that " + name_of(next) +
                                       " follows (its data CRC is another)");
        }
        paths_.push_back(next);
        places_.push_back(std::move(place));
    }
    find_repetitions();
    for (const std::string& file : paths_) {
        std::error_code absent;
        auto bytes = fs::file_size(file, absent);
        bytes = absent ? fs::file_size(unfinished_path(file), absent) : bytes;
        total_bytes_ += absent ? 0 : bytes;
    }
}

tl::expected<void, std::string> RecordingReader::open_file() {
    auto opened = McapReader::open(paths_[index_], limits_);
    if (!opened) {
        return tl::unexpected(std::move(opened.error()));
    }
    file_ = std::make_unique<McapReader>(std::move(*opened));
    if (selection_ != RecordingSelection{}) {
        file_->select(chunks_of(selection_));
    }
    return {};
}

tl::expected<void, std::string> RecordingReader::check_topics() {
    const auto summary = file_->read_summary();
    if (!summary) {
        return {};
    }
    std::string known;
    std::vector<std::string_view> topics;
    for (const auto& [id, channel] : summary->contents.channels) {
        topics.push_back(channel.topic);
        known.append(known.empty() ? "" : ", ").append(channel.topic);
    }
    for (const std::string& topic : selection_.topics) {
        if (std::find(topics.begin(), topics.end(), topic) == topics.end()) {
            std::string error = file_->path();
            error.append(" has no stream \"").append(topic).append("\"; it has: ").append(known);
            return tl::unexpected(std::move(error));
        }
    }
    return {};
}

const McapMessage* RecordingReader::next() {
    while (!is_at_end_) {
        while (const McapMessage* message = file_->next()) {
            if (!is_repeated(*message) && is_selected(*message)) {
                return message;
            }
        }
        if (file_->end() != ReadEnd::complete) {
            note(file_->end(), file_->end_reason());
        }
        if (index_ + 1 == paths_.size()) {
            is_at_end_ = true;
            break;
        }
        earlier_bytes_ += file_->file_bytes();
        ++index_;
        if (auto opened = open_file(); !opened) {
            note(ReadEnd::damaged, opened.error());
            is_at_end_ = true;
        }
    }
    return nullptr;
}

// A file that repeats does so with everything from its first sequence on, and with what the disk
// may have spoilt in the files before it: those are read up to there.
void RecordingReader::find_repetitions() {
    repeated_from_.resize(paths_.size());
    for (std::size_t file = paths_.size() - 1; file > 0; --file) {
        const auto& later = places_[file];
        const auto& earlier = places_[file - 1];
        const std::uint32_t first = earlier ? earlier->first_number : 1;
        if (!later || later->first_number != first) {
            continue;  // another process, whose sequences begin again
        }
        std::optional<std::uint32_t> from = repeated_from_[file];
        if (later->repeats_from && (!from || is_before(*later->repeats_from, *from))) {
            from = later->repeats_from;
        }
        repeated_from_[file - 1] = from;
    }
}

bool RecordingReader::is_repeated(const McapMessage& message) {
    const auto& from = repeated_from_[index_];
    const bool is_repeated = from && !is_before(message.sequence, *from);
    repeated_count_ += is_repeated ? 1 : 0;
    return is_repeated;
}

bool RecordingReader::is_selected(const McapMessage& message) {
    if (message.log_time_ns < selection_.from_ns ||
        (message.log_time_ns >= selection_.until_ns && selection_.until_ns != UINT64_MAX)) {
        return false;
    }
    if (!selection_.topics.empty()) {
        const std::string& topic = file_->find_channel(message.channel_id)->topic;
        if (std::find(selection_.topics.begin(), selection_.topics.end(), topic) ==
            selection_.topics.end()) {
            return false;
        }
    }
    if (!selection_.selects_events()) {
        return true;
    }
    const auto event = find_event(*file_, message);
    return event && (!selection_.run || *selection_.run == event->run) &&
           event->event >= selection_.first_event && event->event <= selection_.last_event;
}

ReadEnd RecordingReader::end() const noexcept { return is_at_end_ ? worst_ : ReadEnd::reading; }

void RecordingReader::note(ReadEnd end, const std::string& reason) {
    worst_ = severity(end) > severity(worst_) ? end : worst_;
    const std::string file = paths_.size() > 1 && file_ ? name_of(file_->path()) + ": " : "";
    end_reason_ += (end_reason_.empty() ? "" : "; ") + file + reason;
}

std::optional<MessageEvent> find_event(const McapReader& file, const McapMessage& message) {
    const McapChannel* const channel = file.find_channel(message.channel_id);
    const McapSchema* const schema =
        channel == nullptr ? nullptr : file.find_schema(channel->schema_id);
    if (schema == nullptr) {
        return std::nullopt;
    }
    if (schema->name == kFragmentSchema) {
        const auto head = scan_fragment(message.contents);
        return head ? std::optional(MessageEvent{head->run, head->event}) : std::nullopt;
    }
    if (schema->name == kSelectedEventSchema) {
        const auto head = scan_selected_event(message.contents);
        return head ? std::optional(MessageEvent{head->run, head->event}) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace tamis::streams
