// Exports to HDF5 that are broken off and go on from their checkpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "streams/recording/checkpoint_file.hpp"
#include "streams/recording/export_events.hpp"
#include "streams/recording/fragment_recorder.hpp"
#include "streams/recording/hdf5_tables.hpp"
#include "streams/recording/output_file.hpp"
#include "streams/wire.pb.h"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using testing::HasSubstr;
using tests::ScratchFolder;
namespace fs = std::filesystem;

const std::vector<TableColumn> kNumber = {{"number", ColumnType::u64}};

std::vector<std::byte> rows_of(const std::string& path, const std::string& table,
                               const std::vector<TableColumn>& columns) {
    const auto reader = Hdf5Reader::open(path);
    EXPECT_TRUE(reader) << reader.error();
    const auto shape = (*reader)->shape(table);
    EXPECT_EQ(shape.size(), 1U) << table;
    auto rows = (*reader)->read_rows(table, columns, 0, shape.empty() ? 0 : shape[0]);
    EXPECT_TRUE(rows) << rows.error();
    return rows.value_or(std::vector<std::byte>{});
}

void append_numbers(Hdf5Writer& writer, std::size_t table, std::uint64_t until) {
    TableRow row;
    while (writer.row_count(table) < until) {
        row.clear();
        row.put(writer.row_count(table) * 7);
        writer.append(table, row.bytes());
    }
}

// What a process that is killed leaves: whatever is in FILE.part, and the checkpoint.
void die(const std::string& path, std::unique_ptr<Hdf5Writer>& writer) {
    fs::rename(checkpoint_path(path), path + ".kept");
    writer.reset();
    fs::rename(path + ".kept", checkpoint_path(path));
    tests::write_text(unfinished_path(path), "neither here nor there");
}

