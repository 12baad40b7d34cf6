#include "models/novelty/isolation_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "engine/network.hpp"
#include "models/model_loader.hpp"
#include "models/novelty/encoder_part.hpp"
#include "models/novelty/isolation_recipe.hpp"
#include "models/novelty/novelty_measures.hpp"
#include "tests/models/network_allocations.hpp"
#include "tests/models/novelty/random_points.hpp"
#include "tests/models/synthetic_events.hpp"
#include "tests/models/vae/small_vae.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using testing::HasSubstr;
using tests::event_of;
using ModelPointer = std::shared_ptr<const Model>;

constexpr std::size_t kPoints = 300, kNeighbours = 7, kLatent = 4;

class Isolation : public testing::Test {
 protected:
    static void SetUpTestSuite() {
        const auto weights = tests::small_vae_weights();
        vae_ = std::make_unique<ModelFiles>();
        vae_->manifest = tests::small_vae_manifest(weights.parameters);
        NetworkFile entry;
        entry.file = "vae.onnx";
        add_network(*vae_, entry, weights.scoring_graph);
        graph_ = std::make_unique<engine::Graph>(weights.scoring_graph);
        files_ =
            std::make_unique<ModelFiles>(make_isolation_model(*vae_, samples(), recipe()).value());
    }
    static void TearDownTestSuite() {
        vae_.reset();
        graph_.reset();
        files_.reset();
    }
    [[nodiscard]] static IsolationRecipe recipe() {
        return {.points = kPoints, .neighbours = kNeighbours};
    }
    [[nodiscard]] static VaeSamples samples() {
        VaeSamples made{.training = tests::background(500, 2001),
                        .calibration = tests::background(2000, 3001),
                        .signals = {},
                        .description = "a test's"};
        made.signals.push_back({.name = "odd", .table = tests::background(200, 6001)});
        for (float& value : made.signals.front().table.values) {
            value *= 1.5F;
        }
        return made;
    }
    [[nodiscard]] static ModelPointer model() {
        return load_model(files_->manifest, files_->networks).value();
    }
    // What the loader says of files that were changed, hashes renewed.
    [[nodiscard]] static std::string refusal(const std::function<void(ModelFiles&)>& change) {
        ModelFiles changed = *files_;
        change(changed);
        const auto loaded = load_isolation(changed.manifest, changed.networks);
        return loaded ? "" : loaded.error();
    }
    [[nodiscard]] static std::vector<double> reference() {
        return reference_points(files_->networks[1]);
    }

    static std::unique_ptr<ModelFiles> vae_, files_;
    static std::unique_ptr<engine::Graph> graph_;
};
std::unique_ptr<ModelFiles> Isolation::vae_, Isolation::files_;
std::unique_ptr<engine::Graph> Isolation::graph_;

// The formula by a walk over all points, itself left out where the neighbour is one.
double plain_isolation(std::span<const double> reference, std::span<const double> at) {
    const auto near = tests::by_distance(reference, at);
    double sum = 0, squares = 0;
    for (std::size_t k = 0; k < kNeighbours; ++k) {
        const auto neighbour = reference.subspan(near[k].second * kLatent, kLatent);
        const double theirs = tests::mean_distance(reference, neighbour, kNeighbours, 1);
        sum += theirs;
        squares += theirs * theirs;
    }
    const double mean = sum / kNeighbours;
    return (tests::mean_distance(reference, at, kNeighbours) - mean) /
           std::sqrt(squares / kNeighbours - mean * mean);
}

TEST_F(Isolation, is_that_of_a_walk_over_the_reference_and_of_tamis_novelty) {
    const ModelPointer isolation = model();
    const FeatureTable events = tests::background(60, 9001);
    const std::size_t width = isolation->score_columns().size();
    ASSERT_EQ(width, 8U);
    EXPECT_EQ(isolation->score_columns()[4], "mu_0");
    std::vector<float> answers(events.rows() * width);
    isolation->score_table(events.values, answers);
    // As tamis novelty does: the whole network, the tree.
    engine::NetworkRunner whole(engine::Network::compile(*graph_, {.max_batch = 64}).value());
    std::copy(events.values.begin(), events.values.end(), whole.input(0).begin());
    ASSERT_EQ(whole.run(60), engine::RunStatus::ok);
    ASSERT_EQ(whole.network().outputs()[0].name, "mu");
    const auto offline = IsolationReference::make(reference(), kLatent, kNeighbours).value();
    for (std::size_t event = 0; event < events.rows(); ++event) {
        const auto answer = std::span(answers).subspan(event * width, width);
        const auto mu = whole.output(0).subspan(event * kLatent, kLatent);
        ASSERT_TRUE(std::equal(mu.begin(), mu.end(), answer.begin() + 4)) << event;
        const std::vector<double> at(mu.begin(), mu.end());
        EXPECT_EQ(answer[0], static_cast<float>(offline.answer(at).isolation));
        const double wanted = plain_isolation(reference(), at);
        EXPECT_NEAR(answer[0], wanted, 1e-5 * (1 + std::abs(wanted)));
        EXPECT_NEAR(answer[0], (answer[1] - answer[2]) / answer[3],
                    1e-4F * (1 + std::abs(answer[0])));
    }
}

