// The dense pre-filter in front of a seed filter: here the probability is the sigmoid of the inner
// hit's x, so that by a threshold of 1/2 exactly the doublets at x <= 0 are rejected.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/graph_builder.hpp"
#include "models/seed_filter/doublet_runner.hpp"
#include "models/seed_filter/doublet_samples.hpp"
#include "models/seed_filter/seed_filter_model.hpp"
#include "models/seed_filter/seed_filter_network.hpp"
#include "tests/models/seed_filter/doublet_message.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using engine::GraphValue;
using Integers = std::vector<std::int64_t>;

GraphValue inner_x(engine::GraphBuilder& net, const GraphValue& features) {
    return net.apply("Slice", {features.name},
                     {{"axes", Integers{1}},
                      {"starts", Integers{0}},
                      {"ends", Integers{1}},
                      {"steps", Integers{1}}});
}

engine::Graph side_prefilter() {
    engine::GraphBuilder net("prefilter", 1);
    net.output(net.sigmoid(inner_x(net, net.input("features", {67}))), "score");
    return net.build();
}

engine::Graph small_filter() {
    return make_seed_filter_network({}, SeedFilterOutput::probability, 3);
}

// Answers NaN where x < 0.
engine::Graph filter_of_one_side() {
    engine::GraphBuilder net("filter", 1);
    const auto windows = net.dense(net.flatten(net.input("windows", {2, 16, 16})), 1, "windows");
    const auto x = net.apply("Log", {inner_x(net, net.input("features", {67})).name});
    net.output(net.sigmoid(net.add(windows, x)), "score");
    return net.build();
}

Manifest manifest_of(double threshold = 0.5) {
    Manifest manifest;
    manifest.name = "test";
    manifest.kind = "seed_filter";
    manifest.networks = {{"seed_filter.onnx", ""}, {"prefilter.onnx", ""}};
    WorkingPoint point;
    point.name = "all";
    point.bins = {{}};
    point.bins[0].offset = -0.6;
    manifest.working_points = {point};
    manifest.parameters = {{"prefilter_threshold", {threshold}}};
    return manifest;
}

std::shared_ptr<const Model> model_of(const engine::Graph& filter) {
    auto model = load_seed_filter(manifest_of(), {filter, side_prefilter()});
    EXPECT_TRUE(model.has_value()) << model.error();
    return *model;
}

float x_of(const DoubletSamples& samples, std::size_t index) {
    return samples.features[index * kDoubletFeatures + kHitX];
}

std::vector<float> bare_scores(const engine::Graph& filter, const DoubletSamples& samples) {
    const auto network = make_doublet_network({}, std::span(&filter, 1));
    EXPECT_TRUE(network.has_value()) << network.error();
    std::vector<float> scores(samples.size());
    DoubletRunner runner(*network);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        runner.add(doublet_at(samples.view(), i), &scores[i]);
    }
    runner.flush();
    return scores;
}

TEST(Prefilter, rejected_doublets_keep_its_answer_and_the_others_get_the_filters) {
    const DoubletSamples samples = make_doublet_samples(5, 1, 150);
    const auto model = model_of(small_filter());
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, tests::doublet_message(samples, 0, 150));
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    ASSERT_EQ(scorer->status(0), ScoreStatus::scored);
    const Explanation explanation = scorer->explanation(0);
    const auto scores = explanation.contributions;
    ASSERT_EQ(scores.size(), 150U);
    const std::vector<float> bare = bare_scores(small_filter(), samples);
    std::vector<std::uint32_t> kept;
    std::size_t rejected = 0;
    for (std::uint32_t i = 0; i < 150; ++i) {
        if (x_of(samples, i) > 0) {
            EXPECT_EQ(scores[i], bare[i]) << i;
        } else {
            ++rejected;
            EXPECT_NEAR(scores[i], 1 / (1 + std::exp(-x_of(samples, i))) - 1, 1e-6) << i;
            EXPECT_LE(scores[i], -0.5F);
        }
        if (scores[i] > -0.6F) {
            kept.push_back(i);
        }
    }
    EXPECT_GT(rejected, 50U);
    EXPECT_LT(rejected, 100U);
    EXPECT_EQ(std::vector(explanation.kept.begin(), explanation.kept.end()), kept);
}