TEST(Hdf5Resume, has_every_row_wherever_the_writer_died) {
    const ScratchFolder folder;
    const std::string path = folder.file("table.h5");
    auto writer = Hdf5Writer::create(path, false);
    ASSERT_TRUE(writer) << writer.error();
    std::size_t table = (*writer)->add_table("numbers", kNumber);
    // Within a chunk, at its end, behind it; each time some rows are lost.
    for (const std::uint64_t until : {1000U, 4096U, 8192U, 8193U, 20000U}) {
        append_numbers(**writer, table, until);
        ASSERT_TRUE((*writer)->checkpoint());
        append_numbers(**writer, table, until + 5000);
        ASSERT_NO_FATAL_FAILURE(die(path, *writer));
        writer = Hdf5Writer::resume(path);
        ASSERT_TRUE(writer) << writer.error();
        table = (*writer)->add_table("numbers", kNumber);
        EXPECT_EQ((*writer)->row_count(table), until);
    }
    append_numbers(**writer, table, 30'001);
    ASSERT_TRUE((*writer)->close());
    EXPECT_FALSE(fs::exists(checkpoint_path(path)));

    const std::string alone = folder.file("alone.h5");
    auto straight = Hdf5Writer::create(alone, false);
    ASSERT_TRUE(straight);
    append_numbers(**straight, (*straight)->add_table("numbers", kNumber), 30'001);
    ASSERT_TRUE((*straight)->close());
    EXPECT_EQ(rows_of(path, "numbers", kNumber), rows_of(alone, "numbers", kNumber));
}

TEST(Hdf5Resume, begins_where_no_checkpoint_was_made_and_refuses_a_damaged_one) {
    const ScratchFolder folder;
    const std::string path = folder.file("table.h5");
    tests::write_text(unfinished_path(path), "of an export that died early");
    const auto refused = Hdf5Writer::create(path, false);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("table.h5.part exists"));
    auto writer = Hdf5Writer::resume(path);
    ASSERT_TRUE(writer) << writer.error();
    EXPECT_EQ((*writer)->row_count((*writer)->add_table("numbers", kNumber)), 0U);
    ASSERT_TRUE((*writer)->close());
    const auto whole = Hdf5Writer::resume(path);
    ASSERT_FALSE(whole);
    EXPECT_THAT(whole.error(), HasSubstr("whole already"));

    const std::string other = folder.file("other.h5");
    tests::write_text(checkpoint_path(other), "no HDF5");
    const auto damaged = Hdf5Writer::resume(other);
    ASSERT_FALSE(damaged);
    EXPECT_THAT(damaged.error(), HasSubstr("other.h5.checkpoint is no HDF5 file, or damaged"));
}

TEST(Hdf5Resume, refuses_a_table_of_other_columns) {
    const ScratchFolder folder;
    const std::string path = folder.file("table.h5");
    auto writer = Hdf5Writer::create(path, false);
    ASSERT_TRUE(writer);
    append_numbers(**writer, (*writer)->add_table("numbers", kNumber), 10);
    ASSERT_TRUE((*writer)->checkpoint());
    ASSERT_NO_FATAL_FAILURE(die(path, *writer));
    writer = Hdf5Writer::resume(path);
    ASSERT_TRUE(writer);
    static_cast<void>((*writer)->add_table("numbers", {{"number", ColumnType::f32}}));
    EXPECT_THAT((*writer)->error(), HasSubstr("table numbers"));
    EXPECT_FALSE((*writer)->close());
}

// Events whose streams, paths and features are not the same in all.
class ResumedExport : public testing::Test {
 protected:
    void SetUp() override {
        record("selected.mcap", 0);
        record("other.mcap", 1);
        options_.input = folder_.file("selected.mcap");
        options_.output = folder_.file("out.h5");
        options_.derived_names = {"double"};
        options_.derive = [](const Event& event, std::vector<float>& numbers) {
            numbers = {2 * static_cast<float>(event.number)};
            return event.number % 3 != 0;
        };
        whole_ = options_;
        whole_.output = folder_.file("whole.h5");
        ASSERT_TRUE(export_events(whole_));
        break_off();
    }
    void record(const std::string& name, std::uint64_t shift) {
        RecordingOutputOptions recording = tests::run_options(folder_.file(name));
        recording.container.chunk_bytes = 100'000;
        recording.labels.metadata.push_back({"tamis.paths", {{"0", "first"}, {"1", "second"}}});
        auto output = RecordingOutput::create(recording);
        ASSERT_TRUE(output) << output.error();
        for (std::uint64_t event = 1; event <= kEvents; ++event) {
            const std::string selected = selected_event(event + shift);
            ASSERT_EQ((*output)->send(tests::bytes_of(selected), 1, event * 1000),
                      SendResult::delivered);
        }
        ASSERT_TRUE((*output)->close({}, kEvents * 1000));
    }
    static std::string selected_event(std::uint64_t event) {
        wire::SelectedEvent selected;
        wire::Decision& decision = *selected.mutable_decision();
        decision.set_run(7);
        decision.set_event(event);
        decision.set_outcome(wire::ACCEPTED);
        decision.add_streams(event < kFirstEvents ? "early" : event < 400 ? "late" : "physics");
        for (const std::uint32_t path : {0U, event % 2 == 0 ? 1U : 4U}) {
            if (path != 4 || event < kFirstEvents) {  // a path without a name
                decision.add_paths()->set_path(path);
                decision.mutable_paths(decision.paths_size() - 1)
                    ->set_score(static_cast<float>(event));
            }
        }
        wire::Fragment& fragment = *selected.add_fragments();
        fragment.set_run(7);
        fragment.set_event(event);
        fragment.set_payload_type(wire::FEATURES);
        wire::Features features;
        const bool is_wide = event < kFirstEvents || event == kEvents;
        features.set_schema(is_wide ? "three" : "two");
        for (int i = 0; i < (is_wide ? 3 : 2); ++i) {
            features.add_values(static_cast<float>(event) + static_cast<float>(i) / 4);
        }
        fragment.set_payload(features.SerializeAsString());
        return selected.SerializeAsString();
    }
    // The files as they are in the middle of an export.
    void break_off() {
        ExportOptions options = options_;
        options.checkpoint_after_ns = 0;
        const std::string copy = folder_.file("copy");
        options.progress = [&](const ExportProgress&) {
            if (!fs::exists(copy)) {
                ASSERT_TRUE(fs::exists(checkpoint_path(options.output)));
                fs::copy_file(checkpoint_path(options.output), copy);
            }
        };
        const auto summary = export_events(options);
        ASSERT_TRUE(summary) << summary.error();
        fs::rename(options.output, folder_.file("checkpointed.h5"));
        fs::rename(copy, checkpoint_path(options.output));
        tests::write_text(unfinished_path(options.output), "neither here nor there");
        options_.start = ExportStart::resume;
    }
    void expect_whole(const std::string& path) {
        const std::vector<TableColumn> path_columns = {{"accepted", ColumnType::u8},
                                                       {"score", ColumnType::f32}};
        for (const auto& [table, columns] :
             std::vector<std::pair<std::string, std::vector<TableColumn>>>{
                 {"events", {{"event", ColumnType::u64}, {"streams", ColumnType::u64}}},
                 {"derived", {{"double", ColumnType::f32}}},
                 {"features", {{"event_row", ColumnType::u64}, {"values", ColumnType::f32, 3}}},
                 {"paths/first", path_columns},
                 {"paths/second", path_columns},
                 {"paths/path_4", path_columns}}) {
            const auto rows = rows_of(path, table, columns);
            EXPECT_EQ(rows, rows_of(whole_.output, table, columns)) << table;
            const std::uint64_t expected = table == "features" ? kFirstEvents : kEvents;
            EXPECT_EQ(rows.size(), expected * row_bytes(columns)) << table;
        }
        const auto file = Hdf5Reader::open(path);
        for (const std::string text : {"streams", "outcomes", "feature_schema", "tamis_export"}) {
            EXPECT_EQ((*file)->text(text), (*Hdf5Reader::open(whole_.output))->text(text));
        }
    }
    static constexpr std::uint64_t kEvents = 6000;
    static constexpr std::uint64_t kFirstEvents = 200;  // before the checkpoint; unlike the others
    ScratchFolder folder_;
    ExportOptions options_;
    ExportOptions whole_;
};

TEST_F(ResumedExport, has_what_one_has_that_was_left_alone) {
    ASSERT_NO_FATAL_FAILURE(expect_whole(folder_.file("checkpointed.h5")));
    const auto refused = [&] {
        ExportOptions options = options_;
        options.start = ExportStart::refuse_existing;
        return export_events(options);
    }();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error(), HasSubstr("resume it"));
    const auto summary = export_events(options_);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_EQ(summary->event_count, kEvents);
    EXPECT_EQ(summary->resumed_count, 256U);
    ASSERT_NO_FATAL_FAILURE(expect_whole(options_.output));
    EXPECT_FALSE(fs::exists(unfinished_path(options_.output)));
    EXPECT_FALSE(fs::exists(checkpoint_path(options_.output)));
}

