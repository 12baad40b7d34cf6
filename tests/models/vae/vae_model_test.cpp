#include "models/vae/vae_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "models/vae/vae_network.hpp"
#include "tests/models/event_maker.hpp"
#include "tests/models/synthetic_events.hpp"
#include "tests/models/vae/small_vae.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using tests::event_of;
using Events = tests::SyntheticEvents;
using ModelPointer = std::shared_ptr<const Model>;

class VaeModelTest : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        weights_ = std::make_unique<vae::VaeWeights>(tests::small_vae_weights());
    }
    static void TearDownTestSuite() { weights_.reset(); }

    [[nodiscard]] static Manifest manifest() {
        return tests::small_vae_manifest(weights_->parameters);
    }
    [[nodiscard]] static ModelPointer model() {
        return load_vae(manifest(), {weights_->scoring_graph}).value();
    }
    [[nodiscard]] static std::string refusal(const Manifest& changed) {
        const auto loaded = load_vae(changed, {weights_->scoring_graph});
        return loaded ? "" : loaded.error();
    }

    static std::unique_ptr<vae::VaeWeights> weights_;
};
std::unique_ptr<vae::VaeWeights> VaeModelTest::weights_;

ScoreStatus status_of_event(const Model& model, const streams::Event& event) {
    EventInputs inputs;
    inputs.attach(event);
    const auto scorer = model.make_scorer(1);
    EventInputs* const pointer = &inputs;
    scorer->score(std::span(&pointer, 1));
    EXPECT_FALSE(scorer->cut(0, 0).passed && scorer->status(0) != ScoreStatus::scored);
    return scorer->status(0);
}

TEST_F(VaeModelTest, scores_do_not_depend_on_the_batch) {
    const ModelPointer vae = model();
    const Events events(150);
    const auto whole = vae->make_scorer(150);
    whole->score(events.all());
    std::vector<float> scores(150);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        ASSERT_EQ(whole->status(i), ScoreStatus::scored) << i;
        scores[i] = whole->score_of(i);
    }
    EXPECT_GT(*std::max_element(scores.begin(), scores.end()), scores.front());
    for (const std::size_t batch : {1U, 2U, 3U, 7U, 16U, 33U, 64U, 65U}) {
        const auto scorer = vae->make_scorer(batch);
        for (std::size_t first = 0; first + batch <= scores.size(); first += batch) {
            scorer->score(events.part(first, batch));
            for (std::size_t i = 0; i < batch; ++i) {
                ASSERT_EQ(scorer->score_of(i), scores[first + i]) << batch << " " << first + i;
            }
        }
    }
}

TEST_F(VaeModelTest, table_gives_the_same_score_and_its_parts) {
    const ModelPointer vae = model();
    const Events events(5);
    const auto scorer = vae->make_scorer(5);
    scorer->score(events.all());
    const auto columns = vae->score_columns();
    ASSERT_EQ(columns.size(), 26U);
    EXPECT_EQ(columns[0], "score");
    EXPECT_EQ(columns[5], "nll_HT");
    for (std::size_t i = 0; i < 5; ++i) {
        const HighLevelFeatures& row = **events.all()[i]->high_level_features();
        std::vector<float> answer(columns.size());
        vae->score_table(row, answer);
        EXPECT_EQ(answer[0], scorer->score_of(i));
        EXPECT_EQ(answer[1], answer[0]);
        EXPECT_NEAR(answer[3], answer[1] + 0.3F * answer[2], 1e-4F * std::abs(answer[3]));
        const auto terms = scorer->explanation(i).contributions;
        ASSERT_EQ(terms.size(), vae->contribution_names().size());
        EXPECT_NEAR(std::accumulate(terms.begin(), terms.end(), 0.0), answer[0],
                    1e-4 * std::abs(answer[0]));
        EXPECT_TRUE(std::equal(terms.begin(), terms.end(), answer.begin() + 5));
    }
}

TEST_F(VaeModelTest, cut_compares_with_the_working_point) {
    const ModelPointer vae = model();
    ASSERT_EQ(vae->find_working_point("middle"), 0U);
    EXPECT_FALSE(vae->find_working_point("tight").has_value());
    const Events events(60);
    const auto scorer = vae->make_scorer(60);
    scorer->score(events.all());
    std::size_t passed = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        const Cut cut = scorer->cut(i, 0);
        EXPECT_EQ(cut.threshold, 40);
        EXPECT_EQ(cut.passed, scorer->score_of(i) > 40);
        passed += cut.passed ? 1 : 0;
    }
    EXPECT_GT(passed, 0U);
    EXPECT_LT(passed, 60U);
}

