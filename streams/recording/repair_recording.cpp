#include "streams/recording/repair_recording.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace tamis::streams {
namespace {

constexpr std::uint64_t kProgressMessages = 1024;

// One repair. Schemas and channels get new numbers, in the order in which messages need them.
class Repair {
 public:
    Repair(const RepairOptions& options, McapReader& reader, McapWriter& writer)
        : options_(options), reader_(reader), writer_(writer) {}

    bool copy(const McapMessage& message) {
        McapMessage copied = message;
        copied.channel_id = channel_of(message.channel_id);
        copied.key = options_.key_of ? options_.key_of(reader_, message) : std::nullopt;
        return is_written(writer_.write(copied));
    }
    // Channels without a message, then what lies beside the messages.
    bool copy_labels(RepairSummary& summary) {
        for (const auto& [id, channel] : reader_.seen().channels) {
            static_cast<void>(channel_of(id));
        }
        for (const McapMetadataIndex& index : reader_.seen().metadata) {
            const auto metadata = reader_.read_metadata(index);
            if (!metadata) {
                ++summary.lost_labels;
            } else if (!is_written(writer_.add_metadata(*metadata))) {
                return false;
            } else {
                ++summary.metadata;
            }
        }
        for (const McapAttachmentIndex& index : reader_.seen().attachments) {
            const auto contents = reader_.read_attachment(index);
            if (!contents) {
                ++summary.lost_labels;
            } else if (!is_written(
                           writer_.add_attachment({index.log_time_ns, index.create_time_ns,
                                                   index.name, index.media_type, *contents}))) {
                return false;
            } else {
                ++summary.attachments;
            }
        }
        return true;
    }
    static bool is_written(WriteStatus status) { return status == WriteStatus::written; }

 private:
    std::uint16_t channel_of(std::uint16_t id) {
        const auto known = channels_.find(id);
        if (known != channels_.end()) {
            return known->second;
        }
        const McapChannel& channel = *reader_.find_channel(id);
        const std::uint16_t made = writer_.add_channel(schema_of(channel.schema_id), channel.topic,
                                                       channel.message_encoding, channel.metadata);
        channels_.emplace(id, made);
        return made;
    }
    // A schema that was lost leaves its channels without one.
    std::uint16_t schema_of(std::uint16_t id) {
        const McapSchema* const schema = reader_.find_schema(id);
        if (schema == nullptr) {
            return 0;
        }
        const auto known = schemas_.find(id);
        if (known != schemas_.end()) {
            return known->second;
        }
        const std::uint16_t made =
            writer_.add_schema(schema->name, schema->encoding, schema->contents);
        schemas_.emplace(id, made);
        return made;
    }

    const RepairOptions& options_;
    McapReader& reader_;
    McapWriter& writer_;
    std::map<std::uint16_t, std::uint16_t> schemas_;
    std::map<std::uint16_t, std::uint16_t> channels_;
};

McapMetadata describe(const RepairOptions& options, const RepairSummary& summary) {
    return {"tamis.repair",
            {{"input", std::filesystem::path(options.input).filename().string()},
             {"state", std::string(to_string(summary.end))},
             {"reason", summary.end_reason},
             {"messages", std::to_string(summary.counts.messages)},
             {"damaged_chunks", std::to_string(summary.counts.damaged_chunks)},
             {"damaged_records", std::to_string(summary.counts.damaged_records)}}};
}

}  // namespace

tl::expected<RepairSummary, std::string> repair_recording(const RepairOptions& options) {
    auto reader = McapReader::open(options.input, options.limits);
    if (!reader) {
        return tl::unexpected(std::move(reader.error()));
    }
    McapWriterOptions container = options.container;
    container.profile = reader->header().profile;
    container.key_index = options.key_of ? KeyIndex::by_chunk : KeyIndex::none;
    auto writer = McapWriter::create(options.output, container);
    if (!writer) {
        return tl::unexpected(std::move(writer.error()));
    }
    Repair repair(options, *reader, **writer);
    bool is_good = true;
    while (const McapMessage* message = is_good ? reader->next() : nullptr) {
        is_good = repair.copy(*message);
        if (options.progress && reader->counts().messages % kProgressMessages == 0) {
            options.progress(reader->counts().messages);
        }
    }
    RepairSummary summary;
    summary.end = reader->end();
    summary.end_reason = reader->end_reason();
    summary.counts = reader->counts();
    is_good = is_good && repair.copy_labels(summary) &&
              Repair::is_written((*writer)->add_metadata(describe(options, summary))) &&
              Repair::is_written((*writer)->close());
    if (!is_good) {
        return tl::unexpected((*writer)->error() + "; what was written is in " +
                              (*writer)->written_path());
    }
    summary.output_bytes = (*writer)->file_bytes();
    return summary;
}

}  // namespace tamis::streams
