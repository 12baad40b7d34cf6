#include "models/network_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/graph_builder.hpp"
#include "models/catalogue.hpp"
#include "tests/models/event_maker.hpp"
#include "tests/models/network_allocations.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

// Inputs a (3) and b (2) joined; outputs "sum" (1) and "both" (5).
engine::Graph two_input_network() {
    engine::GraphBuilder net("two_inputs", 1);
    const auto a = net.input("a", {3});
    const auto b = net.input("b", {2});
    const auto both = net.concat({a, b});
    const auto sum = net.dense(both, 1, "sum_layer", {.kernel = engine::Initialiser::one});
    net.output(sum, "sum");
    net.output(both, "both");
    return net.build();
}

Manifest plain_manifest() {
    Manifest manifest;
    manifest.name = "two_inputs";
    manifest.kind = "onnx";
    manifest.schema = "five_numbers";
    return manifest;
}

std::vector<float> answer_of(const Manifest& manifest, const std::vector<float>& row) {
    const auto model = load_network_model(manifest, {two_input_network()}).value();
    std::vector<float> answer(model->score_columns().size() * row.size() / 5);
    model->score_table(row, answer);
    return answer;
}

std::string refusal(const Manifest& manifest) {
    const auto loaded = load_network_model(manifest, {two_input_network()});
    return loaded ? "" : loaded.error();
}

TEST(NetworkModel, row_is_laid_over_the_inputs_one_after_the_other) {
    const auto model = load_network_model(plain_manifest(), {two_input_network()}).value();
    EXPECT_THAT(
        std::vector<std::string>(model->input_columns().begin(), model->input_columns().end()),
        testing::ElementsAre("x0", "x1", "x2", "x3", "x4"));
    EXPECT_THAT(
        std::vector<std::string>(model->score_columns().begin(), model->score_columns().end()),
        testing::ElementsAre("score", "sum", "both_0", "both_1", "both_2", "both_3", "both_4"));
    EXPECT_THAT(answer_of(plain_manifest(), {1, 2, 3, 4, 5}),
                testing::ElementsAre(15, 15, 1, 2, 3, 4, 5));
}

TEST(NetworkModel, features_are_normalised_by_the_manifest) {
    Manifest manifest = plain_manifest();
    for (const char* name : {"p", "q", "r", "s", "t"}) {
        FeatureSpec& feature = manifest.features.emplace_back();
        feature.name.assign(name);
        feature.offset = 1;
        feature.scale = 2;
    }
    EXPECT_THAT(answer_of(manifest, {1, 3, 5, 7, 9}), testing::ElementsAre(10, 10, 0, 1, 2, 3, 4));
    EXPECT_EQ(load_network_model(manifest, {two_input_network()}).value()->input_columns()[4], "t");
}

TEST(NetworkModel, each_reduction_by_hand) {
    const std::vector<float> row = {1, -2, 3, 0, 2};
    const auto score = [&row](const char* reduction, std::vector<double> values) {
        Manifest manifest = plain_manifest();
        manifest.parameters.push_back({.name = reduction, .values = std::move(values)});
        return answer_of(manifest, row)[0];
    };
    EXPECT_EQ(score("score.element", {1, 4}), 2);
    const double largest = std::exp(3.0);
    const double all = std::exp(1.0) + std::exp(-2.0) + largest + 1 + std::exp(2.0);
    EXPECT_NEAR(score("score.one_minus_max_softmax", {1}), 1 - largest / all, 1e-6);
    EXPECT_EQ(score("score.sum", {1}), 4);
    EXPECT_EQ(score("score.sum_of_squares", {1}), 18);
    EXPECT_EQ(score("score.max", {1}), 3);
    EXPECT_EQ(score("score.one_minus_max", {1}), -2);
    EXPECT_EQ(score("score.mean_squared_error", {1}), 0);
}

TEST(NetworkModel, manifest_that_does_not_fit_is_refused_with_the_reason) {
    const auto with = [](const char* name, std::vector<double> values) {
        Manifest manifest = plain_manifest();
        manifest.parameters.push_back({.name = name, .values = std::move(values)});
        return refusal(manifest);
    };
    EXPECT_NE(with("score.median", {0}).find("is no known reduction"), std::string::npos);
    EXPECT_NE(with("score.sum", {2}).find("names an output the network lacks; it has 2"),
              std::string::npos);
    EXPECT_NE(with("score.element", {1, 5}).find("beyond the 5"), std::string::npos);
    EXPECT_NE(with("score.element", {1}).find("1 values; right are 2"), std::string::npos);
    EXPECT_NE(with("score.mean_squared_error", {0}).find("1 values with a row of 5"),
              std::string::npos);
    Manifest twice = plain_manifest();
    twice.parameters = {{.name = "score.sum", .values = {1}}, {.name = "score.max", .values = {1}}};
    EXPECT_NE(refusal(twice).find("both say what the score is"), std::string::npos);
    Manifest features = plain_manifest();
    features.features.resize(4);
    EXPECT_NE(refusal(features).find("lists 4 features and the network takes 5"),
              std::string::npos);
    features.features.resize(5);
    features.features[3].scale = 0;
    EXPECT_NE(refusal(features).find("cannot be normalised"), std::string::npos);
}

wire::Features features_of(const std::string& schema, std::vector<float> values) {
    wire::Features features;
    features.set_schema(schema);
    features.mutable_values()->Assign(values.begin(), values.end());
    return features;
}

