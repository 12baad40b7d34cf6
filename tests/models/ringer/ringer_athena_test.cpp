#include "models/ringer/ringer_athena.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "models/model_loader.hpp"
#include "models/ringer/ringer_athena_export.hpp"
#include "models/ringer/ringer_network.hpp"
#include "models/ringer/ringer_settings.hpp"
#include "models/ringer/tuning_text.hpp"

namespace tamis::models {
namespace {

namespace fs = std::filesystem;

class AthenaLayout : public testing::Test {
 protected:
    void SetUp() override {
        folder_ = fs::path(testing::TempDir()) /
                  ("athena_" + std::to_string(getpid()) + "_" +
                   testing::UnitTest::GetInstance()->current_test_info()->name());
        fs::create_directories(folder_ / "models");
    }
    void TearDown() override { fs::remove_all(folder_); }

    void write(const std::string& name, const std::string& bytes) const {
        fs::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name, std::ios::binary) << bytes;
    }
    void write(const std::vector<AthenaFile>& tuning) const {
        for (const AthenaFile& file : tuning) {
            write(file.path, file.bytes);
        }
    }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream stream(folder_ / name, std::ios::binary);
        std::ostringstream text;
        text << stream.rdbuf();
        return text.str();
    }
    [[nodiscard]] std::string error_of_import() const {
        const auto imported = import_athena_ringer(folder_, "");
        return imported ? std::string() : imported.error();
    }
    [[nodiscard]] const fs::path& folder() const { return folder_; }

 private:
    fs::path folder_;
};

// Two bins and two points with numbers that no short decimal gives.
ModelFiles small_ringer(const RingerSettings& settings = {}) {
    ModelFiles files;
    Manifest& manifest = files.manifest;
    manifest.name = "tuning";
    manifest.version = "v12";
    manifest.kind = "ringer";
    manifest.schema = "rings100";
    manifest.features = ringer_features();
    manifest.parameters = ringer_parameters(settings);
    const std::vector<std::size_t> nodes = {settings.input_count(), 3, 1};
    for (std::size_t i = 0; i < 2 * settings.ensembles; ++i) {
        const bool is_low = i % 2 == 0;
        add_network(files,
                    {"bin" + std::to_string(i) + ".onnx", "", is_low ? 15.0 : 30.0,
                     is_low ? 30.0 : 1e6, 0, 2.47},
                    make_mlp("bin", nodes, LastLayer::linear, 7 + i));
    }
    for (const char* const name : {"tight", "very_loose"}) {
        WorkingPoint& point = manifest.working_points.emplace_back();
        point.name = name;
        point.mu_low = 16;
        point.mu_high = 100;
        const double shift = manifest.working_points.size() == 1 ? 0.0 : 1.0;
        point.bins = {{15, 30, 0, 2.47, -1.0 / 81, 0.1 + 0.2 - shift},
                      {30, 50, 0, 2.47, -3.3e-9, 1.0 / 3 - shift},
                      {50, 1e6, 0, 2.47, 0, -2.0 - shift}};
    }
    return files;
}

std::map<std::string, std::string> by_path(const std::vector<AthenaFile>& tuning) {
    std::map<std::string, std::string> files;
    for (const AthenaFile& file : tuning) {
        files[file.path] = file.bytes;
    }
    return files;
}

