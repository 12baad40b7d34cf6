#include "models/ringer/ringer_folds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/dense_bank.hpp"
#include "engine/onnx_writer.hpp"
#include "engine/random.hpp"

namespace tamis::models {
namespace {

// Two rings; an electron has more in the first. A part of the rows lies on the wrong side.
RingRows two_rings(std::size_t count, std::uint64_t seed) {
    const std::uint64_t stream = engine::stream_of("two rings");
    RingRows rows;
    rows.width = 2;
    for (std::size_t i = 0; i < count; ++i) {
        const bool is_electron = i % 3 == 0;
        const float shift = is_electron ? 1.0F : -1.0F;
        rows.rings.push_back(shift + engine::random_normal(seed, stream, 2 * i));
        rows.rings.push_back(engine::random_normal(seed, stream, 2 * i + 1));
        rows.labels.push_back(is_electron ? 1.0F : 0.0F);
    }
    return rows;
}

RingerFolds quick_folds() {
    RingerFolds folds;
    folds.folds = 4;
    folds.initialisations = 2;
    folds.training.max_epochs = 8;
    folds.training.patience = 3;
    folds.training.mini_batch = 32;
    return folds;
}

TEST(RingerFolds, hold_the_same_share_of_each_class) {
    const RingRows rows = two_rings(301, 1);
    const auto fold_of = assign_folds(rows.labels, 4, 9);
    std::array<std::array<int, 2>, 4> count{};
    for (std::size_t i = 0; i < fold_of.size(); ++i) {
        ++count.at(fold_of[i])[rows.labels[i] > 0 ? 1 : 0];
    }
    for (const auto& fold : count) {
        EXPECT_NEAR(fold[0], 200 / 4.0, 1);
        EXPECT_NEAR(fold[1], 101 / 4.0, 1);
    }
}

TEST(RingerFolds, are_drawn_by_the_seed) {
    const RingRows rows = two_rings(300, 1);
    EXPECT_EQ(assign_folds(rows.labels, 4, 9), assign_folds(rows.labels, 4, 9));
    EXPECT_NE(assign_folds(rows.labels, 4, 9), assign_folds(rows.labels, 4, 10));
    // Not dealt in the order of the rows.
    const auto fold_of = assign_folds(rows.labels, 4, 9);
    int in_turn = 0;
    for (std::size_t i = 3; i < fold_of.size(); i += 3) {
        in_turn += fold_of[i] == (fold_of[i - 3] + 1) % 4 ? 1 : 0;
    }
    EXPECT_LT(in_turn, 60);
}

TEST(RingerFolds, best_start_of_each_fold_and_best_fold_are_kept) {
    const RingRows rows = two_rings(600, 2);
    const auto validated = cross_validate("two", rows, quick_folds());
    ASSERT_TRUE(validated.has_value()) << validated.error();
    ASSERT_EQ(validated->folds.size(), 4U);
    for (const FoldResult& fold : validated->folds) {
        EXPECT_GT(fold.validation.sp, 0.7);
        EXPECT_LE(fold.operation.sp, validated->folds[validated->chosen].operation.sp);
        EXPECT_LT(fold.initialisation, 2U);
    }
    RingerFolds single = quick_folds();
    single.initialisations = 1;
    const auto alone = cross_validate("two", rows, single);
    ASSERT_TRUE(alone.has_value());
    int better = 0;
    for (std::size_t fold = 0; fold < 4; ++fold) {
        EXPECT_EQ(alone->folds[fold].initialisation, 0U);
        EXPECT_LE(alone->folds[fold].validation.sp, validated->folds[fold].validation.sp);
        better += validated->folds[fold].initialisation == 1 ? 1 : 0;
    }
    EXPECT_GT(better, 0);  // a second start was worth something in this sample
}

TEST(RingerFolds, held_out_scores_are_of_networks_that_have_not_seen_the_row) {
    const RingRows rows = two_rings(600, 2);
    const auto validated = cross_validate("two", rows, quick_folds());
    ASSERT_TRUE(validated.has_value());
    const auto bank = engine::DenseBank::make(std::span(&validated->graph, 1));
    ASSERT_TRUE(bank.has_value());
    const std::vector<std::uint32_t> networks(rows.count(), 0);
    std::vector<float> scores(rows.count());
    (*bank)->score(rows.rings, networks, scores);
    // Of the kept network are the rows of its own fold, no others.
    const auto fold_of = assign_folds(rows.labels, 4, quick_folds().training.seed);
    for (std::size_t i = 0; i < rows.count(); ++i) {
        EXPECT_EQ(validated->held_out[i] == scores[i], fold_of[i] == validated->chosen) << i;
    }
}

TEST(RingerFolds, give_the_same_network_again) {
    const RingRows rows = two_rings(300, 3);
    const auto first = cross_validate("two", rows, quick_folds());
    const auto again = cross_validate("two", rows, quick_folds());
    ASSERT_TRUE(first.has_value() && again.has_value());
    EXPECT_EQ(engine::write_onnx(first->graph), engine::write_onnx(again->graph));
    RingerFolds other = quick_folds();
    other.training.seed = 5;
    const auto different = cross_validate("two", rows, other);
    ASSERT_TRUE(different.has_value());
    EXPECT_NE(engine::write_onnx(first->graph), engine::write_onnx(different->graph));
}

TEST(RingerFolds, the_network_ends_without_activation) {
    const auto validated = cross_validate("two", two_rings(300, 3), quick_folds());
    ASSERT_TRUE(validated.has_value());
    std::set<std::string> activations;
    for (const engine::Node& node : validated->graph.nodes) {
        if (node.op == "Tanh" || node.op == "Sigmoid") {
            activations.insert(node.op);
            EXPECT_EQ(std::count(validated->graph.outputs.begin(), validated->graph.outputs.end(),
                                 node.outputs.front()),
                      0);
        }
    }
    EXPECT_EQ(activations, std::set<std::string>{"Tanh"});
}

TEST(RingerFolds, spread_is_mean_and_deviation_over_folds) {
    CrossValidation validated;
    validated.folds.resize(3);
    validated.folds[0].validation.sp = 0.8;
    validated.folds[1].validation.sp = 0.9;
    validated.folds[2].validation.sp = 1.0;
    const Spread sp = validated.spread(&SpPoint::sp);
    EXPECT_NEAR(sp.mean, 0.9, 1e-12);
    EXPECT_NEAR(sp.deviation, 0.1, 1e-12);
}

}  // namespace
}  // namespace tamis::models
