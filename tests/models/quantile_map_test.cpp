#include "models/quantile_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "engine/random.hpp"
#include "models/model_files.hpp"
#include "models/model_loader.hpp"
#include "tests/models/event_maker.hpp"
#include "tests/models/vae/small_vae.hpp"

namespace tamis::models {
namespace {

constexpr std::array kEdges = {20.0, 30.0};

struct Events {
    std::vector<float> scores, pileup;
};

// Exponential scores whose scale grows with pile-up.
Events growing_scores(std::uint64_t seed, std::size_t count) {
    Events events;
    for (std::size_t i = 0; i < count; ++i) {
        const float pileup = 10 + 30 * engine::random_uniform(seed, 1, i);
        events.pileup.push_back(pileup);
        events.scores.push_back(-std::log(1 - engine::random_uniform(seed, 2, i)) * pileup / 10);
    }
    return events;
}

// Of the events of a third of the pile-up range that lie above the score that `fraction` of all do.
std::vector<double> fractions_above(const Events& events, double fraction) {
    std::vector<float> falling = events.scores;
    std::sort(falling.begin(), falling.end(), std::greater<>());
    const float threshold =
        falling[static_cast<std::size_t>(fraction * static_cast<double>(falling.size()))];
    std::vector<double> passed(3), all(3);
    for (std::size_t i = 0; i < events.scores.size(); ++i) {
        const std::size_t bin = events.pileup[i] <= 20 ? 0 : (events.pileup[i] <= 30 ? 1 : 2);
        all[bin] += 1;
        passed[bin] += events.scores[i] > threshold ? 1 : 0;
    }
    for (std::size_t bin = 0; bin < 3; ++bin) passed[bin] /= all[bin];
    return passed;
}

TEST(QuantileMap, one_threshold_accepts_as_much_in_every_bin) {
    const Events fitted = growing_scores(1, 60'000);
    const auto map = QuantileMap::fit(fitted.scores, fitted.pileup, kEdges).value();
    Events others = growing_scores(2, 60'000);
    const auto before = fractions_above(others, 0.01);
    EXPECT_GT(before[2], 4 * before[0]);
    for (std::size_t i = 0; i < others.scores.size(); ++i) {
        others.scores[i] = map(others.scores[i], others.pileup[i]);
    }
    for (const double fraction : {0.3, 0.01}) {
        for (const double passed : fractions_above(others, fraction)) {
            // Three and a half standard deviations of some 20,000 events of both samples.
            EXPECT_NEAR(passed, fraction, 3.5 * std::sqrt(2 * fraction / 20'000)) << fraction;
        }
    }
}

TEST(QuantileMap, rises_everywhere_and_beyond_the_sample) {
    const Events fitted = growing_scores(1, 6'000);
    const auto map = QuantileMap::fit(fitted.scores, fitted.pileup, kEdges).value();
    for (const float pileup : {5.0F, 20.0F, 25.0F, 90.0F}) {
        float last = map(-5, pileup);
        for (float score = -4.9F; score < 200; score += 0.1F) {
            const float mapped = map(score, pileup);
            EXPECT_GE(mapped, last) << score;
            last = mapped;
        }
        EXPECT_NEAR(map(1001, pileup) - map(1000, pileup), 1, 1e-3);
    }
    EXPECT_EQ(map(7, 20), map(7, 15)) << "an edge belongs to the bin below";
    EXPECT_EQ(map(7, std::numeric_limits<float>::quiet_NaN()), 7);
}

TEST(QuantileMap, is_written_and_read_back_and_a_thin_bin_is_refused) {
    const Events fitted = growing_scores(1, 6'000);
    const auto map = QuantileMap::fit(fitted.scores, fitted.pileup, kEdges).value();
    Manifest manifest;
    EXPECT_FALSE(has_quantile_map(manifest));
    map.write_into(manifest);
    map.write_into(manifest);
    EXPECT_EQ(manifest.parameters.size(), 5U);
    EXPECT_TRUE(has_quantile_map(manifest));
    const auto again = QuantileMap::read(manifest).value();
    for (const float score : {0.1F, 3.0F, 500.0F}) {
        EXPECT_EQ(again(score, 25), map(score, 25));
    }
    manifest.parameters[3].values[4] = 1e9;
    EXPECT_NE(QuantileMap::read(manifest).error().find("quantile_map_bin_1' falls"),
              std::string::npos);
    manifest.parameters.pop_back();
    manifest.parameters[3].values[4] = manifest.parameters[3].values[3];
    EXPECT_NE(QuantileMap::read(manifest).error().find("quantile_map_bin_2"), std::string::npos);
    const auto thin = QuantileMap::fit(fitted.scores, fitted.pileup, std::array{11.0});
    ASSERT_FALSE(thin);
    EXPECT_NE(thin.error().find("bin 1 of pile-up has"), std::string::npos) << thin.error();
}

TEST(MappedModel, maps_the_score_by_the_last_input_and_nothing_else) {
    const auto weights = tests::small_vae_weights();
    ModelFiles files;
    files.manifest = tests::small_vae_manifest(weights.parameters);
    NetworkFile entry;
    entry.file = "vae.onnx";
    add_network(files, std::move(entry), weights.scoring_graph);
    const auto plain = load_model(files.manifest, files.networks).value();
    const FeatureTable rows = tests::background(3000, 5000);
    std::vector<float> plain_answers(rows.rows() * plain->score_columns().size());
    plain->score_table(rows.values, plain_answers);
    Events events;
    FeatureTable wider;
    const std::size_t width = plain->score_columns().size();
    for (std::size_t row = 0; row < rows.rows(); ++row) {
        events.scores.push_back(plain_answers[row * width]);
        events.pileup.push_back(row % 2 == 0 ? 15.0F : 25.0F);
        const auto values = rows.row(row);
        wider.values.insert(wider.values.end(), values.begin(), values.end());
        wider.values.push_back(events.pileup.back());
    }
    const auto map = QuantileMap::fit(events.scores, events.pileup, std::array{20.0}).value();
    map.write_into(files.manifest);
    const auto mapped = load_model(files.manifest, files.networks).value();
    ASSERT_EQ(mapped->input_columns().size(), 22U);
    EXPECT_EQ(mapped->input_columns().back(), "average_mu");
    EXPECT_NE(mapped->hash(), plain->hash());
    std::vector<float> answers(plain_answers.size());
    mapped->score_table(wider.values, answers);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
        EXPECT_EQ(answers[row * width], map(events.scores[row], events.pileup[row]));
        for (std::size_t column = 1; column < width; ++column) {
            ASSERT_EQ(answers[row * width + column], plain_answers[row * width + column]);
        }
    }
    // On events: by the pile-up of their clusters; without clusters as it is.
    files.manifest.working_points = {{.name = "only", .bins = {{.offset = 0}}}};
    const auto on_events = load_model(files.manifest, files.networks).value();
    for (const float pileup : {15.0F, 25.0F, 0.0F}) {
        streams::Event event = tests::event_of(tests::w_like_objects());
        if (pileup > 0) {
            wire::CalorimeterClusters clusters;
            clusters.set_average_mu(pileup);
            tests::add_payload(event, streams::PayloadType::calorimeter_clusters,
                               clusters.SerializeAsString());
        }
        EventInputs inputs;
        inputs.attach(event);
        std::array<EventInputs*, 1> batch = {&inputs};
        const auto plain_scorer = plain->make_scorer(1);
        const auto scorer = on_events->make_scorer(1);
        plain_scorer->score(batch);
        scorer->score(batch);
        ASSERT_EQ(scorer->status(0), ScoreStatus::scored);
        const float unmapped = plain_scorer->score_of(0);
        EXPECT_EQ(scorer->score_of(0), pileup > 0 ? map(unmapped, pileup) : unmapped);
        EXPECT_EQ(scorer->cut(0, 0).score, scorer->score_of(0));
        EXPECT_EQ(scorer->cut(0, 0).passed, scorer->score_of(0) > 0);
        EXPECT_EQ(scorer->explanation(0).contributions.size(), 21U);
    }
    files.manifest.parameters.back().values.pop_back();
    const auto broken = load_model(files.manifest, files.networks);
    ASSERT_FALSE(broken);
    EXPECT_NE(broken.error().find("quantile_map_bin_1"), std::string::npos) << broken.error();
}

}  // namespace
}  // namespace tamis::models
