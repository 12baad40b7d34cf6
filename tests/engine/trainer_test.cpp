#include "engine/trainer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "engine/graph_builder.hpp"
#include "engine/random.hpp"

namespace tamis::engine {
namespace {

// Two rings: linearly inseparable, learnt by a small network in a few epochs.
struct Rings {
    std::vector<float> points;
    std::vector<float> labels;
    std::size_t rows;

    Rings(std::size_t count, std::uint64_t seed) : rows(count) {
        for (std::size_t i = 0; i < count; ++i) {
            const float label = i % 2 == 0 ? 0.F : 1.F;
            const float radius = 1.F + label + 0.1F * random_normal(seed, 1, i);
            const float angle = 6.2831853F * random_uniform(seed, 2, i);
            points.push_back(radius * std::cos(angle));
            points.push_back(radius * std::sin(angle));
            labels.push_back(label);
        }
    }
    [[nodiscard]] Dataset data() const { return {{points}, labels, {}, rows}; }
};

Graph classifier(bool with_extras) {
    GraphBuilder net("rings", 21);
    GraphValue x = net.relu(net.dense(net.input("x", {2}), 16, "hidden1"));
    if (with_extras) x = net.dropout(net.batch_norm(x, "bn"), 0.1F);
    x = net.relu(net.dense(x, 16, "hidden2"));
    net.output(net.dense(x, 1, "logit"), "score");
    return net.build();
}

struct Trained {
    TrainingReport report;
    Graph graph;
};

Trained trained(bool with_extras, const TrainerConfig& config, float rate = 0.01F) {
    const Rings training(1000, 1);
    const Rings validation(300, 2);
    auto network = TrainableNetwork::create(classifier(with_extras), {64, false, 9});
    Optimizer adam({.learning_rate = rate});
    auto report = train(**network, adam, BinaryCrossEntropyWithLogits(),
                        {training.data(), validation.data()}, config);
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error());
    return {report.value_or(TrainingReport{}), (*network)->to_graph()};
}

TEST(Trainer, learns_what_no_linear_network_can) {
    for (const bool with_extras : {false, true}) {
        const Trained result = trained(with_extras, {.epochs = 30});
        EXPECT_GT(result.report.epochs.front().validation_loss, 0.3);
        EXPECT_LT(result.report.epochs.back().validation_loss, 0.08);
        EXPECT_GT(result.report.epochs.back().rows_per_second, 0.0);
    }
}

TEST(Trainer, gives_the_same_weights_bit_for_bit_from_the_same_seed) {
    for (const bool with_extras : {false, true}) {
        const Trained first = trained(with_extras, {.epochs = 3, .seed = 5});
        EXPECT_EQ(first.graph, trained(with_extras, {.epochs = 3, .seed = 5}).graph);
        EXPECT_NE(first.graph, trained(with_extras, {.epochs = 3, .seed = 6}).graph);
    }
}

TEST(Trainer, stops_early_and_keeps_the_best_epoch) {
    const Trained result =
        trained(false, {.epochs = 500, .early_stop_patience = 3, .early_stop_min_delta = 0.01});
    EXPECT_EQ(result.report.end, TrainingReport::End::early_stop);
    EXPECT_LT(result.report.epochs.size(), 500U);
    const Rings validation(300, 2);
    auto network = TrainableNetwork::create(result.graph, {64});
    const auto loss = evaluate_loss(**network, BinaryCrossEntropyWithLogits(), validation.data());
    const auto best =
        std::ranges::min_element(result.report.epochs, {}, &EpochReport::validation_loss);
    EXPECT_EQ(best->epoch, result.report.best_epoch);
    EXPECT_DOUBLE_EQ(*loss, best->validation_loss);
}

TEST(Trainer, lowers_the_learning_rate_on_a_plateau) {
    const Trained result = trained(
        false,
        {.epochs = 60, .plateau_patience = 2, .plateau_min_delta = 0.02, .plateau_factor = 0.5F});
    EXPECT_LT(result.report.epochs.back().learning_rate, 0.01F);
}

TEST(Trainer, names_the_layer_when_training_diverges_with_any_optimizer) {
    using Kind = OptimizerConfig::Kind;
    const Rings training(200, 1);
    for (const Kind kind :
         {Kind::sgd, Kind::nesterov, Kind::adagrad, Kind::rmsprop, Kind::adam, Kind::nadam}) {
        SCOPED_TRACE(static_cast<int>(kind));
        auto network = TrainableNetwork::create(classifier(false), {64});
        Optimizer optimizer({.kind = kind, .learning_rate = 1e30F, .momentum = 0.5F});
        const auto report =
            train(**network, optimizer, MeanSquaredError(), {training.data(), {}}, {.epochs = 5});
        ASSERT_FALSE(report.has_value());
        EXPECT_TRUE(report.error().find("hidden") != std::string::npos ||
                    report.error().find("logit") != std::string::npos)
            << report.error();
    }
}

TEST(Trainer, refuses_data_with_a_nan_that_a_relu_would_hide) {
    Rings training(200, 1);
    training.points[31] = std::numeric_limits<float>::quiet_NaN();
    auto network = TrainableNetwork::create(classifier(false), {64});
    Optimizer adam({.learning_rate = 0.01F});
    const auto report =
        train(**network, adam, MeanSquaredError(), {training.data(), {}}, {.epochs = 2});
    ASSERT_FALSE(report.has_value());
    EXPECT_NE(report.error().find("\"x\""), std::string::npos) << report.error();
}

TEST(Trainer, refuses_sizes_that_do_not_fit) {
    const Rings training(100, 1);
    auto network = TrainableNetwork::create(classifier(false), {64});
    Optimizer adam({.learning_rate = 0.01F});
    Dataset data = training.data();
    data.target = data.target.first(99);
    const auto report = train(**network, adam, BinaryCrossEntropyWithLogits(), {data, {}}, {});
    ASSERT_FALSE(report.has_value());
    EXPECT_NE(report.error().find("target"), std::string::npos) << report.error();
}

TEST(Trainer, shuffles_into_a_permutation_of_seed_and_epoch) {
    const auto order = shuffled_rows(100, 1, 1);
    EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), 100U);
    EXPECT_EQ(order, shuffled_rows(100, 1, 1));
    EXPECT_NE(order, shuffled_rows(100, 1, 2));
    EXPECT_NE(order, shuffled_rows(100, 2, 1));
}

}  // namespace
}  // namespace tamis::engine