TEST_F(AthenaLayout, what_is_written_reads_back_and_is_written_the_same) {
    const ModelFiles original = small_ringer();
    const auto tuning = export_athena_ringer(original);
    ASSERT_TRUE(tuning.has_value()) << tuning.error();
    write(*tuning);
    const auto imported = import_athena_ringer(folder(), "by a test");
    ASSERT_TRUE(imported.has_value()) << imported.error();
    EXPECT_EQ(imported->networks, original.networks);
    ASSERT_EQ(imported->manifest.working_points.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        const WorkingPoint& got = imported->manifest.working_points[i];
        const WorkingPoint& wanted = original.manifest.working_points[i];
        EXPECT_EQ(got.name, wanted.name);
        EXPECT_EQ(got.mu_low, wanted.mu_low);
        EXPECT_EQ(got.mu_high, wanted.mu_high);
        ASSERT_EQ(got.bins.size(), wanted.bins.size());
        for (std::size_t bin = 0; bin < got.bins.size(); ++bin) {
            EXPECT_EQ(got.bins[bin].slope, wanted.bins[bin].slope);
            EXPECT_EQ(got.bins[bin].offset, wanted.bins[bin].offset);
            EXPECT_EQ(got.bins[bin].et_high_gev, wanted.bins[bin].et_high_gev);
            EXPECT_EQ(got.bins[bin].eta_high, wanted.bins[bin].eta_high);
        }
    }
    const auto again = export_athena_ringer(*imported);
    ASSERT_TRUE(again.has_value()) << again.error();
    EXPECT_EQ(by_path(*again), by_path(*tuning));
    EXPECT_TRUE(load_model(imported->manifest, imported->networks).has_value());
}

TEST_F(AthenaLayout, lines_are_as_root_writes_them) {
    const auto tuning = export_athena_ringer(small_ringer());
    ASSERT_TRUE(tuning.has_value());
    auto files = by_path(*tuning);
    EXPECT_EQ(files.size(), 4U);
    const std::string text = files["ElectronRingerVeryLooseTriggerConfig.conf"];
    EXPECT_THAT(text, testing::StartsWith("__name__:                                tuning\n"
                                          "__version__:                             v12\n"
                                          "__operation__:                           VeryLoose\n"));
    EXPECT_THAT(text, testing::HasSubstr("Model__size:                             2\n"));
    EXPECT_THAT(text,
                testing::HasSubstr("Model__path:                             models/bin0.onnx; "
                                   "models/bin1.onnx\n"));
    EXPECT_THAT(text, testing::HasSubstr("Model__barcode:                          0; 0\n"));
    EXPECT_THAT(text, testing::HasSubstr("Model__etmax:                            30.0; "
                                         "1000000.0\n"));
    EXPECT_THAT(text, testing::HasSubstr("Threshold__slope:                        "
                                         "-0.012345679012345678; -3.3e-09; 0.0\n"));
    EXPECT_THAT(text, testing::HasSubstr("Threshold__MaxAverageMu:                 100.0; 100.0; "
                                         "100.0\n"));
}

TEST_F(AthenaLayout, half_rings_and_networks_of_each_point_are_kept) {
    RingerSettings settings;
    settings.half_rings = true;
    settings.ensembles = 2;
    const ModelFiles original = small_ringer(settings);
    const auto tuning = export_athena_ringer(original);
    ASSERT_TRUE(tuning.has_value()) << tuning.error();
    EXPECT_THAT(by_path(*tuning)["ElectronRingerTightTriggerConfig.conf"],
                testing::HasSubstr("Model__barcode:                          1; 1\n"));
    write(*tuning);
    const auto imported = import_athena_ringer(folder(), "");
    ASSERT_TRUE(imported.has_value()) << imported.error();
    const auto read = read_ringer_settings(imported->manifest);
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(read->half_rings);
    EXPECT_EQ(read->ensembles, 2U);
    EXPECT_EQ(imported->networks, original.networks);
}

// As the tuning tools write it: older keys only, other spaces, a comment.
std::string foreign_conf(const std::string& more = "") {
    return "# v8\nModel__size: 2\nModel__etmin:15; 30\nModel__etmax: 30;1000000\r\n"
           "Model__etamin: 0.0; 0.0\nModel__etamax: 2.5; 2.5\n"
           "Model__path: models/bin0.onnx; models/bin1.onnx\nThreshold__size: 2\n"
           "Threshold__etmin: 15; 30\nThreshold__etmax: 30; 1000000\nThreshold__etamin: 0; 0\n"
           "Threshold__etamax: 2.5; 2.5\nThreshold__slope: -0.012345; 0\n"
           "Threshold__offset: 0.6974; -1e-1\nThreshold__MaxAverageMu: 100\n" +
           more;
}

