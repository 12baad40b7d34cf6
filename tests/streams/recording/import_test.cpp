// Importing the files of other experiments: first by small samples of each layout, made here, then
// the files themselves where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>

#include "streams/fragment.hpp"
#include "streams/recording/import_events.hpp"
#include "streams/recording/recording_input.hpp"
#include "streams/wire.pb.h"
#include "tests/streams/recording/sample_events.hpp"
#include "tests/streams/recording/sample_recording.hpp"
#include "tests/streams/recording/scratch_folder.hpp"

namespace tamis::streams {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;

struct Imported {
    ImportSummary summary;
    std::vector<wire::Fragment> fragments;

    wire::PhysicsObjects objects(std::size_t index) const {
        wire::PhysicsObjects message;
        EXPECT_TRUE(message.ParseFromString(fragments.at(index).payload()));
        return message;
    }
    wire::CalorimeterClusters clusters(std::size_t index) const {
        wire::CalorimeterClusters message;
        EXPECT_TRUE(message.ParseFromString(fragments.at(index).payload()));
        return message;
    }
};

class Import : public testing::Test {
 protected:
    ImportOptions options(const std::string& input) const {
        ImportOptions result;
        result.input = input;
        result.output = folder_.file("imported.mcap");
        result.container.existing = ExistingFile::replace;
        return result;
    }

    std::string sample(const std::string& name, std::string_view text) const {
        tests::write_text(folder_.file(name), text);
        return folder_.file(name);
    }

