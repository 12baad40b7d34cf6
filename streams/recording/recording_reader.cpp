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

struct FileBegin {
    std::optional<FilePlace> place;
    std::string nothing;  // why the file holds no message, nor the place; empty: it holds some
};

// What a file says of its place: in its summary, or before its first message.
FileBegin read_begin(const std::string& path, const McapLimits& limits) {
    auto reader = McapReader::open(path, limits);
    if (!reader) {
        return {.place = {}, .nothing = reader.error()};
    }
    std::vector<McapMetadataIndex> metadata;
    bool has_message = true;
    if (const auto summary = reader->read_summary()) {
        metadata = summary->contents.metadata;
    } else {
        has_message = reader->next() != nullptr;
        metadata = reader->seen().metadata;
    }
    for (const McapMetadataIndex& index : metadata) {
        if (index.name == kFilePlaceMetadata) {
            const auto texts = reader->read_metadata(index);
            return {.place = texts ? parse_file_place(texts->texts) : std::nullopt, .nothing = {}};
        }
    }
    return {.place = {}, .nothing = has_message ? std::string() : reader->end_reason()};
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
    FileBegin first = read_begin(paths_[0], limits_);
    places_.push_back(std::move(first.place));
    std::string previous = name_of(paths_[0]);
    bool is_there = false;
    for (const std::uint32_t number : find_recording_files(path)) {
        if (number == 1) {
            is_there = true;
            continue;
        }
        const std::string next = recording_file(path, number);
        FileBegin begin = read_begin(next, limits_);
        if (!begin.nothing.empty()) {
            // Its writer died before it held anything; the file behind it names it.
            note(ReadEnd::torn, name_of(next) + ": " + begin.nothing);
            previous = name_of(next);
            continue;
        }
        if (!begin.place || begin.place->number != number) {
            continue;  // a file of another recording that happens to have such a name
        }
        check_predecessor(*begin.place, next, previous);
        previous = name_of(next);
        paths_.push_back(next);
        places_.push_back(std::move(begin.place));
    }
    if (!first.nothing.empty() && paths_.size() > 1) {
        note(is_there ? ReadEnd::torn : ReadEnd::damaged,
             name_of(paths_[0]) + (is_there ? ": " + first.nothing : " is missing"));
        paths_.erase(paths_.begin());
        places_.erase(places_.begin());
    }
    find_repetitions();
    for (const std::string& file : paths_) {
        std::error_code absent;
        auto bytes = fs::file_size(file, absent);
        bytes = absent ? fs::file_size(unfinished_path(file), absent) : bytes;
        total_bytes_ += absent ? 0 : bytes;
    }
}

void RecordingReader::check_predecessor(const FilePlace& place, const std::string& path,
                                        const std::string& previous) {
    if (place.predecessor != previous) {
        note(ReadEnd::damaged, place.predecessor + " is missing: " + name_of(path) + " follows it");
        return;
    }
    const auto crc = read_data_crc((fs::path(path).parent_path() / previous).string());
    if (place.predecessor_state == PredecessorState::closed && crc &&
        *crc != place.predecessor_data_crc) {
        note(ReadEnd::damaged, previous + " is not the file that " + name_of(path) +
                                   " follows (its data CRC is another)");
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
