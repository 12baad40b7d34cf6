#include "models/fixed_point/fixed_point_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "engine/random.hpp"
#include "models/catalogue.hpp"
#include "models/fixed_point/input_schemas.hpp"
#include "tests/models/event_maker.hpp"
#include "tests/models/fixed_point/small_tables.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using testing::HasSubstr;

Manifest manifest_of(AnomalyTrigger trigger) {
    Manifest manifest;
    manifest.name = "trigger";
    manifest.kind = to_string(trigger);
    manifest.schema = schema_of(trigger);
    manifest.features = features_of(trigger);
    manifest.networks.emplace_back();
    return manifest;
}

std::string error_of(const Manifest& manifest, const std::string& table) {
    const auto model = make_model_of_files(manifest, std::array{table});
    return model ? std::string() : model.error();
}

std::shared_ptr<const Model> object_model(Manifest manifest) {
    return make_model_of_files(manifest, std::array{tests::encoder_table(21).dump()}).value();
}

std::vector<float> object_row(std::uint64_t index) {
    std::vector<float> row(57);
    for (std::size_t i = 0; i < row.size(); ++i) {
        row[i] = static_cast<float>(engine::random_below(600, index, 3, i)) - 100;
    }
    return row;
}

streams::Event event_of(std::string_view schema, const std::vector<float>& values) {
    wire::Features features;
    features.set_schema(std::string(schema));
    features.mutable_values()->Assign(values.begin(), values.end());
    return tests::event_of(features);
}

TEST(FixedPointModel, names_the_objects_and_the_terms_of_the_score) {
    const auto model = object_model(manifest_of(AnomalyTrigger::axol1tl));
    const auto inputs = model->input_columns();
    ASSERT_EQ(inputs.size(), 57U);
    EXPECT_EQ(inputs[0], "met_et");
    EXPECT_EQ(inputs[3], "eg0_et");
    EXPECT_EQ(inputs[16], "mu0_eta");
    EXPECT_EQ(inputs[27], "jet0_et");
    EXPECT_EQ(inputs[56], "jet9_phi");
    EXPECT_THAT(model->score_columns(),
                testing::ElementsAre("score", "mu_0", "mu_1", "mu_2", "mu_3", "mu_4", "mu_5",
                                     "mu_6", "mu_7"));
    EXPECT_EQ(model->contribution_names()[7], "mu_7");
}

TEST(FixedPointModel, names_the_regions_of_the_image) {
    const Manifest manifest = manifest_of(AnomalyTrigger::cicada);
    const auto model =
        make_model_of_files(manifest, std::array{tests::region_table(4).dump()}).value();
    ASSERT_EQ(model->input_columns().size(), 252U);
    EXPECT_EQ(model->input_columns()[251], "r251");
    EXPECT_EQ(model->score_columns()[5], "hidden_4");
}

TEST(FixedPointModel, scores_the_payload_of_its_schema_and_says_what_is_wrong_with_others) {
    const auto model = object_model(manifest_of(AnomalyTrigger::axol1tl));
    std::vector<float> broken = object_row(1);
    broken[5] = 3.5F;
    std::vector<float> too_large = object_row(1);
    too_large[5] = 16777216.0F;
    std::vector<float> not_finite = object_row(1);
    not_finite[5] = std::numeric_limits<float>::quiet_NaN();
    const std::array<streams::Event, 6> events = {
        event_of(kObjectSchema, object_row(1)), event_of("others", object_row(1)),
        event_of(kObjectSchema, {1, 2, 3}),     event_of(kObjectSchema, broken),
        event_of(kObjectSchema, too_large),     event_of(kObjectSchema, not_finite),
    };
    std::array<EventInputs, 6> inputs;
    std::array<EventInputs*, 6> pointers{};
    for (std::size_t i = 0; i < events.size(); ++i) {
        inputs[i].attach(events[i]);
        pointers[i] = &inputs[i];
    }
    const auto scorer = model->make_scorer(6);
    scorer->score(pointers);
    EXPECT_EQ(scorer->status(0), ScoreStatus::scored);
    EXPECT_EQ(scorer->status(1), ScoreStatus::missing_input);
    EXPECT_EQ(scorer->status(2), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(3), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(4), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(5), ScoreStatus::non_finite_input);
    EXPECT_TRUE(scorer->explanation(3).contributions.empty());
    std::vector<float> answer(model->score_columns().size());
    model->score_table(object_row(1), answer);
    EXPECT_EQ(scorer->score_of(0), answer[0]);
    EXPECT_THAT(scorer->explanation(0).contributions,
                testing::ElementsAreArray(std::span(answer).subspan(1)));
    const tests::AllocationGuard guard;
    scorer->score(pointers);
    const std::size_t allocations = guard.allocations();
    EXPECT_EQ(allocations, 0U);
}

