#include "models/ringer/ringer_model.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "engine/network.hpp"
#include "models/ringer/ring_sums.hpp"
#include "models/ringer/ringer_network.hpp"
#include "streams/wire.pb.h"
#include "tests/models/ringer/wire_event.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

constexpr std::array<std::size_t, 3> kNodes = {100, 4, 1};

// Two ET bins with different networks, two working points that fall with pile-up.
Manifest two_bin_manifest() {
    Manifest manifest;
    manifest.name = "test";
    manifest.kind = "ringer";
    manifest.networks = {{"low.onnx", "", 15, 30, 0, 2.5}, {"high.onnx", "", 30, 1e6, 0, 2.5}};
    const auto point = [](const std::string& name, double offset) {
        WorkingPoint made;
        made.name = name;
        made.bins = {{15, 30, 0, 2.5, -0.01, offset}, {30, 1e6, 0, 2.5, -0.02, offset}};
        made.mu_low = 10;
        made.mu_high = 60;
        return made;
    };
    manifest.working_points = {point("tight", 0.2), point("loose", -2.0)};
    return manifest;
}

std::vector<engine::Graph> two_graphs() {
    return {make_mlp("low", kNodes, LastLayer::linear, 1),
            make_mlp("high", kNodes, LastLayer::linear, 2)};
}

std::shared_ptr<const Model> two_bin_model() {
    auto model = load_ringer(two_bin_manifest(), two_graphs());
    EXPECT_TRUE(model.has_value()) << model.error();
    return *model;
}

// Rings by a plain formula of the cluster's number.
std::vector<float> rings_of(int cluster) {
    std::vector<float> rings;
    for (int ring = 0; ring < 100; ++ring) {
        rings.push_back(5.0F * static_cast<float>(std::sin(0.3 * ring + cluster)) + 1.0F);
    }
    return rings;
}

void add_cluster(wire::CalorimeterClusters& clusters, double et, double eta, int number) {
    clusters.add_et(static_cast<float>(et));
    clusters.add_eta(static_cast<float>(eta));
    clusters.add_phi(0.5F);
    for (const float ring : rings_of(number)) {
        clusters.add_rings(ring);
    }
}

// What the table form gives for one cluster.
std::vector<float> table_answer(const Model& model, double et, double eta, double mu,
                                std::span<const float> rings) {
    std::vector<float> row = {static_cast<float>(et), static_cast<float>(eta),
                              static_cast<float>(mu)};
    row.insert(row.end(), rings.begin(), rings.end());
    std::vector<float> answer(model.score_columns().size());
    model.score_table(row, answer);
    return answer;
}

TEST(RingerModel, names_its_columns) {
    const auto model = two_bin_model();
    ASSERT_EQ(model->input_columns().size(), 103U);
    EXPECT_EQ(model->input_columns()[0], "et");
    EXPECT_EQ(model->input_columns()[102], "ring99");
    const std::vector<std::string> expected = {"score", "pass_tight", "threshold_tight",
                                               "pass_loose", "threshold_loose"};
    EXPECT_EQ(
        std::vector<std::string>(model->score_columns().begin(), model->score_columns().end()),
        expected);
}

TEST(RingerModel, discriminant_is_that_of_the_normalised_rings_in_plain_arithmetic) {
    const auto model = two_bin_model();
    const auto graph = make_mlp("high", kNodes, LastLayer::linear, 2);
    auto rings = rings_of(3);
    const auto answer = table_answer(*model, 40.0, 1.0, 20.0, rings);
    normalise_rings(RingNormalisation::absolute_sum, rings);
    const auto& kernel = graph.weights.at("hidden1/kernel").values;
    const auto& bias = graph.weights.at("hidden1/bias").values;
    const auto& last = graph.weights.at("discriminant/kernel").values;
    double expected = graph.weights.at("discriminant/bias").values[0];
    for (std::size_t unit = 0; unit < 4; ++unit) {
        double sum = bias[unit];
        for (std::size_t ring = 0; ring < 100; ++ring) {
            sum += kernel[ring * 4 + unit] * rings[ring];
        }
        expected += last[unit] * std::tanh(sum);
    }
    EXPECT_NEAR(answer[0], expected, 1e-5);
    EXPECT_NEAR(answer[2], -0.02 * 20.0 + 0.2, 1e-6);
}

