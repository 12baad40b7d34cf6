#include "models/int8_conversion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "engine/graph_builder.hpp"
#include "engine/onnx_writer.hpp"
#include "engine/random.hpp"
#include "models/int8_parameters.hpp"
#include "models/model_loader.hpp"
#include "models/network_import.hpp"

namespace tamis::models {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr std::size_t kRowSize = 12;

// An imported classifier 12 -> 16 -> 8 -> 1 with a sigmoid.
ModelFiles imported() {
    engine::GraphBuilder net("classifier", 3);
    auto x = net.input("x", {kRowSize});
    x = net.relu(net.dense(x, 16, "hidden1"));
    x = net.relu(net.dense(x, 8, "hidden2"));
    net.output(net.sigmoid(net.dense(x, 1, "score")), "y");
    const auto file = std::filesystem::path(testing::TempDir()) /
                      ("int8_classifier_" + std::to_string(getpid()) + ".onnx");
    EXPECT_TRUE(engine::write_onnx_file(net.build(), file).has_value());
    auto files = import_onnx(file);
    std::filesystem::remove(file);
    EXPECT_TRUE(files.has_value()) << files.error();
    return *files;
}

std::vector<float> rows(std::size_t count) {
    std::vector<float> values(count * kRowSize);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = engine::random_normal(11, 0, i);
    }
    return values;
}

TEST(Int8Conversion, reports_what_changes_and_the_model_still_loads) {
    ModelFiles files = imported();
    const ModelFiles before = files;
    const auto report = convert_to_int8(files, rows(2000));
    ASSERT_TRUE(report.has_value()) << report.error();
    EXPECT_EQ(report->calibrated_rows, 1600U);
    EXPECT_EQ(report->judged_rows, 400U);
    EXPECT_GT(report->largest_difference, 0);
    EXPECT_LT(report->largest_difference, 0.1 * (report->highest_score - report->lowest_score));
    EXPECT_LE(report->rms_difference, report->largest_difference);
    ASSERT_THAT(report->decisions, SizeIs(2));  // a tenth and a hundredth of 400 rows
    EXPECT_EQ(report->decisions[0].accepted_before, 40U);
    EXPECT_EQ(report->decisions[1].accepted_before, 4U);
    for (const Int8Decision& decision : report->decisions) {
        const auto gained = static_cast<long>(decision.accepted_after) -
                            static_cast<long>(decision.accepted_before);
        EXPECT_GE(static_cast<long>(decision.changed), std::abs(gained));
    }

    EXPECT_EQ(files.networks, before.networks);
    const auto ranges = read_int8_ranges(files.manifest);
    ASSERT_TRUE(ranges.has_value()) << ranges.error();
    EXPECT_THAT(*ranges, SizeIs(3));
    EXPECT_EQ((*ranges)[1].low, 0.F);  // after a ReLU
    EXPECT_THAT(files.manifest.provenance.report, SizeIs(5));
    const auto model = load_model(files.manifest, files.networks);
    ASSERT_TRUE(model.has_value()) << model.error();
    const auto plain = load_model(before.manifest, before.networks);
    EXPECT_NE((*model)->hash(), (*plain)->hash()) << "other scores under the same name";
}

TEST(Int8Conversion, converting_twice_is_converting_once) {
    ModelFiles files = imported();
    ASSERT_TRUE(convert_to_int8(files, rows(100)).has_value());
    const auto ranges = read_int8_ranges(files.manifest);
    ModelFiles again = files;
    ASSERT_TRUE(convert_to_int8(again, rows(100)).has_value());
    EXPECT_EQ(*read_int8_ranges(again.manifest), *ranges);
}

TEST(Int8Conversion, refuses_too_few_rows_and_leaves_the_model_alone) {
    ModelFiles files = imported();
    const auto report = convert_to_int8(files, rows(kFewestInt8Rows - 1));
    ASSERT_FALSE(report.has_value());
    EXPECT_THAT(report.error(), HasSubstr("too few"));
    EXPECT_TRUE(read_int8_ranges(files.manifest)->empty());
    files.manifest.kind = "vae";
    EXPECT_FALSE(convert_to_int8(files, rows(100)).has_value());
}

TEST(Int8Parameters, one_without_the_other_is_refused) {
    Manifest manifest;
    EXPECT_TRUE(read_int8_ranges(manifest)->empty());
    set_int8_ranges(manifest, {{-1.F, 2.F}, {0.F, 3.F}});
    EXPECT_EQ(*read_int8_ranges(manifest), (engine::Int8Ranges{{-1.F, 2.F}, {0.F, 3.F}}));
    manifest.parameters.back().values.pop_back();
    EXPECT_FALSE(read_int8_ranges(manifest).has_value());
    manifest.parameters.pop_back();
    EXPECT_FALSE(read_int8_ranges(manifest).has_value());
}

}  // namespace
}  // namespace tamis::models