TEST_F(Isolation, scores_do_not_depend_on_the_batch_and_are_those_of_the_table) {
    const ModelPointer isolation = model();
    const tests::SyntheticEvents events(150);
    const auto whole = isolation->make_scorer(150);
    whole->score(events.all());
    const std::size_t width = isolation->score_columns().size();
    std::vector<float> scores(150), answer(width);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        ASSERT_EQ(whole->status(i), ScoreStatus::scored) << i;
        scores[i] = whole->score_of(i);
        isolation->score_table(**events.all()[i]->high_level_features(), answer);
        ASSERT_EQ(answer[0], scores[i]);
        const auto terms = whole->explanation(i).contributions;
        ASSERT_EQ(terms.size(), isolation->contribution_names().size());
        EXPECT_TRUE(std::equal(terms.begin(), terms.end(), answer.begin() + 1));
    }
    EXPECT_NE(scores.front(), scores.back());
    for (const std::size_t batch : {1U, 3U, 7U, 33U, 64U, 65U}) {
        const auto scorer = isolation->make_scorer(batch);
        for (std::size_t first = 0; first + batch <= scores.size(); first += batch) {
            scorer->score(events.part(first, batch));
            for (std::size_t i = 0; i < batch; ++i) {
                ASSERT_EQ(scorer->score_of(i), scores[first + i]) << batch << " " << first + i;
            }
        }
    }
}

TEST_F(Isolation, scoring_allocates_nothing_of_ours) {
    const ModelPointer isolation = model();
    const tests::SyntheticEvents events(40);
    const auto scorer = isolation->make_scorer(40);
    scorer->score(events.all());
    const std::size_t allowed = tests::network_allocations(part_for_output(*graph_, "mu"), 64, 40);
    const tests::AllocationGuard guard;
    scorer->score(events.all());
    EXPECT_EQ(guard.allocations(), allowed);
}

TEST_F(Isolation, status_tells_why_an_event_has_no_score) {
    const ModelPointer isolation = model();
    wire::PhysicsObjects without_lepton, bad = tests::w_like_objects();
    without_lepton.set_met_pt(40);
    bad.set_met_pt(std::numeric_limits<float>::quiet_NaN());
    streams::Event nothing;
    tests::add_payload(nothing, streams::PayloadType::raw, "bytes");
    const std::vector<streams::Event> events = {event_of(tests::w_like_objects()), event_of(bad),
                                                event_of(without_lepton), nothing,
                                                event_of(tests::w_like_objects())};
    std::vector<EventInputs> inputs(events.size());
    std::vector<EventInputs*> pointers;
    for (std::size_t i = 0; i < events.size(); ++i) {
        inputs[i].attach(events[i]);
        pointers.push_back(&inputs[i]);
    }
    const auto scorer = isolation->make_scorer(events.size());
    scorer->score(pointers);
    EXPECT_EQ(scorer->status(0), ScoreStatus::scored);
    EXPECT_EQ(scorer->status(1), ScoreStatus::non_finite_input);
    EXPECT_EQ(scorer->score_of(1), 0);
    EXPECT_FALSE(scorer->cut(1, 0).passed);
    EXPECT_TRUE(scorer->explanation(1).contributions.empty());
    EXPECT_EQ(scorer->status(2), ScoreStatus::not_applicable);
    EXPECT_EQ(scorer->status(3), ScoreStatus::missing_input);
    EXPECT_EQ(scorer->score_of(4), scorer->score_of(0));
    std::vector<float> row(kHighLevelFeatureCount, 1.0F), answer(8);
    row[2] = std::numeric_limits<float>::infinity();
    isolation->score_table(row, answer);
    EXPECT_TRUE(std::isnan(answer[0]));
}

TEST_F(Isolation, points_are_calibrated_and_the_report_compares_with_the_vae) {
    const Manifest& manifest = files_->manifest;
    ASSERT_GE(manifest.working_points.size(), 2U);
    EXPECT_EQ(manifest.working_points[0].name, "very_loose");
    EXPECT_NEAR(manifest.working_points[0].background_fraction, 0.03, 0.01);
    EXPECT_GT(manifest.working_points[0].signal_efficiency, 0.03);
    EXPECT_EQ(manifest.golden.size(), 6U);
    EXPECT_THAT(manifest.provenance.report, testing::Contains(HasSubstr("odd: ROC area")));
    EXPECT_EQ(files_->networks[1].size(), kPoints * kLatent * sizeof(float));
    EXPECT_LT(files_->networks[0].size(), vae_->networks[0].size());
    EXPECT_EQ(vae_->manifest.networks.size(), 1U);
}

TEST_F(Isolation, the_seed_alone_chooses_the_reference) {
    EXPECT_EQ(make_isolation_model(*vae_, samples(), recipe()).value().networks, files_->networks);
    IsolationRecipe other = recipe();
    other.seed = 2;
    EXPECT_NE(make_isolation_model(*vae_, samples(), other).value().networks[1],
              files_->networks[1]);
}