TEST_F(VaeModelTest, status_tells_why_an_event_has_no_score) {
    const ModelPointer vae = model();
    streams::Event nothing;
    tests::add_payload(nothing, streams::PayloadType::raw, "bytes");
    EXPECT_EQ(status_of_event(*vae, nothing), ScoreStatus::missing_input);

    wire::PhysicsObjects without_lepton;
    without_lepton.set_met_pt(40);
    EXPECT_EQ(status_of_event(*vae, event_of(without_lepton)), ScoreStatus::not_applicable);

    streams::Event broken;
    tests::add_payload(broken, streams::PayloadType::physics_objects, "\xff\xff\xff");
    EXPECT_EQ(status_of_event(*vae, broken), ScoreStatus::malformed_input);

    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        wire::PhysicsObjects objects = tests::w_like_objects();
        objects.set_met_pt(bad);
        EXPECT_EQ(status_of_event(*vae, event_of(objects)), ScoreStatus::non_finite_input);
    }
    EXPECT_EQ(status_of_event(*vae, event_of(tests::w_like_objects())), ScoreStatus::scored);
}

TEST_F(VaeModelTest, bad_event_does_not_disturb_its_neighbours) {
    const ModelPointer vae = model();
    wire::PhysicsObjects bad = tests::w_like_objects();
    bad.set_met_pt(std::numeric_limits<float>::quiet_NaN());
    const streams::Event good_event = event_of(tests::w_like_objects());
    const streams::Event bad_event = event_of(bad);
    std::array<EventInputs, 3> inputs;
    inputs[0].attach(good_event);
    inputs[1].attach(bad_event);
    inputs[2].attach(good_event);
    const std::array<EventInputs*, 3> pointers = {&inputs[0], &inputs[1], &inputs[2]};
    const auto scorer = vae->make_scorer(3);
    scorer->score(pointers);
    EXPECT_EQ(scorer->status(0), ScoreStatus::scored);
    EXPECT_EQ(scorer->status(1), ScoreStatus::non_finite_input);
    EXPECT_EQ(scorer->score_of(1), 0);
    EXPECT_TRUE(scorer->explanation(1).contributions.empty());
    EXPECT_EQ(scorer->score_of(2), scorer->score_of(0));
}

TEST_F(VaeModelTest, row_that_is_not_finite_answers_nan) {
    std::vector<float> row(kHighLevelFeatureCount, 1.0F);
    row[17] =
        std::numeric_limits<float>::quiet_NaN();  // the charge: its likelihood alone is finite
    std::vector<float> answer(26);
    model()->score_table(row, answer);
    EXPECT_TRUE(std::isnan(answer[0]));
}

TEST_F(VaeModelTest, scoring_allocates_nothing) {
    const ModelPointer vae = model();
    const Events events(40);
    const auto scorer = vae->make_scorer(40);
    scorer->score(events.all());
    const tests::AllocationGuard guard;
    scorer->score(events.all());
    EXPECT_EQ(guard.allocations(), 0U);
}

TEST_F(VaeModelTest, manifest_that_does_not_fit_is_refused_with_the_reason) {
    EXPECT_EQ(refusal(manifest()), "");
    Manifest changed = manifest();
    changed.features[6].name = "LeptonPt";
    EXPECT_NE(refusal(changed).find("feature 6 is 'LeptonPt'; right is 'LepPt'"),
              std::string::npos);
    changed = manifest();
    changed.features[0].scale = 2;
    EXPECT_NE(refusal(changed).find("feature 'HT' has an offset or scale"), std::string::npos);
    changed = manifest();
    changed.features.pop_back();
    EXPECT_NE(refusal(changed).find("20 features"), std::string::npos);
    changed = manifest();
    changed.parameters[0].values.pop_back();
    EXPECT_NE(refusal(changed).find("'prior_mean' has 3 values; right are 4"), std::string::npos);
    changed = manifest();
    changed.parameters[1].values[2] = 0;
    EXPECT_NE(refusal(changed).find("prior_sigma"), std::string::npos);
    changed = manifest();
    changed.working_points[0].bins.push_back({});
    EXPECT_NE(refusal(changed).find("working point 'middle' has a slope, or bins of pile-up"),
              std::string::npos);
}

TEST_F(VaeModelTest, network_of_another_shape_is_refused) {
    const auto encoder_only = load_vae(manifest(), {vae::make_encoder({}, 1)});
    ASSERT_FALSE(encoder_only.has_value());
    EXPECT_NE(encoder_only.error().find("the network has 2 outputs; right are mu,"),
              std::string::npos);
    const auto none = load_vae(manifest(), {});
    ASSERT_FALSE(none.has_value());
    engine::Graph renamed = weights_->scoring_graph;
    std::swap(renamed.outputs[0], renamed.outputs[1]);
    const auto swapped = load_vae(manifest(), {renamed});
    ASSERT_FALSE(swapped.has_value());
    EXPECT_NE(swapped.error().find("right is 'mu' of 4"), std::string::npos);
}

TEST_F(VaeModelTest, unknown_kind_names_those_there_are) {
    Manifest changed = manifest();
    changed.kind = "vea";
    const auto made = make_model(changed, {weights_->scoring_graph});
    ASSERT_FALSE(made.has_value());
    EXPECT_NE(made.error().find("kind 'vea' is not known; right are vae"), std::string::npos);
}

}  // namespace
}  // namespace tamis::models