    // The import's result, after reading the recording back through decoder and checksum.
    Imported import(const ImportOptions& import_options) const {
        Imported imported;
        const auto summary = import_events(import_options);
        EXPECT_TRUE(summary) << summary.error();
        if (!summary) {
            return imported;
        }
        imported.summary = *summary;
        RecordingInputOptions input_options;
        input_options.path = import_options.output;
        auto input = RecordingInput::open(input_options);
        EXPECT_TRUE(input) << input.error();
        tests::CollectingSink sink;
        while (!(*input)->is_exhausted()) {
            (*input)->poll(sink, 0, 10'000);
        }
        EXPECT_EQ((*input)->reader().end(), ReadEnd::complete);
        EXPECT_EQ(sink.messages.size(), summary->fragment_count);
        const FragmentDecoder decoder;
        for (const std::string& message : sink.messages) {
            EXPECT_TRUE(decoder.decode(tests::bytes_of(message)));
            EXPECT_TRUE(imported.fragments.emplace_back().ParseFromString(message));
            EXPECT_TRUE(imported.fragments.back().has_crc32c());
        }
        return imported;
    }

    std::string refused(const ImportOptions& import_options) const {
        const auto summary = import_events(import_options);
        EXPECT_FALSE(summary);
        EXPECT_FALSE(std::filesystem::exists(import_options.output + ".part"));
        return summary ? "" : summary.error();
    }

    tests::ScratchFolder folder_;
};

constexpr std::string_view kIspy =
    R"({"dataset":"MET_0","run":202209,"event":21233479,"time":"2012-Sep-04 12:43:08.523684 GMT",)"
    R"("met":[83.4,-1.46],"nvtx":27,"jets":[[145.176,0.375,1.727],[92.08,-3.13,-1.26]],)"
    R"("ele":[[20,1.0,3.1,-1]],"pho":[],"mu":[[30,-0.5,0.2,1]],"tkmu":[],)"
    R"("tracks":[[19,1.001,3.1,-1],[4,1.1,-3.1,1],[29,-0.5,0.2,1],[7,0,-2,1],[1,-0.5,0.6,1]]})"
    "\n";

TEST_F(Import, reads_cms_ispy_events) {
    const Imported imported = import(options(sample("events.ndjson", kIspy)));
    EXPECT_EQ(imported.summary.layout, ImportLayout::cms_ispy);
    ASSERT_EQ(imported.fragments.size(), 1U);
    const wire::Fragment& fragment = imported.fragments[0];
    EXPECT_EQ(fragment.run(), 202209U);
    EXPECT_EQ(fragment.event(), 21233479U);
    EXPECT_EQ(fragment.source(), kTrackerSource);
    EXPECT_EQ(fragment.sequence(), 1U);
    EXPECT_EQ(fragment.timestamp_ns(), 1'346'762'588'523'684'000ULL);
    const wire::PhysicsObjects objects = imported.objects(0);
    EXPECT_THAT(objects.jet_pt(), ElementsAre(145.176F, 92.08F));
    EXPECT_THAT(objects.jet_btag(), ElementsAre(0, 0));
    EXPECT_THAT(objects.electron_charge(), ElementsAre(-1));
    EXPECT_THAT(objects.electron_iso_charged(), ElementsAre(FloatNear(4.0F / 20, 1e-6F)))
        << "the own track is left out, the one across phi = pi is not";
    EXPECT_THAT(objects.muon_iso_charged(), ElementsAre(0));
    EXPECT_EQ(objects.charged_hadrons(), 3U);
    EXPECT_EQ(objects.vertices(), 27U);
    EXPECT_EQ(objects.met_pt(), 83.4F);
}

TEST_F(Import, reads_gzip) {
    const std::string path = folder_.file("events.ndjson.gz");
    gzFile file = gzopen(path.c_str(), "wb");
    ASSERT_EQ(gzwrite(file, kIspy.data(), kIspy.size()), static_cast<int>(kIspy.size()));
    gzclose(file);
    EXPECT_EQ(import(options(path)).summary.event_count, 1U);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    EXPECT_THAT(refused(options(path)), HasSubstr("cannot read " + path));
}

TEST_F(Import, reads_heptutorial_events) {
    const Imported imported = import(options(
        sample("events.ndjson",
               R"({"proc":"zz","met":[3,-4],"npv":18,"trig":1,"w":0.1,)"
               R"("jet":[[-30,40,0,60,-1,1],[1,1,1,5,2,0],[0,50,50,80,1.74,1],[0,50,50,80,3,1]],)"
               R"("mu":[[3,4,12,13,1,2.5]],"el":[],"ph":[]})"
               "\n")));
    EXPECT_EQ(imported.summary.layout, ImportLayout::cms_heptutorial);
    EXPECT_EQ(imported.fragments.at(0).run(), 1U);
    EXPECT_EQ(imported.fragments.at(0).event(), 1U);
    EXPECT_EQ(imported.fragments.at(0).timestamp_ns(), 0U);
    const wire::PhysicsObjects objects = imported.objects(0);
    EXPECT_FLOAT_EQ(objects.met_pt(), 5);
    EXPECT_FLOAT_EQ(objects.met_phi(), std::atan2(-4.0F, 3.0F));
    EXPECT_THAT(objects.jet_pt(), ElementsAre(50, 50, 50)) << "without the noise jet";
    EXPECT_FLOAT_EQ(objects.jet_mass(0), std::sqrt(1100.0F));
    EXPECT_FLOAT_EQ(objects.jet_eta(1), std::asinh(1.0F));
    EXPECT_EQ(objects.jet_btag(0), 0);
    EXPECT_EQ(objects.jet_btag(1), 0.5F);
    EXPECT_GT(objects.jet_btag(2), 0.5F);
    EXPECT_FLOAT_EQ(objects.muon_pt(0), 5);
    EXPECT_FLOAT_EQ(objects.muon_iso_charged(0), 0.5F);
    EXPECT_EQ(objects.vertices(), 18U);
}

TEST_F(Import, reads_atlas_four_lepton_events) {
    const Imported imported = import(options(
        sample("events.ndjson",
               R"({"period":"A","run":298773,"event":-1642795533,"met":[62185,-0.77],"lep":)"
               R"([[40000,1.5,1.0,94000,1,11,4000,-900,1],[20000,0,-2,20000,-1,13,0,5000,0]],)"
               R"("jet":[[30000,0,1,50000,0.9],[30000,0,1,30000,-1]],"pho":[],"tau":[]})"
               "\n")));
    EXPECT_EQ(imported.summary.layout, ImportLayout::atlas_4lep);
    EXPECT_EQ(imported.fragments.at(0).event(), 2652171763U) << "stored as a signed number";
    const wire::PhysicsObjects objects = imported.objects(0);
    EXPECT_THAT(objects.electron_pt(), ElementsAre(40));
    EXPECT_THAT(objects.electron_iso_charged(), ElementsAre(FloatNear(0.1F, 1e-6F)));
    EXPECT_THAT(objects.electron_iso_neutral(), ElementsAre(0)) << "negative cones give 0";
    EXPECT_THAT(objects.muon_pt(), ElementsAre(20));
    EXPECT_THAT(objects.muon_charge(), ElementsAre(-1));
    EXPECT_THAT(objects.muon_iso_neutral(), ElementsAre(0.25F));
    EXPECT_THAT(objects.jet_mass(), ElementsAre(FloatNear(40, 1e-4F), 0));
    EXPECT_GT(objects.jet_btag(0), 0.5F);
    EXPECT_EQ(objects.jet_btag(1), 0);
    EXPECT_FLOAT_EQ(objects.met_pt(), 62.185F);
}

TEST_F(Import, reads_four_leptons_from_csv) {
    std::string header = "Run,Event";
    for (const std::string n : {"1", "2", "3", "4"}) {
        for (const std::string name : {"PID", "pt", "eta", "phi", "Q"}) {
            header.append(",").append(name).append(n);
        }
    }
    const Imported imported = import(options(
        sample("2e2mu.csv", header + "\r\n196453,1259337833,11,101.777,-1.05,1.74,-1,-11,26.7,0.55,"
                                     "2.1,1,13,35.7,-1.6,-1.4,-1,-13,33.3,0.1,0.5,1\r\n")));
    EXPECT_EQ(imported.summary.layout, ImportLayout::cms_four_lepton);
    const wire::PhysicsObjects objects = imported.objects(0);
    EXPECT_THAT(objects.electron_pt(), ElementsAre(101.777F, 26.7F));
    EXPECT_THAT(objects.muon_charge(), ElementsAre(-1, 1));
    EXPECT_EQ(objects.met_pt(), 0);
}

TEST_F(Import, joins_all_pairs_of_an_event_to_its_leptons) {
    const Imported imported = import(options(sample(
        "Zmumu.json",
        R"([{"EvNo":"5","RunNo":"1","Type":"GT","pt1":"40","eta1":"1","phi1":"0","Q1":"1","pt2":"30","eta2":"0","phi2":"3","Q2":"-1"},)"
        "\n"
        R"({"EvNo":"EvNo","RunNo":"RunNo","Type":"Type","pt1":"pt1","eta1":"eta1","phi1":"phi1","Q1":"Q1","pt2":"pt2","eta2":"eta2","phi2":"phi2","Q2":"Q2"},)"
        "\n"
        R"({"EvNo":"5","RunNo":"1","Type":"TT","pt1":"30","eta1":"0","phi1":"3","Q1":"-1","pt2":"2","eta2":"0","phi2":"1","Q2":"1"},)"
        "\n"
        R"({"EvNo":"6","RunNo":"1","Type":"GG","pt1":"40","eta1":"1","phi1":"0","Q1":"1","pt2":"30","eta2":"0","phi2":"3","Q2":"-1"}])")));
    EXPECT_EQ(imported.summary.layout, ImportLayout::cms_dimuon);
    EXPECT_EQ(imported.summary.event_count, 2U);
    EXPECT_THAT(imported.objects(0).muon_pt(), ElementsAre(40, 30, 2));
    EXPECT_THAT(imported.objects(1).muon_pt(), ElementsAre(40, 30));
    EXPECT_THAT(imported.summary.problems,
                ElementsAre(HasSubstr("Zmumu.json:2: column RunNo: \"RunNo\" is no integer")));
}

TEST_F(Import, needs_a_name_to_tell_the_lepton_of_a_w) {
    constexpr std::string_view kRow =
        R"([{"E":"51","EvNo":"144394830","MET":"26.2","Q":"1","RunNo":"146944","eta":"1.3","phi":"-0.009","phiMET":"2.6","pt":"25.7"}])";
    EXPECT_EQ(import(options(sample("Wenu.json", kRow))).objects(0).electron_pt_size(), 1);
    EXPECT_EQ(import(options(sample("Wmunu.json", kRow))).objects(0).muon_pt_size(), 1);
    ImportOptions unnamed = options(sample("w.json", kRow));
    EXPECT_THAT(refused(unnamed), HasSubstr("does not say which lepton"));
    unnamed.layout = ImportLayout::cms_w_muon;
    EXPECT_FLOAT_EQ(import(unnamed).objects(0).met_pt(), 26.2F);
}

std::string ring_table(const std::string& rows) {
    std::string text = "RunNumber,EventNumber,avgmu,l2_et_mev,l2_eta,l2_phi,lhtight";
    for (int ring = 0; ring < 100; ++ring) {
        text.append(",ring").append(std::to_string(ring));
    }
    return text + "\n" + rows;
}

std::string ring_row(const std::string& event, double et_mev) {
    std::string text = "330203," + event + ",20.36," + std::to_string(et_mev) + ",1.43,-1.6,";
    for (int ring = 0; ring < 100; ++ring) {
        text.append(",").append(std::to_string(ring * 1000 - 500));
    }
    return text + "\n";
}

TEST_F(Import, reads_the_probes_of_an_event_as_its_clusters) {
    const Imported imported = import(options(
        sample("rings.csv",
               ring_table(ring_row("7", 40'000) + ring_row("7", 20'000) + ring_row("8", 30'000)))));
    EXPECT_EQ(imported.summary.layout, ImportLayout::atlas_rings);
    ASSERT_EQ(imported.fragments.size(), 2U);
    EXPECT_EQ(imported.fragments[0].source(), kCalorimeterSource);
    EXPECT_EQ(imported.fragments[0].payload_type(), wire::CALORIMETER_CLUSTERS);
    const wire::CalorimeterClusters clusters = imported.clusters(0);
    EXPECT_THAT(clusters.et(), ElementsAre(40, 20));
    ASSERT_EQ(clusters.rings_size(), 200);
    EXPECT_FLOAT_EQ(clusters.rings(100), -0.5F);
    EXPECT_FLOAT_EQ(clusters.rings(199), 98.5F);
    EXPECT_FLOAT_EQ(clusters.average_mu(), 20.36F);
    EXPECT_EQ(imported.fragments[1].event(), 8U);
}

TEST_F(Import, splits_an_event_over_four_detectors) {
    ImportOptions split = options(sample("events.ndjson", kIspy));
    split.split = ImportSplit::detectors;
    const Imported imported = import(split);
    ASSERT_EQ(imported.fragments.size(), 4U);
    wire::PhysicsObjects merged;
    for (std::size_t index = 0; index < 4; ++index) {
        EXPECT_EQ(imported.fragments[index].source(), index + 1);
        EXPECT_EQ(imported.fragments[index].sequence(), 1U);
        if (imported.fragments[index].payload_type() == wire::PHYSICS_OBJECTS) {
            merged.MergeFrom(imported.objects(index));
        }
    }
    const Imported whole = import(options(folder_.file("events.ndjson")));
    EXPECT_EQ(merged.SerializeAsString(), whole.objects(0).SerializeAsString());
}

TEST_F(Import, names_file_line_and_column_of_a_bad_row) {
    const std::string good(kIspy);
    std::string bad_number = good;
    bad_number.replace(bad_number.find("145.176"), 7, "\"much\"");
    const std::string path = sample(
        "events.ndjson", good + "{\"run\":1\n" + bad_number + "[]\n\n" + good + "{\"run\":1}\n");
    ImportOptions lenient = options(path);
    lenient.layout = ImportLayout::cms_ispy;
    const Imported imported = import(lenient);
    EXPECT_EQ(imported.summary.event_count, 1U);
    EXPECT_EQ(imported.summary.bad_row_count, 5U);
    EXPECT_THAT(imported.summary.problems,
                ElementsAre(path + ":2: column byte 9: not JSON",
                            path + ":3: column jets[0][0]: not a finite number",
                            path + ":4: not a JSON object",
                            path + ":6: event 21233479 of run 202209 was there before",
                            path + ":7: column event: absent"));
    lenient.bad_rows = BadRows::refuse;
    EXPECT_EQ(refused(lenient), path + ":2: column byte 9: not JSON");
}

TEST_F(Import, refuses_numbers_that_are_none) {
    for (const std::string number : {"nan", "inf", "1e300", "", "12x"}) {
        std::string row = ring_row("9", 10'000);
        row.replace(row.find("20.36"), 5, number);
        const Imported imported =
            import(options(sample("rings.csv", ring_table(row + ring_row("10", 1000)))));
        EXPECT_EQ(imported.summary.event_count, 1U) << number;
        EXPECT_THAT(imported.summary.problems, ElementsAre(HasSubstr(":2: column avgmu")));
    }
}

TEST_F(Import, refuses_what_it_does_not_know) {
    EXPECT_THAT(refused(options(sample("a.csv", "x,y\n1,2\n"))), HasSubstr("name its layout"));
    EXPECT_THAT(refused(options(sample("b.csv", ""))), HasSubstr("no known layout"));
    EXPECT_THAT(refused(options(folder_.file("absent"))), HasSubstr("No such file"));
    ImportOptions wrong = options(sample("a.csv", "x,y\n1,2\n"));
    wrong.layout = ImportLayout::atlas_rings;
    EXPECT_THAT(refused(wrong), HasSubstr("no column \"avgmu\""));
    wrong.layout = ImportLayout::cms_ispy;
    EXPECT_THAT(refused(wrong), HasSubstr("holds no event"));
}

TEST_F(Import, finds_layouts_by_name) {
    for (const ImportLayout layout : import_layouts()) {
        EXPECT_EQ(find_import_layout(to_string(layout)), layout);
    }
    EXPECT_EQ(find_import_layout("root"), std::nullopt);
}

TEST_F(Import, stops_after_as_many_events_as_asked_for) {
    ImportOptions few =
        options(sample("rings.csv", ring_table(ring_row("1", 1) + ring_row("2", 1) +
                                               ring_row("3", 1) + ring_row("4", 1))));
    few.most_events = 2;
    EXPECT_EQ(import(few).summary.event_count, 2U);
}

// The published files.
struct DataFile {
    const char* name;
    ImportLayout layout;
    std::uint64_t events;
    std::uint64_t bad_rows;
};

class ImportData : public Import, public testing::WithParamInterface<DataFile> {};

TEST_P(ImportData, gives_every_event) {
    const std::string path = std::string(TAMIS_DATA_DIR) + "/" + GetParam().name;
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "data not found at " << path;
    }
    const Imported imported = import(options(path));
    EXPECT_EQ(imported.summary.layout, GetParam().layout);
    EXPECT_EQ(imported.summary.event_count, GetParam().events);
    EXPECT_EQ(imported.summary.bad_row_count, GetParam().bad_rows);
    EXPECT_EQ(imported.fragments.size(), GetParam().events);
}

INSTANTIATE_TEST_SUITE_P(
    EachFile, ImportData,
    testing::Values(
        DataFile{"cms_ispy_run2012/events.ndjson.gz", ImportLayout::cms_ispy, 186, 0},
        DataFile{"cms_heptutorial/events.ndjson.gz", ImportLayout::cms_heptutorial, 16194, 0},
        DataFile{"atlas_opendata_4lep/events.ndjson", ImportLayout::atlas_4lep, 832, 0},
        DataFile{"cms_dilepton_csv/2e2mu_2012.csv", ImportLayout::cms_four_lepton, 104, 0},
        DataFile{"cms_dilepton_csv/4e_2012.csv", ImportLayout::cms_four_lepton, 41, 0},
        DataFile{"cms_dilepton_csv/4mu_2012.csv", ImportLayout::cms_four_lepton, 95, 0},
        DataFile{"cms_dilepton_csv/Zee_Run2011A.csv", ImportLayout::cms_dielectron, 18885, 0},
        DataFile{"cms_dilepton_csv/Zmumu_Run2011A.csv", ImportLayout::cms_dimuon, 10583, 0},
        DataFile{"cms_dilepton_csv/Zee.json", ImportLayout::cms_dielectron, 500, 0},
        DataFile{"cms_dilepton_csv/Zmumu.json", ImportLayout::cms_dimuon, 500, 1},
        DataFile{"cms_dilepton_csv/dimuon_2-5GeV.json", ImportLayout::cms_dimuon, 2000, 0},
        DataFile{"cms_dilepton_csv/Wenu.json", ImportLayout::cms_w_electron, 1000, 0},
        DataFile{"cms_dilepton_csv/Wmunu.json", ImportLayout::cms_w_muon, 1000, 0},
        DataFile{"atlas_neuralringer/run330203_rings.csv", ImportLayout::atlas_rings, 913, 0}),
    [](const auto& parameter) {
        std::string name = parameter.param.name;
        for (char& character : name) {
            character = std::isalnum(static_cast<unsigned char>(character)) != 0 ? character : '_';
        }
        return name;
    });

TEST_F(Import, ring_probes_have_the_published_values) {
    const std::string path =
        std::string(TAMIS_DATA_DIR) + "/atlas_neuralringer/run330203_rings.csv";
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "data not found at " << path;
    }
    const Imported imported = import(options(path));
    const wire::CalorimeterClusters first = imported.clusters(0);
    EXPECT_EQ(imported.fragments[0].event(), 2485379497U);
    EXPECT_FLOAT_EQ(first.et(0), 63.9771211F);
    EXPECT_FLOAT_EQ(first.rings(0), 3.71219019F);
    EXPECT_FLOAT_EQ(first.average_mu(), 20.3799992F);
    std::size_t probes = 0;
    for (std::size_t index = 0; index < imported.fragments.size(); ++index) {
        probes += static_cast<std::size_t>(imported.clusters(index).et_size());
    }
    EXPECT_EQ(probes, 1130U);
}

TEST_F(Import, z_candidates_have_the_published_mass) {
    const std::string path = std::string(TAMIS_DATA_DIR) + "/cms_dilepton_csv/Zee.json";
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "data not found at " << path;
    }
    const Imported imported = import(options(path));
    const wire::PhysicsObjects pair = imported.objects(0);
    ASSERT_EQ(pair.electron_pt_size(), 2);
    const double mass = std::sqrt(2.0 * pair.electron_pt(0) * pair.electron_pt(1) *
                                  (std::cosh(pair.electron_eta(0) - pair.electron_eta(1)) -
                                   std::cos(pair.electron_phi(0) - pair.electron_phi(1))));
    EXPECT_NEAR(mass, 89.1202789547, 1e-2);  // column M
}

}  // namespace
}  // namespace tamis::streams
