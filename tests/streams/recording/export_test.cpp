// Exports to HDF5, CSV and JSON lines, and their way back: the same fragments, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "streams/recording/export_events.hpp"
#include "streams/recording/import_events.hpp"
#include "streams/recording/mcap_reader.hpp"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/sample_run.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using testing::HasSubstr;

std::vector<std::string> fragments_of(const std::string& recording) {
    std::vector<std::string> fragments;
    auto reader = RecordingReader::open(recording);
    EXPECT_TRUE(reader) << reader.error();
    while (const McapMessage* message = reader ? reader->next() : nullptr) {
        fragments.emplace_back(reinterpret_cast<const char*>(message->contents.data()),
                               message->contents.size());
    }
    return fragments;
}

std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

class Export : public testing::Test {
 protected:
    ImportSummary import(const std::string& input, const std::string& output) {
        ImportOptions options;
        options.input = input;
        options.output = folder_.file(output);
        const auto summary = import_events(options);
        EXPECT_TRUE(summary) << summary.error();
        return summary.value_or(ImportSummary{});
    }
    ExportSummary export_to(const std::string& input, const std::string& output) {
        ExportOptions options;
        options.input = folder_.file(input);
        options.output = folder_.file(output);
        const auto summary = export_events(options);
        EXPECT_TRUE(summary) << summary.error();
        return summary.value_or(ExportSummary{});
    }
    // There and back by each format that holds whole events.
    void expect_round_trip(const std::string& input) {
        const ImportSummary first = import(input, "first.mcap");
        const auto expected = fragments_of(folder_.file("first.mcap"));
        ASSERT_EQ(expected.size(), first.event_count);
        for (const auto& [name, layout] : {std::pair("there.h5", ImportLayout::tamis_hdf5),
                                           std::pair("there.ndjson", ImportLayout::tamis_ndjson)}) {
            const ExportSummary exported = export_to("first.mcap", name);
            EXPECT_EQ(exported.event_count, first.event_count);
            EXPECT_EQ(exported.malformed_count, 0U);
            EXPECT_EQ(exported.end, ReadEnd::complete);
            const std::string back = std::string(name) + ".mcap";
            const ImportSummary again = import(folder_.file(name), back);
            EXPECT_EQ(again.layout, layout);
            EXPECT_EQ(again.bad_row_count, 0U);
            EXPECT_EQ(again.event_count, first.event_count);
            EXPECT_TRUE(fragments_of(folder_.file(back)) == expected) << name;
        }
    }
    static int run_python(const std::string& script) {
        return std::system(("/usr/bin/python3 -c \"" + script + "\"").c_str());
    }
    static bool has_h5py() { return run_python("import h5py, numpy") == 0; }
    // Twelve selected events with physics objects, the paths named.
    void record_selected() {
        RecordingOutputOptions options = tests::run_options(folder_.file("selected.mcap"));
        options.labels.metadata.push_back({"tamis.paths", {{"0", "first"}, {"1", "second"}}});
        auto output = RecordingOutput::create(options);
        ASSERT_TRUE(output) << output.error();
        ASSERT_NO_FATAL_FAILURE(tests::send_events(**output, 1, 12));
        ASSERT_TRUE((*output)->close({}, 20'000));
    }
    tests::ScratchFolder folder_;
};

class ExportData : public Export, public testing::WithParamInterface<const char*> {};

TEST_P(ExportData, comes_back_as_the_same_fragments) {
    const std::string path = std::string(TAMIS_DATA_DIR) + "/" + GetParam();
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "data not found at " << path;
    }
    expect_round_trip(path);
}

INSTANTIATE_TEST_SUITE_P(
    EachFile, ExportData,
    testing::Values("cms_ispy_run2012/events.ndjson.gz", "cms_heptutorial/events.ndjson.gz",
                    "atlas_opendata_4lep/events.ndjson", "cms_dilepton_csv/Zee_Run2011A.csv",
                    "cms_dilepton_csv/4mu_2012.csv", "atlas_neuralringer/run330203_rings.csv"),
    [](const auto& parameter) {
        std::string name = parameter.param;
        for (char& letter : name) {
            const bool is_plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
            letter = is_plain ? letter : '_';
        }
        return name;
    });

constexpr std::string_view kEvents =
    R"({"run":3,"event":8,"timestamp_ns":1000,"electrons":[],"muons":[],"jets":[],)"
    R"("met":{"pt":0.1,"phi":-3},"vertices":4294967295,"neutral_hadrons":2})"
    "\n"
    R"({"event":18446744073709551615,"electrons":[{"pt":1e-40,"eta":0.1,"phi":2,"charge":-1,)"
    R"("iso_charged":0,"iso_photon":0.25,"iso_neutral":3e38}],"muons":[],"jets":[]})"
    "\n"
    R"({"run":3,"event":9,"electrons":[],"muons":[],"jets":[],)"
    R"("features":{"schema":"any","values":[1,2.5,-3e-7]}})"
    "\n"
    R"({"run":3,"event":10,"electrons":[],"muons":[],"jets":[{"pt":1,"eta":2,"phi":3,"mass":4,)"
    R"("btag":0.6}]})"
    "\n"
    R"({"run":3,"event":11,"electrons":[],"muons":[],"jets":[],)"
    R"("features":{"schema":"any","values":[4,5,6]}})"
    "\n";

TEST_F(Export, keeps_every_number_and_every_kind_of_event) {
    tests::write_text(folder_.file("events.ndjson"), kEvents);
    expect_round_trip(folder_.file("events.ndjson"));
}

TEST_F(Export, bad_json_lines_are_named) {
    tests::write_text(folder_.file("events.ndjson"),
                      R"({"event":1,"electrons":[{"pt":"high"}],"muons":[],"jets":[]})"
                      "\n"
                      R"({"event":2,"electrons":[],"muons":{},"jets":[]})"
                      "\n"
                      R"({"event":3,"electrons":[],"muons":[],"jets":[]})"
                      "\n");
    const ImportSummary summary = import(folder_.file("events.ndjson"), "out.mcap");
    EXPECT_EQ(summary.event_count, 1U);
    ASSERT_EQ(summary.problems.size(), 2U);
    EXPECT_THAT(summary.problems[0], HasSubstr("events.ndjson:1: column electrons[0].pt"));
    EXPECT_THAT(summary.problems[1], HasSubstr("events.ndjson:2: column muons: not an array"));
}

TEST_F(Export, csv_has_a_row_an_event_with_named_columns) {
    ASSERT_NO_FATAL_FAILURE(record_selected());
    EXPECT_EQ(export_to("selected.mcap", "out.csv").event_count, 12U) << "copies are left out";
    const auto lines = lines_of(folder_.file("out.csv"));
    ASSERT_EQ(lines.size(), 13U);
    EXPECT_EQ(lines[0],
              "run,event,timestamp_ns,outcome,latency_ns,first.accepted,first.prescaled_away,"
              "first.score,first.threshold,second.accepted,second.prescaled_away,second.score,"
              "second.threshold");
    EXPECT_EQ(lines[3], "7,3,1600000000003000000,accepted,0,1,0,3.25,0.125,,,,");
}

TEST_F(Export, json_lines_have_the_decision) {
    ASSERT_NO_FATAL_FAILURE(record_selected());
    export_to("selected.mcap", "out.ndjson");
    const auto lines = lines_of(folder_.file("out.ndjson"));
    ASSERT_EQ(lines.size(), 12U);
    EXPECT_THAT(lines[4], HasSubstr(R"("event":5)"));
    EXPECT_THAT(lines[4], HasSubstr(R"("paths":{"first":{"accepted":true,"prescaled_away":false,)"
                                    R"("score":5.25,"threshold":0.125}})"));
}

TEST_F(Export, hdf5_opens_in_h5py_with_named_columns) {
    if (!has_h5py()) {
        GTEST_SKIP() << "not tested: /usr/bin/python3 has no h5py (Debian: python3-h5py)";
    }
    ASSERT_NO_FATAL_FAILURE(record_selected());
    ExportOptions options;
    options.input = folder_.file("selected.mcap");
    options.output = folder_.file("out.h5");
    options.derived_names = {"double", "half"};
    options.derive = [](const Event& event, std::vector<float>& numbers) {
        const auto number = static_cast<float>(event.number);
        numbers = {2 * number, number / 2};
        return event.number != 4;
    };
    ASSERT_TRUE(export_events(options));
    const std::string check =
        "import h5py, numpy as np\n"
        "f = h5py.File('" +
        options.output +
        "')\n"
        "e, p, d = f['events'][:], f['paths/first'][:], f['derived'][:]\n"
        "assert list(e['event']) == list(range(1, 13)) and set(e['run']) == {7}, e\n"
        "assert e['event'].dtype == np.uint64 and p['score'].dtype == np.float32\n"
        "assert f.attrs['outcomes'].decode().split(',')[e['outcome'][0]] == 'accepted'\n"
        "assert np.array_equal(p['score'], np.arange(1, 13) + 0.25), p\n"
        "assert p['accepted'].all() and len(f['paths/second']) == 12\n"
        "assert np.isnan(f['paths/second']['score']).all()\n"
        "assert d['double'][2] == 6 and d['half'][2] == 1.5 and np.isnan(d['half'][3])\n"
        "assert f['electrons'].dtype.names[:4] == ('event_row', 'pt', 'eta', 'phi')\n";
    EXPECT_EQ(run_python(check), 0);
}

TEST_F(Export, reads_the_particles_of_the_anomaly_detection_challenge) {
    if (!has_h5py()) {
        GTEST_SKIP() << "not tested: /usr/bin/python3 has no h5py (Debian: python3-h5py)";
    }
    const std::string file = folder_.file("background.h5");
    ASSERT_EQ(run_python("import h5py, numpy as np\n"
                         "x = np.zeros((5000, 19, 4))\n"
                         "x[:, 0] = [20, 0, 1.5, 1]\n"
                         "x[:, 1] = [30, -1, 2, 2]\n"
                         "x[:, 5] = [40, 1, -2, 3]\n"
                         "x[1::2, 6] = [41, 1, -2, 3]\n"
                         "x[:, 9] = [50, 2, 0.5, 4]\n"
                         "x[:, 10] = [45, 2.5, 0.25, 4]\n"
                         "x[7, 0, 0] = np.nan\n"
                         "f = h5py.File('" +
                         file +
                         "', 'w')\n"
                         "f.create_dataset('Particles', data=x, compression='gzip')\n"
                         "f['Particles_Names'] = np.array([b'Pt', b'Eta', b'Phi', b'Class'])\n"),
              0);
    const ImportSummary summary = import(file, "adc.mcap");
    EXPECT_EQ(summary.layout, ImportLayout::adc2021);
    EXPECT_EQ(summary.event_count, 4999U);
    ASSERT_EQ(summary.problems.size(), 1U);
    EXPECT_THAT(summary.problems[0], HasSubstr("background.h5:8: column Particles[0]: not finite"));
    auto events = RecordedEvents::open(folder_.file("adc.mcap"), {}, {});
    ASSERT_TRUE(events) << events.error();
    static_cast<void>(events->next());
    const auto second = events->next();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->contents.number, 2U);
    ASSERT_EQ(second->contents.muons.size(), 2U);
    EXPECT_EQ(second->contents.muons[1].pt, 41);
    ASSERT_EQ(second->contents.jets.size(), 2U);
    EXPECT_EQ(second->contents.jets[1].eta, 2.5);
    EXPECT_EQ(second->contents.electrons.at(0).phi, 2);
    EXPECT_EQ(second->contents.met_pt, 20);
}