TEST_F(ResumedExport, says_when_no_copy_could_be_made_and_is_whole_nevertheless) {
    ExportOptions options = whole_;
    options.output = folder_.file("uncopied.h5");
    options.checkpoint_after_ns = 0;
    fs::create_directory(checkpoint_path(options.output) + ".new");
    const auto summary = export_events(options);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_GT(summary->failed_checkpoints, 0U);
    ASSERT_NO_FATAL_FAILURE(expect_whole(options.output));
    EXPECT_EQ(export_events(options_)->failed_checkpoints, 0U);
}

TEST_F(ResumedExport, is_refused_with_another_recording_or_other_options) {
    const auto error_of = [](const ExportOptions& options) {
        const auto summary = export_events(options);
        EXPECT_FALSE(summary);
        EXPECT_TRUE(fs::exists(checkpoint_path(options.output))) << "it can still be resumed";
        return summary ? std::string() : summary.error();
    };
    ExportOptions other = options_;
    other.input = folder_.file("other.mcap");
    EXPECT_THAT(error_of(other), HasSubstr("it is not what this export"));
    other = options_;
    other.selection.first_event = 2;
    EXPECT_THAT(error_of(other), HasSubstr("it is not what this export"));
    other = options_;
    other.derived_names.clear();
    other.derive = {};
    EXPECT_THAT(error_of(other), HasSubstr("it is not what this export"));
    other = options_;
    other.derived_names = {"triple"};
    EXPECT_THAT(error_of(other), HasSubstr("table derived"));
    ASSERT_TRUE(export_events(options_));
    ASSERT_NO_FATAL_FAILURE(expect_whole(options_.output));
}

}  // namespace
}  // namespace tamis::streams
