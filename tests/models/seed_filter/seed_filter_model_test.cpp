#include "models/seed_filter/seed_filter_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/onnx_reader.hpp"
#include "models/seed_filter/doublet_runner.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/seed_filter/seed_filter_network.hpp"
#include "tests/models/seed_filter/doublet_message.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

const std::filesystem::path kData = std::filesystem::path(TAMIS_DATA_DIR) / "models";

Manifest manifest_of(const std::vector<Parameter>& parameters = {}) {
    Manifest manifest;
    manifest.name = "test";
    manifest.kind = "seed_filter";
    manifest.networks = {{"network.onnx", ""}};
    const auto point = [](const std::string& name, double threshold) {
        WorkingPoint made;
        made.name = name;
        made.bins = {{}};
        made.bins[0].offset = threshold;
        return made;
    };
    manifest.working_points = {point("loose", 0.45), point("tight", 0.999)};
    manifest.parameters = parameters;
    return manifest;
}

// Features of detectors are large; the first values of this network are not made for them.
engine::Graph small_graph() {
    return make_seed_filter_network({}, SeedFilterOutput::probability, 3);
}

std::shared_ptr<const Model> small_model() {
    auto model = load_seed_filter(manifest_of(), {small_graph()});
    EXPECT_TRUE(model.has_value()) << model.error();
    return *model;
}

std::vector<float> table_answer(const Model& model, std::span<const float> row) {
    std::vector<float> answer(model.score_columns().size());
    model.score_table(row, answer);
    return answer;
}

TEST(SeedFilterModel, names_its_columns) {
    const auto model = small_model();
    ASSERT_EQ(model->input_columns().size(), 581U);
    EXPECT_EQ(model->input_columns()[0], "inner_adc0");
    EXPECT_EQ(model->input_columns()[256], "outer_adc0");
    EXPECT_EQ(model->input_columns()[512], "inner_layer");
    EXPECT_EQ(model->input_columns()[580], "f66");
    EXPECT_EQ(model->score_columns()[0], "score");
    EXPECT_EQ(model->score_columns()[2], "pass_tight");
}

TEST(SeedFilterModel, event_agrees_with_the_table_and_keeps_what_passes) {
    const auto model = small_model();
    const DoubletSamples samples = make_doublet_samples(5, 1, 150);
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, tests::doublet_message(samples, 0, 150));
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    ASSERT_EQ(scorer->status(0), ScoreStatus::scored);
    const Explanation explanation = scorer->explanation(0);
    ASSERT_EQ(explanation.contributions.size(), 150U);
    float largest = 0;
    std::vector<std::uint32_t> kept;
    for (std::uint32_t i = 0; i < 150; ++i) {
        const auto answer = table_answer(*model, table_row_of(doublet_at(samples.view(), i)));
        EXPECT_EQ(explanation.contributions[i], answer[0]) << i;
        largest = std::max(largest, answer[0]);
        if (answer[1] == 1.0F) {
            kept.push_back(i);
        }
    }
    EXPECT_EQ(scorer->score_of(0), largest);
    EXPECT_EQ(std::vector<std::uint32_t>(explanation.kept.begin(), explanation.kept.end()), kept);
    EXPECT_EQ(scorer->cut(0, 0).passed, !kept.empty());
    EXPECT_EQ(scorer->cut(0, 1).passed, largest > 0.999);
}

// Primitives of oneDNN are named with a colon; one of them costs tiles, a probe and ten times the
// load.
TEST(SeedFilterModel, network_runs_on_kernels_of_ours_alone) {
    const auto network = engine::Network::compile(
        make_seed_filter_network({}, SeedFilterOutput::probability, 3), {.max_batch = 64});
    ASSERT_TRUE(network.has_value()) << network.error();
    for (const std::string& line : (*network)->executors()) {
        EXPECT_EQ(std::ranges::count(line, ':'), 1) << line;
    }
}