TEST(RingerModel, event_agrees_with_the_table_bit_for_bit) {
    const auto model = two_bin_model();
    tests::WireEvents events;
    wire::CalorimeterClusters clusters;
    clusters.set_average_mu(33.0F);
    add_cluster(clusters, 20.0, 0.3, 1);
    add_cluster(clusters, 45.0, -2.0, 2);
    add_cluster(clusters, 5.0, 0.0, 3);  // in no bin
    events.add(streams::PayloadType::calorimeter_clusters, clusters);
    const auto scorer = model->make_scorer(4);
    scorer->score(events.all());
    ASSERT_EQ(scorer->status(0), ScoreStatus::scored);
    const auto first = table_answer(*model, 20.0, 0.3, 33.0, rings_of(1));
    const auto second = table_answer(*model, 45.0, -2.0, 33.0, rings_of(2));
    const Explanation explanation = scorer->explanation(0);
    ASSERT_EQ(explanation.contributions.size(), 3U);
    EXPECT_EQ(explanation.contributions[0], first[0]);
    EXPECT_EQ(explanation.contributions[1], second[0]);
    EXPECT_EQ(explanation.contributions[2], -999.0F);
    EXPECT_EQ(scorer->score_of(0), std::max(first[0], second[0]));
    // The cut is that of the cluster with the larger margin.
    const bool first_wins = first[0] - first[2] > second[0] - second[2];
    const Cut cut = scorer->cut(0, 0);
    EXPECT_EQ(cut.score, first_wins ? first[0] : second[0]);
    EXPECT_NEAR(cut.threshold, first_wins ? first[2] : second[2], 1e-6);
    EXPECT_EQ(cut.passed, cut.score > cut.threshold);
    EXPECT_TRUE(scorer->cut(0, 1).passed);
    std::vector<std::uint32_t> kept;
    for (std::uint32_t i = 0; i < 2; ++i) {
        if ((i == 0 ? first[1] : second[1]) == 1.0F) {
            kept.push_back(i);
        }
    }
    EXPECT_EQ(std::vector<std::uint32_t>(explanation.kept.begin(), explanation.kept.end()), kept);
}

TEST(RingerModel, sums_rings_from_cells_where_the_payload_has_none) {
    const auto model = two_bin_model();
    wire::CalorimeterClusters clusters;
    clusters.set_average_mu(20.0F);
    clusters.add_et(40.0F);
    clusters.add_eta(0.4F);
    clusters.add_phi(3.1F);
    std::vector<float> eta, phi, energy;
    std::string layers;
    for (int i = 0; i < 60; ++i) {
        eta.push_back(0.4F + 0.01F * static_cast<float>(i % 7 - 3));
        phi.push_back(i % 2 == 0 ? 3.12F : -3.13F);
        energy.push_back(1.0F + static_cast<float>(i % 11));
        layers.push_back(static_cast<char>(i % 7));
        clusters.add_cell_eta(eta.back());
        clusters.add_cell_phi(phi.back());
        clusters.add_cell_energy(energy.back());
    }
    clusters.set_cell_layer(layers);
    tests::WireEvents events;
    events.add(streams::PayloadType::calorimeter_clusters, clusters);
    const auto scorer = model->make_scorer(1);
    scorer->score(events.all());
    ASSERT_EQ(scorer->status(0), ScoreStatus::scored);
    std::array<float, kRingCount> rings{};
    const std::vector<std::uint8_t> layer_bytes(layers.begin(), layers.end());
    sum_rings({eta, phi, energy, layer_bytes}, 0.4F, 3.1F, {}, rings);
    EXPECT_EQ(scorer->score_of(0), table_answer(*model, 40.0, 0.4, 20.0, rings)[0]);
}