TEST(Prefilter, the_filter_never_sees_what_it_rejects) {
    const DoubletSamples samples = make_doublet_samples(5, 1, 150);
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, tests::doublet_message(samples, 0, 150));
    const std::vector<float> bare = bare_scores(filter_of_one_side(), samples);
    EXPECT_TRUE(std::ranges::any_of(bare, [](float score) { return std::isnan(score); }));
    const auto model = model_of(filter_of_one_side());
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    EXPECT_EQ(scorer->status(0), ScoreStatus::scored);
}

TEST(Prefilter, score_does_not_depend_on_the_batch) {
    const auto model = model_of(small_filter());
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

TEST(Prefilter, table_of_many_rows_agrees_with_events) {
    const auto model = model_of(small_filter());
    const DoubletSamples samples = make_doublet_samples(7, 1, 100);
    std::vector<float> rows;
    for (std::size_t i = 0; i < 100; ++i) {
        const auto row = table_row_of(doublet_at(samples.view(), i));
        rows.insert(rows.end(), row.begin(), row.end());
    }
    rows[514 + 30] = std::numeric_limits<float>::quiet_NaN();  // a feature of the first
    std::vector<float> answers(100 * 2);
    model->score_table(rows, answers);
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, tests::doublet_message(samples, 0, 100));
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    EXPECT_TRUE(std::isnan(answers[0]));
    for (std::size_t i = 1; i < 100; ++i) {
        EXPECT_EQ(answers[2 * i], scorer->explanation(0).contributions[i]) << i;
    }
}

TEST(Prefilter, feature_that_is_not_finite_spoils_the_event) {
    const auto model = model_of(small_filter());
    auto message = tests::doublet_message(make_doublet_samples(8, 1, 3), 0, 3);
    message.set_features(70, std::numeric_limits<float>::infinity());
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, message);
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    EXPECT_EQ(scorer->status(0), ScoreStatus::non_finite_input);
}

TEST(Prefilter, degenerate_doublets_have_a_finite_score) {
    DoubletSamples samples;
    samples.inner_adc.resize(512);
    samples.outer_adc.resize(512);
    samples.inner_layer = samples.outer_layer = {0};
    samples.features.resize(kDoubletFeatures);
    samples.is_true = {0};
    EXPECT_TRUE(std::isfinite(bare_scores(small_filter(), samples)[0]));
    const engine::Graph prefilter = make_prefilter_network({}, SeedFilterOutput::probability, 3);
    engine::NetworkRunner runner(*engine::Network::compile(prefilter));
    EXPECT_EQ(runner.run(1), engine::RunStatus::ok);
}

TEST(Prefilter, refuses_manifests_and_networks_that_do_not_fit) {
    const auto error_of = [](const Manifest& manifest, const engine::Graph& second) {
        const auto model = load_seed_filter(manifest, {small_filter(), second});
        return model ? std::string() : model.error();
    };
    EXPECT_EQ(error_of(manifest_of(), side_prefilter()), "");
    EXPECT_THAT(error_of(manifest_of(1.0), side_prefilter()), testing::HasSubstr("below 1"));
    EXPECT_THAT(error_of(manifest_of(), small_filter()), testing::HasSubstr("67 features"));
    Manifest manifest = manifest_of();
    manifest.parameters.clear();
    EXPECT_THAT(error_of(manifest, side_prefilter()), testing::HasSubstr("prefilter_threshold"));
}

// oneDNN allocates while it executes; the seed filter itself must not.
TEST(Prefilter, allocates_nothing_beside_the_engine) {
    const auto model = model_of(small_filter());
    const DoubletSamples samples = make_doublet_samples(9, 1, 64);
    tests::WireEvents events;
    events.add(streams::PayloadType::pixel_doublets, tests::doublet_message(samples, 0, 64));
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    engine::NetworkRunner filter(*engine::Network::compile(small_filter(), {.max_batch = 64}));
    engine::NetworkRunner prefilter(*engine::Network::compile(side_prefilter(), {.max_batch = 64}));
    std::size_t passed = 0;
    for (std::size_t i = 0; i < 64; ++i) {
        passed += x_of(samples, i) > 0 ? 1 : 0;
    }
    (void)filter.run(passed);
    (void)prefilter.run(64);
    std::size_t of_scorer = 0, of_engine = 0;
    {
        const tests::AllocationGuard guard;
        scorer->score(events.all());
        of_scorer = guard.allocations();
    }
    {
        const tests::AllocationGuard guard;
        (void)prefilter.run(64);
        (void)filter.run(passed);
        of_engine = guard.allocations();
    }
    EXPECT_EQ(of_scorer, of_engine);
}

}  // namespace
}  // namespace tamis::models