TEST(SeedFilterModel, score_does_not_depend_on_the_batch) {
    const auto model = small_model();
    const DoubletSamples samples = make_doublet_samples(6, 1, 130);
    tests::WireEvents events;
    for (std::size_t first = 0; first < 130; first += 13) {
        events.add(streams::PayloadType::pixel_doublets,
                   tests::doublet_message(samples, first, 13));
    }
    const auto together = model->make_scorer(10);
    together->score(events.all());
    const auto alone = model->make_scorer(1);
    for (std::size_t i = 0; i < 10; ++i) {
        alone->score(events.all().subspan(i, 1));
        ASSERT_EQ(alone->explanation(0).contributions.size(), 13U);
        for (std::size_t k = 0; k < 13; ++k) {
            EXPECT_EQ(alone->explanation(0).contributions[k],
                      together->explanation(i).contributions[k]);
        }
    }
}

TEST(SeedFilterModel, tells_apart_why_an_event_has_no_score) {
    const auto model = small_model();
    const DoubletSamples samples = make_doublet_samples(7, 1, 3);
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, wire::PixelDoublets());
    events.add(streams::PayloadType::raw, wire::PixelDoublets());
    wire::PixelDoublets infinite = tests::doublet_message(samples, 0, 3);
    infinite.set_features(70, std::numeric_limits<float>::infinity());
    events.add(streams::PayloadType::pixel_doublets, infinite);
    wire::PixelDoublets truncated = tests::doublet_message(samples, 0, 3);
    truncated.mutable_inner_adc()->pop_back();
    events.add(streams::PayloadType::pixel_doublets, truncated);
    wire::PixelDoublets boastful;
    boastful.set_count(4'000'000'000U);
    events.add(streams::PayloadType::pixel_doublets, boastful);
    events.add(streams::PayloadType::pixel_doublets, tests::doublet_message(samples, 0, 3));
    const auto scorer = model->make_scorer(8);
    scorer->score(events.all());
    EXPECT_EQ(scorer->status(0), ScoreStatus::not_applicable);
    EXPECT_EQ(scorer->status(1), ScoreStatus::missing_input);
    EXPECT_EQ(scorer->status(2), ScoreStatus::non_finite_input);
    EXPECT_EQ(scorer->status(3), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(4), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(5), ScoreStatus::scored);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(scorer->score_of(i), 0.0F);
        EXPECT_FALSE(scorer->cut(i, 0).passed);
        EXPECT_TRUE(scorer->explanation(i).contributions.empty());
    }
}

TEST(SeedFilterModel, table_rows_that_are_no_doublets_pass_nowhere) {
    const auto model = small_model();
    const DoubletSamples samples = make_doublet_samples(8, 1, 1);
    const auto good = table_row_of(doublet_at(samples.view(), 0));
    EXPECT_TRUE(std::isfinite(table_answer(*model, good)[0]));
    const auto spoilt = [&](std::size_t column, float value) {
        auto row = good;
        row[column] = value;
        return table_answer(*model, row);
    };
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const auto& answer : {spoilt(3, 65536.0F), spoilt(3, -1.0F), spoilt(3, 0.5F),
                               spoilt(512, 256.0F), spoilt(512, nan), spoilt(580, nan)}) {
        EXPECT_TRUE(std::isnan(answer[0]));
        EXPECT_EQ(answer[1], 0.0F);
    }
}

TEST(SeedFilterModel, refuses_manifests_and_networks_that_do_not_fit) {
    const auto error_of = [](const Manifest& manifest) {
        const auto model = load_seed_filter(manifest, {small_graph()});
        return model ? std::string() : model.error();
    };
    EXPECT_THAT(error_of(manifest_of({{"layout", {1}}})), testing::HasSubstr("layer_map"));
    EXPECT_THAT(error_of(manifest_of({{"layout", {2}}})), testing::HasSubstr("0 to 1"));
    EXPECT_THAT(error_of(manifest_of({{"layot", {1}}})), testing::HasSubstr("unknown"));
    EXPECT_THAT(error_of(manifest_of({{"score_index", {1}}})), testing::HasSubstr("score_index"));
    EXPECT_THAT(error_of(manifest_of({{"primary_point", {2}}})),
                testing::HasSubstr("primary_point"));
    Manifest manifest = manifest_of();
    manifest.working_points[0].bins[0].slope = 1;
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("loose"));
}