TEST_F(Isolation, recipe_refuses_what_it_cannot_use) {
    const auto refused = [](ModelFiles vae, const IsolationRecipe& wanted) {
        const auto made = make_isolation_model(vae, samples(), wanted);
        return made ? std::string() : made.error();
    };
    ModelFiles other = *vae_;
    other.manifest.kind = "onnx";
    EXPECT_THAT(refused(other, recipe()), HasSubstr("of kind 'onnx'; right is one of kind vae"));
    IsolationRecipe wanted = recipe();
    wanted.latent = "nu";
    EXPECT_THAT(refused(*vae_, wanted), HasSubstr("vae.onnx: no output nu; right is one of mu"));
    wanted = recipe();
    wanted.points = 8;
    EXPECT_THAT(refused(*vae_, wanted),
                HasSubstr("reference.f32: the reference has 8 points (too few)"));
    VaeSamples few = samples();
    few.training.values.resize(50 * kHighLevelFeatureCount);
    const auto made = make_isolation_model(*vae_, few, recipe());
    ASSERT_FALSE(made.has_value());
    EXPECT_THAT(made.error(), HasSubstr("reference sample: 50 events; right are 100 or more"));
}

TEST_F(Isolation, a_broken_manifest_or_file_is_refused_with_the_reason) {
    EXPECT_EQ(refusal([](ModelFiles&) {}), "");
    EXPECT_THAT(refusal([](ModelFiles& files) { files.networks.pop_back(); }),
                HasSubstr("lists 1 files; right are two"));
    EXPECT_THAT(refusal([](ModelFiles& files) { files.networks[0] = files.networks[1]; }),
                HasSubstr("encoder.onnx: "));
    EXPECT_THAT(refusal([](ModelFiles& files) { files.networks[0] = vae_->networks[0]; }),
                HasSubstr("encoder.onnx: has 1 inputs and 5 outputs"));
    EXPECT_THAT(refusal([](ModelFiles& files) { files.networks[1].pop_back(); }),
                HasSubstr("reference.f32: has 4799 bytes; right are points of 16 bytes"));
    EXPECT_THAT(refusal([](ModelFiles& files) { files.networks[1].clear(); }),
                HasSubstr("reference.f32: has 0 bytes"));
    EXPECT_THAT(
        refusal([](ModelFiles& files) { files.networks[1].resize(std::size_t{16} * 16385); }),
        HasSubstr("reference.f32: has 16385 points (each is looked at for every event)"));
    EXPECT_THAT(refusal([](ModelFiles& files) { files.networks[1].resize(std::size_t{16} * 8); }),
                HasSubstr("reference.f32: the reference has 8 points (too few)"));
    EXPECT_THAT(refusal([](ModelFiles& files) {
                    files.networks[1].replace(16 * 4, 4, std::string("\0\0\x80\x7f", 4));
                }),
                HasSubstr("reference.f32: point 5 of the reference is not finite"));
    EXPECT_THAT(refusal([](ModelFiles& files) { files.manifest.parameters.clear(); }),
                HasSubstr("neighbours"));
    for (const double wrong : {0.0, 65.0, 2.5}) {
        EXPECT_THAT(
            refusal([wrong](ModelFiles& files) { files.manifest.parameters[0].values[0] = wrong; }),
            HasSubstr("'neighbours' is no whole number"));
    }
    EXPECT_THAT(refusal([](ModelFiles& files) { files.manifest.features[6].name = "LeptonPt"; }),
                HasSubstr("feature 6 is 'LeptonPt'; right is 'LepPt'"));
    EXPECT_THAT(
        refusal([](ModelFiles& files) { files.manifest.working_points[0].bins[0].slope = 1; }),
        HasSubstr("has a slope"));
}

// Of the whole model: a changed reference is noticed by its hash, and where the hash was renewed,
// by the golden vectors.
TEST_F(Isolation, another_reference_is_noticed_at_load) {
    ModelFiles changed = *files_;
    std::swap(changed.networks[1][0], changed.networks[1][16]);
    std::swap(changed.networks[1][3], changed.networks[1][19]);
    const auto hashed = load_model(changed.manifest, changed.networks);
    ASSERT_FALSE(hashed.has_value());
    EXPECT_THAT(hashed.error(), HasSubstr("reference.f32 has SHA-256"));
    ModelFiles renewed = *files_;
    renewed.manifest.networks.pop_back();
    renewed.networks.pop_back();
    std::vector<float> other(kPoints * kLatent);
    const std::vector<double> points = tests::random_points(kPoints, kLatent, 3);
    std::copy(points.begin(), points.end(), other.begin());
    NetworkFile entry;
    entry.file = "reference.f32";
    add_network(renewed, entry, reference_bytes(other));
    const auto golden = load_model(renewed.manifest, renewed.networks);
    ASSERT_FALSE(golden.has_value());
    EXPECT_THAT(golden.error(), HasSubstr("golden vector 0: column 'score' is"));
}

}  // namespace
}  // namespace tamis::models