// An autoencoder of sorts that gives negative values back as zeros.
TEST(NetworkModel, a_reconstruction_error_is_explained_by_the_term_of_each_input) {
    engine::GraphBuilder net("clipped", 1);
    net.output(net.relu(net.input("x", {3})), "reconstruction");
    Manifest manifest = plain_manifest();
    manifest.parameters.push_back({.name = "score.mean_squared_error", .values = {0}});
    for (const char* name : {"p", "q", "r"}) {
        manifest.features.emplace_back().name.assign(name);
    }
    const auto model = make_model(manifest, {net.build()}).value();
    EXPECT_THAT(model->contribution_names(), testing::ElementsAre("p", "q", "r"));
    const std::array<streams::Event, 2> events = {
        tests::event_of(features_of("five_numbers", {1, 1, -6})),
        tests::event_of(features_of("five_numbers", {-3, 2, -1})),
    };
    std::array<EventInputs, 2> inputs;
    inputs[0].attach(events[0]);
    inputs[1].attach(events[1]);
    std::array<EventInputs*, 2> pointers = {&inputs[0], &inputs[1]};
    const auto scorer = model->make_scorer(2);
    scorer->score(pointers);
    EXPECT_THAT(scorer->explanation(0).contributions, testing::ElementsAre(0, 0, 12));
    EXPECT_THAT(scorer->explanation(1).contributions,
                testing::ElementsAre(3, 0, testing::FloatEq(1.0F / 3)));
    EXPECT_FLOAT_EQ(scorer->score_of(1), 10.0F / 3);
}

TEST(NetworkModel, scores_the_payload_of_its_schema) {
    const auto model = make_model(plain_manifest(), {two_input_network()}).value();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::array<streams::Event, 4> events = {
        tests::event_of(features_of("five_numbers", {1, 2, 3, 4, 5})),
        tests::event_of(features_of("others", {1, 2, 3, 4, 5})),
        tests::event_of(features_of("five_numbers", {1, 2, 3, 4})),
        tests::event_of(features_of("five_numbers", {1, 2, nan, 4, 5})),
    };
    std::array<EventInputs, 4> inputs;
    std::array<EventInputs*, 4> pointers{};
    for (std::size_t i = 0; i < events.size(); ++i) {
        inputs[i].attach(events[i]);
        pointers[i] = &inputs[i];
    }
    const auto scorer = model->make_scorer(4);
    scorer->score(pointers);
    EXPECT_EQ(scorer->status(0), ScoreStatus::scored);
    EXPECT_EQ(scorer->score_of(0), 15);
    EXPECT_THAT(scorer->explanation(0).contributions, testing::ElementsAre(15, 1, 2, 3, 4, 5));
    EXPECT_EQ(scorer->status(1), ScoreStatus::missing_input);
    EXPECT_EQ(scorer->status(2), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(3), ScoreStatus::non_finite_input);
    const tests::AllocationGuard guard;
    scorer->score(pointers);
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(allocations, tests::network_allocations(two_input_network(), 64, 1));
}

TEST(NetworkModel, threshold_is_that_of_the_events_pileup) {
    Manifest manifest = plain_manifest();
    WorkingPoint& point = manifest.working_points.emplace_back();
    point.name = "tight";
    point.bins.resize(2);
    point.bins[0].pileup_high = 30;
    point.bins[0].offset = 10;
    point.bins[1].pileup_low = 30;
    point.bins[1].offset = 20;
    const auto model = make_model(manifest, {two_input_network()}).value();
    std::array<streams::Event, 4> events;
    const std::array<float, 4> pileup = {30, 30.5F, 31, -1};
    for (std::size_t i = 0; i < events.size(); ++i) {
        events[i] = tests::event_of(features_of("five_numbers", {1, 2, 3, 4, 5}));
        if (pileup[i] >= 0) {
            wire::CalorimeterClusters clusters;
            clusters.set_average_mu(pileup[i]);
            tests::add_payload(events[i], streams::PayloadType::calorimeter_clusters,
                               clusters.SerializeAsString());
        }
    }
    std::array<EventInputs, 4> inputs;
    std::array<EventInputs*, 4> pointers{};
    for (std::size_t i = 0; i < events.size(); ++i) {
        inputs[i].attach(events[i]);
        pointers[i] = &inputs[i];
    }
    const auto scorer = model->make_scorer(4);
    scorer->score(pointers);
    EXPECT_TRUE(scorer->cut(0, 0).passed);  // the upper edge belongs to the bin
    EXPECT_EQ(scorer->cut(0, 0).threshold, 10);
    EXPECT_FALSE(scorer->cut(1, 0).passed);
    EXPECT_EQ(scorer->cut(2, 0).threshold, 20);
    EXPECT_EQ(scorer->status(3), ScoreStatus::scored);
    EXPECT_FALSE(scorer->cut(3, 0).passed);  // no clusters: nothing says which threshold
    manifest.working_points[0].bins[1].pileup_low = 31;
    EXPECT_NE(refusal(manifest).find("do not follow each other"), std::string::npos);
    manifest.working_points[0].bins[1].pileup_low = 30;
    manifest.working_points[0].bins[1].slope = 1;
    EXPECT_NE(refusal(manifest).find("has a slope"), std::string::npos);
}

TEST(NetworkModel, many_rows_answer_as_each_alone) {
    std::vector<float> rows;
    for (int i = 0; i < 5 * 200; ++i) {
        rows.push_back(std::sin(static_cast<float>(i)));
    }
    const std::vector<float> together = answer_of(plain_manifest(), rows);
    for (std::size_t i = 0; i < 200; ++i) {
        const auto first = rows.begin() + static_cast<std::ptrdiff_t>(5 * i);
        const auto alone = answer_of(plain_manifest(), {first, first + 5});
        ASSERT_EQ(together[7 * i], alone[0]) << i;
    }
}

}  // namespace
}  // namespace tamis::models