TEST_F(Export, refuses_what_is_no_known_table) {
    tests::write_text(folder_.file("noise.h5"), std::string("\x89HDF\r\n\x1a\n", 8) + "noise");
    ImportOptions options;
    options.input = folder_.file("noise.h5");
    options.output = folder_.file("out.mcap");
    const auto noise = import_events(options);
    ASSERT_FALSE(noise);
    EXPECT_THAT(noise.error(), HasSubstr("no HDF5 file, or damaged"));
    ASSERT_NO_FATAL_FAILURE(record_selected());
    ExportOptions unknown;
    unknown.input = folder_.file("selected.mcap");
    unknown.output = folder_.file("out.xls");
    const auto extension = export_events(unknown);
    ASSERT_FALSE(extension);
    EXPECT_THAT(extension.error(), HasSubstr("choose .h5"));
    unknown.output = folder_.file("out.csv");
    tests::write_text(unknown.output, "precious");
    EXPECT_FALSE(export_events(unknown));
    EXPECT_EQ(lines_of(unknown.output), std::vector<std::string>{"precious"});
}

TEST_F(Export, goes_on_where_it_was_broken_off) {
    ASSERT_NO_FATAL_FAILURE(record_selected());
    for (const std::string name : {"out.csv", "out.ndjson"}) {
        export_to("selected.mcap", name);
        const std::string path = folder_.file(name);
        const auto whole = tests::read_bytes(path);
        for (const std::size_t size : {std::size_t(0), whole.size() / 3, whole.size() - 1}) {
            std::filesystem::remove(path);
            tests::write_text(path + ".part", {reinterpret_cast<const char*>(whole.data()), size});
            ExportOptions options;
            options.input = folder_.file("selected.mcap");
            options.output = path;
            EXPECT_FALSE(export_events(options)) << "the part is not overwritten";
            options.start = ExportStart::resume;
            const auto summary = export_events(options);
            ASSERT_TRUE(summary) << summary.error();
            EXPECT_EQ(summary->event_count, 12U);
            EXPECT_EQ(tests::read_bytes(path), whole) << name << " from byte " << size;
        }
    }
}