TEST(RingerModel, score_does_not_depend_on_the_batch) {
    const auto model = two_bin_model();
    tests::WireEvents events;
    std::mt19937 random(7);
    std::uniform_real_distribution<double> et(10.0, 80.0), eta(-2.6, 2.6);
    for (int event = 0; event < 40; ++event) {
        wire::CalorimeterClusters clusters;
        clusters.set_average_mu(25.0F);
        for (int i = 0; i <= event % 5; ++i) {
            add_cluster(clusters, et(random), eta(random), 10 * event + i);
        }
        events.add(streams::PayloadType::calorimeter_clusters, clusters);
    }
    const auto together = model->make_scorer(40);
    together->score(events.all());
    const auto alone = model->make_scorer(1);
    for (std::size_t i = 0; i < 40; ++i) {
        alone->score(events.all().subspan(i, 1));
        EXPECT_EQ(alone->status(0), together->status(i));
        EXPECT_EQ(alone->score_of(0), together->score_of(i));
        EXPECT_EQ(alone->cut(0, 0).passed, together->cut(i, 0).passed);
    }
}

TEST(RingerModel, tells_apart_why_an_event_has_no_score) {
    const auto model = two_bin_model();
    tests::WireEvents events;
    wire::CalorimeterClusters none, outside, bare, broken, infinite, uneven;
    events.add(streams::PayloadType::calorimeter_clusters, none);
    add_cluster(outside, 5.0, 0.0, 1);
    events.add(streams::PayloadType::calorimeter_clusters, outside);
    bare.add_et(40.0F);
    bare.add_eta(0.0F);
    bare.add_phi(0.0F);
    events.add(streams::PayloadType::calorimeter_clusters, bare);
    add_cluster(broken, 40.0, 0.0, 1);
    broken.set_rings(7, std::numeric_limits<float>::quiet_NaN());
    events.add(streams::PayloadType::calorimeter_clusters, broken);
    add_cluster(infinite, 40.0, 0.0, 1);
    infinite.set_et(0, std::numeric_limits<float>::infinity());
    events.add(streams::PayloadType::calorimeter_clusters, infinite);
    add_cluster(uneven, 40.0, 0.0, 1);
    uneven.mutable_rings()->RemoveLast();
    events.add(streams::PayloadType::calorimeter_clusters, uneven);
    events.add(streams::PayloadType::raw, none);
    events.add_bytes(streams::PayloadType::calorimeter_clusters, "\xFF\xFF\xFF");
    wire::CalorimeterClusters crowd;
    for (int i = 0; i < 300; ++i) {
        add_cluster(crowd, 40.0, 0.0, i);
    }
    events.add(streams::PayloadType::calorimeter_clusters, crowd);
    const auto scorer = model->make_scorer(16);
    scorer->score(events.all());
    EXPECT_EQ(scorer->status(0), ScoreStatus::not_applicable);
    EXPECT_EQ(scorer->status(1), ScoreStatus::not_applicable);
    EXPECT_EQ(scorer->status(2), ScoreStatus::missing_input);
    EXPECT_EQ(scorer->status(3), ScoreStatus::non_finite_input);
    EXPECT_EQ(scorer->status(4), ScoreStatus::non_finite_input);
    EXPECT_EQ(scorer->status(5), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(6), ScoreStatus::missing_input);
    EXPECT_EQ(scorer->status(7), ScoreStatus::malformed_input);
    EXPECT_EQ(scorer->status(8), ScoreStatus::malformed_input);
    for (std::size_t i = 0; i < 9; ++i) {
        EXPECT_EQ(scorer->score_of(i), 0.0F);
        EXPECT_FALSE(scorer->cut(i, 0).passed);
        EXPECT_TRUE(scorer->explanation(i).kept.empty());
    }
}

TEST(RingerModel, table_rows_that_are_not_finite_pass_nowhere) {
    const auto model = two_bin_model();
    auto rings = rings_of(1);
    rings[50] = std::numeric_limits<float>::infinity();
    const auto answer = table_answer(*model, 40.0, 0.0, 20.0, rings);
    EXPECT_TRUE(std::isnan(answer[0]));
    EXPECT_EQ(answer[1], 0.0F);
    EXPECT_EQ(answer[3], 0.0F);
    const auto outside = table_answer(*model, 5.0, 0.0, 20.0, rings_of(1));
    EXPECT_EQ(outside[0], -999.0F);
    EXPECT_EQ(outside[3], 0.0F);
}