TEST(FixedPointModel, passes_above_the_threshold_of_a_working_point) {
    const std::vector<float> row = object_row(2);
    std::vector<float> answer(9);
    Manifest manifest = manifest_of(AnomalyTrigger::axol1tl);
    object_model(manifest)->score_table(row, answer);
    ASSERT_GT(answer[0], 0);
    for (const double margin : {-0.03125, 0.0, 0.03125}) {
        manifest.working_points.emplace_back().name = "at" + std::to_string(margin);
        manifest.working_points.back().bins.emplace_back().offset = double{answer[0]} + margin;
    }
    const auto model = object_model(manifest);
    const streams::Event event = event_of(manifest.schema, row);
    EventInputs inputs;
    inputs.attach(event);
    const auto scorer = model->make_scorer(1);
    scorer->score(std::array{&inputs});
    EXPECT_TRUE(scorer->cut(0, 0).passed);
    EXPECT_FALSE(scorer->cut(0, 1).passed);
    EXPECT_FALSE(scorer->cut(0, 2).passed);
}

TEST(FixedPointModel, events_score_the_same_in_every_batch) {
    const auto model = object_model(manifest_of(AnomalyTrigger::axol1tl));
    constexpr std::size_t kEvents = 40;
    std::vector<streams::Event> events;
    std::vector<float> expected;
    for (std::size_t i = 0; i < kEvents; ++i) {
        events.push_back(event_of(model->manifest().schema, object_row(i)));
        std::vector<float> answer(9);
        model->score_table(object_row(i), answer);
        expected.push_back(answer[0]);
    }
    std::vector<EventInputs> inputs(kEvents);
    std::vector<EventInputs*> pointers;
    for (std::size_t i = 0; i < kEvents; ++i) {
        inputs[i].attach(events[i]);
        pointers.push_back(&inputs[i]);
    }
    const auto scorer = model->make_scorer(kEvents);
    for (std::size_t batch = 1; batch <= kEvents; ++batch) {
        for (std::size_t first = 0; first + batch <= kEvents; first += batch) {
            scorer->score(std::span(pointers).subspan(first, batch));
            for (std::size_t i = 0; i < batch; ++i) {
                ASSERT_EQ(scorer->score_of(i), expected[first + i]) << batch;
            }
        }
    }
}

TEST(FixedPointModel, rows_that_are_no_hardware_units_have_no_score) {
    const auto model = object_model(manifest_of(AnomalyTrigger::axol1tl));
    EXPECT_TRUE(model->takes(-40000));
    EXPECT_FALSE(model->takes(0.5));
    EXPECT_FALSE(model->takes(16777216));
    EXPECT_FALSE(model->takes(std::nan("")));
    std::vector<float> rows = object_row(1);
    const auto second = object_row(2);
    rows.insert(rows.end(), second.begin(), second.end());
    rows[3] = 0.25F;
    std::vector<float> answers(18);
    model->score_table(rows, answers);
    EXPECT_TRUE(std::isnan(answers[0]) && std::isnan(answers[8]));
    EXPECT_TRUE(std::isfinite(answers[9]));
}

TEST(FixedPointModel, refuses_tables_and_manifests_of_another_kind) {
    const std::string objects = tests::encoder_table(1).dump();
    const std::string regions = tests::region_table(1).dump();
    Manifest manifest = manifest_of(AnomalyTrigger::axol1tl);
    EXPECT_EQ(error_of(manifest, objects), "");
    EXPECT_THAT(error_of(manifest, regions), HasSubstr("57 inputs with \"input_scaling\""));
    EXPECT_THAT(error_of(manifest_of(AnomalyTrigger::cicada), objects),
                HasSubstr("252 with \"shape\" [18, 14, 1]"));
    EXPECT_THAT(error_of(manifest, "not a table"), HasSubstr("not a JSON object"));
    Manifest scaled = manifest;
    scaled.features[7].offset = 1;
    EXPECT_THAT(error_of(scaled, objects), HasSubstr("'eg1_eta' has an offset or a scale"));
    Manifest shorter = manifest;
    shorter.features.pop_back();
    EXPECT_THAT(error_of(shorter, objects), HasSubstr("56 features"));
    Manifest sloped = manifest;
    sloped.working_points.emplace_back().bins.emplace_back().slope = 1;
    EXPECT_THAT(error_of(sloped, objects), HasSubstr("one bin with an offset"));
    EXPECT_THAT(make_model(manifest, {}).error(), HasSubstr("has no ONNX network"));
}

}  // namespace
}  // namespace tamis::models