// oneDNN allocates while it executes; the seed filter itself must not.
TEST(SeedFilterModel, allocates_nothing_beside_the_engine) {
    const auto model = small_model();
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets,
               tests::doublet_message(make_doublet_samples(9, 1, 128), 0, 128));
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    engine::NetworkRunner runner(*engine::Network::compile(small_graph(), {.max_batch = 64}));
    (void)runner.run(64);
    std::size_t of_scorer = 0, of_engine = 0;
    {
        const tests::AllocationGuard guard;
        scorer->score(events.all());
        of_scorer = guard.allocations();
    }
    {
        const tests::AllocationGuard guard;
        (void)runner.run(64);
        (void)runner.run(64);
        of_engine = guard.allocations();
    }
    EXPECT_EQ(of_scorer, of_engine);
}

class PublishedSeedFilter : public testing::Test {
 protected:
    void SetUp() override {
        if (!std::filesystem::exists(kData / "layer_map_model.onnx")) {
            GTEST_SKIP() << "data not found at " << kData;
        }
        auto graph = engine::read_onnx_file(kData / "layer_map_model.onnx");
        ASSERT_TRUE(graph.has_value()) << graph.error();
        graph_ = std::move(*graph);
    }
    engine::Graph graph_;
};

TEST_F(PublishedSeedFilter, network_agrees_with_its_golden_outputs) {
    SeedFilterSettings settings;
    settings.layout = DoubletLayout::layer_map;
    const auto made = make_doublet_network(settings, std::span(&graph_, 1));
    ASSERT_TRUE(made.has_value()) << made.error();
    EXPECT_EQ(made->score_index, 1U);
    engine::NetworkRunner runner(made->network);
    std::ifstream file(kData / "pixelseed_layer_map_golden.json");
    const auto golden = nlohmann::json::parse(file);
    const std::size_t windows = window_values(DoubletLayout::layer_map);
    for (const auto& each : golden["cases"]) {
        const auto rows = each["n"].get<std::size_t>();
        const bool is_formula = each["name"] == "formula";
        for (std::size_t n = 0; n < rows; ++n) {
            for (std::size_t i = 0; i < windows; ++i) {
                runner.input(made->window_port)[n * windows + i] =
                    is_formula ? static_cast<float>(0.05 * std::sin(0.37 * static_cast<double>(i) +
                                                                    0.1 * static_cast<double>(n)))
                               : 0.0F;
            }
            for (std::size_t k = 0; k < kDoubletFeatures; ++k) {
                runner.input(made->feature_port)[n * kDoubletFeatures + k] =
                    is_formula ? static_cast<float>(std::cos(0.21 * static_cast<double>(k) +
                                                             0.5 * static_cast<double>(n)))
                               : 0.0F;
            }
        }
        ASSERT_EQ(runner.run(rows), engine::RunStatus::ok);
        for (std::size_t i = 0; i < 2 * rows; ++i) {
            EXPECT_NEAR(runner.output(0)[i], each["output"][i].get<double>(), 1e-5);
        }
    }
}

TEST_F(PublishedSeedFilter, scores_wire_doublets_as_the_network_scores_their_layer_maps) {
    auto model = load_seed_filter(manifest_of({{"layout", {1}}}), {graph_});
    ASSERT_TRUE(model.has_value()) << model.error();
    SeedFilterSettings settings;
    settings.layout = DoubletLayout::layer_map;
    const auto made = make_doublet_network(settings, std::span(&graph_, 1));
    ASSERT_TRUE(made.has_value()) << made.error();
    engine::NetworkRunner runner(made->network);
    const DoubletSamples samples = make_doublet_samples(10, 1, 5);
    for (std::size_t i = 0; i < 5; ++i) {
        const DoubletView doublet = doublet_at(samples.view(), i);
        write_windows(
            doublet, DoubletLayout::layer_map,
            runner.input(made->window_port).first(window_values(DoubletLayout::layer_map)));
        std::copy(doublet.features.begin(), doublet.features.end(),
                  runner.input(made->feature_port).begin());
        ASSERT_EQ(runner.run(1), engine::RunStatus::ok);
        EXPECT_EQ(table_answer(**model, table_row_of(doublet))[0], runner.output(0)[1]);
    }
}

}  // namespace
}  // namespace tamis::models