TEST(RingerModel, an_ensemble_of_its_own_decides_each_working_point) {
    Manifest manifest = two_bin_manifest();
    const auto bins = manifest.networks;
    manifest.networks.insert(manifest.networks.end(), bins.begin(), bins.end());
    manifest.parameters = {{"ensembles", {2}}, {"primary_point", {1}}};
    auto graphs = two_graphs();
    graphs.push_back(make_mlp("low2", kNodes, LastLayer::linear, 3));
    graphs.push_back(make_mlp("high2", kNodes, LastLayer::linear, 4));
    const auto model = load_ringer(manifest, graphs);
    ASSERT_TRUE(model.has_value()) << model.error();
    EXPECT_EQ((*model)->score_columns().size(), 7U);
    const auto answer = table_answer(**model, 40.0, 1.0, 20.0, rings_of(3));
    const auto shared = table_answer(*two_bin_model(), 40.0, 1.0, 20.0, rings_of(3));
    EXPECT_EQ(answer[3], shared[0]);  // score_tight
    EXPECT_EQ(answer[6], answer[0]);  // score_loose is the primary point's
    EXPECT_NE(answer[6], answer[3]);
}

TEST(RingerModel, half_rings_feed_a_network_of_fifty_inputs) {
    Manifest manifest = two_bin_manifest();
    manifest.parameters = {{"half_rings", {1}}};
    constexpr std::array<std::size_t, 3> nodes = {50, 4, 1};
    const auto model = load_ringer(manifest, {make_mlp("low", nodes, LastLayer::linear, 1),
                                              make_mlp("high", nodes, LastLayer::linear, 2)});
    ASSERT_TRUE(model.has_value()) << model.error();
    auto rings = rings_of(3);
    const float before = table_answer(**model, 40.0, 1.0, 20.0, rings)[0];
    rings[99] += 100.0F;  // an outer ring
    EXPECT_EQ(table_answer(**model, 40.0, 1.0, 20.0, rings)[0], before);
    rings[0] += 100.0F;
    EXPECT_NE(table_answer(**model, 40.0, 1.0, 20.0, rings)[0], before);
}

TEST(RingerModel, refuses_manifests_that_are_no_ringers) {
    const auto error_of = [](const Manifest& manifest) {
        const auto model = load_ringer(manifest, two_graphs());
        return model ? std::string() : model.error();
    };
    Manifest manifest = two_bin_manifest();
    manifest.parameters = {{"half_rings", {1}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("low.onnx"));
    manifest.parameters = {{"half_ring", {1}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("half_rings"));
    manifest.parameters = {{"normalisation", {1.5}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("0 to 3"));
    manifest.parameters = {{"ensembles", {3}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("ensembles"));
    manifest.parameters = {{"primary_point", {2}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("primary_point"));
    manifest.parameters = {{"final_activation", {1}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("out of reach"));
    manifest.parameters = {{"normalisation", {3}}, {"half_rings", {1}}};
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("sequential"));
    manifest.parameters.clear();
    manifest.working_points[0].bins.clear();
    EXPECT_THAT(error_of(manifest), testing::HasSubstr("tight"));
}

// oneDNN allocates while it executes; the ringer itself must not.
std::size_t allocations_of_network_runs(std::size_t runs, std::size_t rows) {
    const auto graph = make_mlp("low", kNodes, LastLayer::linear, 1);
    engine::NetworkRunner runner(*engine::Network::compile(graph, {.max_batch = 16}));
    (void)runner.run(rows);
    const tests::AllocationGuard guard;
    for (std::size_t i = 0; i < runs; ++i) {
        (void)runner.run(rows);
    }
    return guard.allocations();
}

TEST(RingerModel, allocates_nothing_beside_the_engine) {
    const auto model = two_bin_model();
    tests::WireEvents events;
    for (int event = 0; event < 8; ++event) {
        wire::CalorimeterClusters clusters;
        clusters.set_average_mu(25.0F);
        add_cluster(clusters, 16.0 + (event % 2) * 20.0, 0.5, event);  // four for each network
        events.add(streams::PayloadType::calorimeter_clusters, clusters);
    }
    const auto scorer = model->make_scorer(8);
    scorer->score(events.all());
    std::size_t allocations = 0;
    {
        const tests::AllocationGuard guard;
        scorer->score(events.all());
        allocations = guard.allocations();
    }
    EXPECT_EQ(allocations, allocations_of_network_runs(2, 4));
}

}  // namespace
}  // namespace tamis::models
