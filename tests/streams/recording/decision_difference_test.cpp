// In what a decision made again differs, and why.
#include "streams/recording/decision_difference.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tamis::streams {
namespace {

class DifferenceTest : public testing::Test {
 protected:
    DifferenceTest() {
        recorded_.outcome = Outcome::accepted;
        recorded_.menu_hash = 3;
        recorded_.model_hashes = {11, 12};
        recorded_.paths = {{0, true, false, 1.25F, 1.0F}, {2, false, true, 0, 0}};
        recorded_.streams = {"anomaly", "physics"};
        now_.outcome = Outcome::accepted;
        now_.streams = 3;
        now_.paths = recorded_.paths;
        context_.menu_hash = 3;
        context_.model_hashes = {11, 12};
        context_.stream_names = {"physics", "anomaly", "debug"};
    }
    std::string cause() {
        const auto difference = find();
        return difference ? std::string(to_string(difference->cause)) : "none";
    }
    std::optional<DecisionDifference> find() {
        return find_difference(recorded_, now_, context_, paths_);
    }

    RecordedDecision recorded_;
    Decision now_;
    DecisionContext context_;
    std::vector<DecidingPath> paths_ = {{"tight", 1}, {"loose", 1}, {"cut", std::nullopt}};
};

TEST_F(DifferenceTest, is_none_when_only_menu_and_thresholds_differ) {
    EXPECT_EQ(cause(), "none");
    context_.menu_hash = 4;
    now_.paths[0].threshold = 1.2F;
    EXPECT_EQ(cause(), "none");
}

TEST_F(DifferenceTest, is_the_threshold_when_the_score_is_the_same) {
    context_.menu_hash = 4;
    now_.paths[0].threshold = 2;
    now_.paths[0].accepted = false;
    now_.outcome = Outcome::rejected;
    now_.streams = 0;
    EXPECT_EQ(cause(), "threshold");
    EXPECT_EQ(find()->text,
              "verdict of path tight: yes recorded, no now; threshold: 1 (3f800000) recorded, 2 "
              "(40000000) now");
}

TEST_F(DifferenceTest, is_the_model_when_its_hash_and_the_score_differ) {
    now_.paths[0].score = std::nextafter(1.25F, 2.0F);
    EXPECT_EQ(cause(), "build") << "by a single bit, with the same menu and model";
    EXPECT_EQ(find()->text,
              "score of path tight: 1.25 (3fa00000) recorded, 1.25000012 (3fa00001) now");
    context_.model_hashes[0] = 99;  // of another path
    EXPECT_EQ(cause(), "build");
    context_.model_hashes[1] = 99;
    EXPECT_EQ(cause(), "model");
}

TEST_F(DifferenceTest, is_the_menu_when_another_one_seeds_prescales_or_routes_otherwise) {
    context_.menu_hash = 4;
    now_.paths.pop_back();
    EXPECT_EQ(cause(), "menu");
    EXPECT_EQ(find()->text, "seed of path cut: yes recorded, no now");
    now_.paths = recorded_.paths;
    now_.paths.push_back({1, false, false, 0, 0});
    EXPECT_EQ(find()->text, "seed of path loose: no recorded, yes now");
    now_.paths = recorded_.paths;
    now_.paths[1].prescaled_away = false;
    now_.paths[1].accepted = true;
    EXPECT_EQ(cause(), "menu");
    now_.paths = recorded_.paths;
    now_.streams = 1;
    EXPECT_EQ(cause(), "menu");
    EXPECT_EQ(find()->text, "streams: anomaly, physics recorded, physics now");
}

TEST_F(DifferenceTest, is_the_build_when_menu_and_models_are_the_same) {
    now_.outcome = Outcome::debug_crash;
    EXPECT_EQ(cause(), "build");
    EXPECT_EQ(find()->text, "outcome: accepted recorded, debug crash now");
    now_.outcome = Outcome::accepted;
    now_.paths[1].prescaled_away = false;
    EXPECT_EQ(cause(), "build");
    EXPECT_EQ(find()->text, "prescaled away of path cut: yes recorded, no now");
}

}  // namespace
}  // namespace tamis::streams