TEST_F(Export, an_import_goes_on_where_it_was_broken_off) {
    std::string text;
    for (int event = 1; event <= 3000; ++event) {
        text += R"({"event":)" + std::to_string(event) +
                R"(,"electrons":[],"muons":[],"jets":[],"met":{"pt":)" +
                std::to_string(event * 0.37) + R"(,"phi":1}})" + "\n";
    }
    tests::write_text(folder_.file("events.ndjson"), text);
    ImportOptions options;
    options.input = folder_.file("events.ndjson");
    options.output = folder_.file("out.mcap");
    options.split = ImportSplit::detectors;
    options.container.chunk_bytes = 5000;
    ASSERT_TRUE(import_events(options));
    const auto expected = fragments_of(options.output);
    ASSERT_EQ(expected.size(), 12'000U);
    const auto whole = tests::read_bytes(options.output);
    options.resumes = true;
    EXPECT_FALSE(import_events(options)) << "it is whole";
    // As the death of the import leaves it.
    std::filesystem::remove(options.output);
    tests::write_text(options.output + ".part",
                      {reinterpret_cast<const char*>(whole.data()), whole.size() / 2});
    const auto summary = import_events(options);
    ASSERT_TRUE(summary) << summary.error();
    EXPECT_GT(summary->resumed_count, 500U);
    EXPECT_LT(summary->resumed_count, 2500U);
    EXPECT_EQ(summary->event_count, 3000U);
    EXPECT_TRUE(fragments_of(options.output) == expected);
}

}  // namespace
}  // namespace tamis::streams