class ForeignTuning : public AthenaLayout {
 protected:
    void SetUp() override {
        AthenaLayout::SetUp();
        const ModelFiles networks = small_ringer();
        write("models/bin0.onnx", networks.networks[0]);
        write("models/bin1.onnx", networks.networks[1]);
    }
    // What reading says of a file with `from` replaced.
    [[nodiscard]] std::string error_with(const std::string& from, const std::string& to) const {
        std::string text = foreign_conf();
        text.replace(text.find(from), from.size(), to);
        write("ElectronRingerTightTriggerConfig.conf", text);
        return error_of_import();
    }
};

TEST_F(ForeignTuning, is_read_with_the_keys_that_old_files_have) {
    write("ElectronRingerMediumTriggerConfig.conf", foreign_conf());
    write("ElectronRingerTightTriggerConfig.conf", foreign_conf("__name__: v8\n"));
    const auto imported = import_athena_ringer(folder(), "");
    ASSERT_TRUE(imported.has_value()) << imported.error();
    const Manifest& manifest = imported->manifest;
    EXPECT_EQ(manifest.name, "v8");
    EXPECT_EQ(manifest.networks.size(), 2U);
    ASSERT_EQ(manifest.working_points.size(), 2U);
    EXPECT_EQ(manifest.working_points[0].name, "tight");
    EXPECT_EQ(manifest.working_points[1].name, "medium");
    const WorkingPoint& point = manifest.working_points[0];
    EXPECT_EQ(point.mu_low, 0);
    EXPECT_EQ(point.mu_high, 100);
    EXPECT_EQ(point.bins[0].slope, -0.012345);
    EXPECT_EQ(point.bins[0].offset, 0.6974);
    EXPECT_EQ(point.bins[1].offset, -0.1);
}

TEST_F(ForeignTuning, says_which_key_of_which_file_is_wrong) {
    EXPECT_EQ(error_with("# v8", "#"), "");
    EXPECT_THAT(error_with("Model__size: 2", "Model__size: 0"), testing::HasSubstr("Model__size"));
    EXPECT_THAT(error_with("Model__size: 2", ""),
                testing::HasSubstr("ElectronRingerTightTriggerConfig.conf: Model__size is not"));
    EXPECT_THAT(error_with("15; 30", "15"), testing::HasSubstr("Model__etmin has 1 values"));
    EXPECT_THAT(error_with("0.6974", "high"), testing::HasSubstr("\"high\""));
    EXPECT_THAT(error_with("0.6974", "inf"), testing::HasSubstr("Threshold__offset"));
    EXPECT_THAT(error_with("Model__etmax: 30;", "Model__etmax: 10;"),
                testing::HasSubstr("no bin at entry 0"));
    EXPECT_THAT(error_with("models/bin1", "models/bin7"), testing::HasSubstr("bin7.onnx"));
    EXPECT_THAT(error_with("models/bin1", "../bin1"), testing::HasSubstr("leads out"));
    EXPECT_THAT(error_with("# v8", "Model__barcode: 4"), testing::HasSubstr("Model__barcode"));
    EXPECT_THAT(error_with("# v8", "Model__barcode: 0; 1"), testing::HasSubstr("differs"));
    EXPECT_THAT(error_with("# v8", "Model__barcode: 1"), testing::HasSubstr("50 rings"));
    EXPECT_THAT(error_with("# v8", "Model__UseShowerShapes: True; True"),
                testing::HasSubstr("beside rings"));
    EXPECT_EQ(error_with("# v8", "Model__UseTrackVariables: False; False"), "");
}

TEST_F(ForeignTuning, waits_for_no_pipe_and_reads_no_more_than_a_text) {
    const fs::path conf = folder() / "ElectronRingerTightTriggerConfig.conf";
    ASSERT_EQ(mkfifo(conf.c_str(), 0600), 0);
    EXPECT_THAT(error_of_import(), testing::HasSubstr("TriggerConfig.conf: no regular file"));
    fs::remove(conf);
    write(conf.filename().string(), foreign_conf());
    fs::resize_file(conf, (16U << 20) + 1);
    EXPECT_THAT(error_of_import(), testing::HasSubstr("more than 16777216 bytes"));
}

// A short text may name one large file as often as it likes.
TEST_F(ForeignTuning, networks_count_as_often_as_they_are_named) {
    fs::resize_file(folder() / "models/bin0.onnx", 130U << 20);
    EXPECT_THAT(error_with("models/bin1.onnx", "models/bin0.onnx"),
                testing::HasSubstr("bin0.onnx: networks of more than 268435456 bytes together"));
}

TEST_F(ForeignTuning, needs_a_conf_file_and_the_same_bins_in_all) {
    EXPECT_THAT(error_of_import(), testing::HasSubstr("no .conf file"));
    write("ElectronRingerTightTriggerConfig.conf", foreign_conf());
    std::string other = foreign_conf();
    for (const char* const line :
         {"Model__size: 2", "Model__etmin:15; 30", "Model__etmax: 30;1000000",
          "Model__etamin: 0.0; 0.0", "Model__etamax: 2.5; 2.5",
          "Model__path: models/bin0.onnx; models/bin1.onnx"}) {
        const std::string text = line;
        const auto value =
            text.substr(0, text.find(':') + 1) +
            (text.starts_with("Model__size") ? " 1"
             : text.starts_with("Model__path")
                 ? " models/bin0.onnx"
                 : text.substr(text.find(':') + 1, text.find(';') - text.find(':') - 1));
        other.replace(other.find(text), text.size(), value);
    }
    write("ElectronRingerLooseTriggerConfig.conf", other);
    EXPECT_THAT(error_of_import(), testing::HasSubstr("differs from that of the other"));
}

TEST_F(AthenaLayout, two_networks_of_one_name_are_refused) {
    ModelFiles files = small_ringer();
    files.manifest.networks[1].file = files.manifest.networks[0].file;
    const auto tuning = export_athena_ringer(files);
    ASSERT_FALSE(tuning.has_value());
    EXPECT_THAT(tuning.error(), testing::HasSubstr("bin0.onnx"));
}

TEST_F(AthenaLayout, refuses_models_that_it_cannot_say) {
    const auto error_of = [](ModelFiles files) {
        const auto tuning = export_athena_ringer(files);
        return tuning ? std::string() : tuning.error();
    };
    RingerSettings sequential;
    sequential.normalisation = RingNormalisation::sequential;
    EXPECT_THAT(error_of(small_ringer(sequential)), testing::HasSubstr("sequential"));
    RingerSettings tanh;
    tanh.final_activation = FinalActivation::tanh;
    ModelFiles bounded = small_ringer(tanh);
    for (WorkingPoint& point : bounded.manifest.working_points) {
        for (ThresholdBin& bin : point.bins) {
            bin.offset = 0.1;
        }
    }
    EXPECT_THAT(error_of(bounded), testing::HasSubstr("final_activation 1"));
    RingerSettings inclusive;
    inclusive.inclusive = true;
    EXPECT_THAT(error_of(small_ringer(inclusive)), testing::HasSubstr("inclusive 1"));
    ModelFiles other = small_ringer();
    other.manifest.kind = "vae";
    EXPECT_THAT(error_of(other), testing::HasSubstr("kind is vae"));
    ModelFiles bare = small_ringer();
    bare.manifest.working_points.clear();
    EXPECT_THAT(error_of(bare), testing::HasSubstr("no working point"));
}

TEST(TuningText, numbers_read_back_to_the_same_bits) {
    for (const double value : {0.0, 15.0, 1e6, -1.0 / 81, 1e-300, -4e22, 0.1 + 0.2, 5e-324}) {
        const std::string text = number_text(value);
        EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
        EXPECT_THAT(text, testing::ContainsRegex("[.e]"));
    }
}

}  // namespace
}  // namespace tamis::models
