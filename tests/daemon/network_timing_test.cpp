#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "daemon/network_timing/comparison_report.hpp"
#include "daemon/network_timing/network_comparison.hpp"
#include "daemon/network_timing/network_files.hpp"
#include "daemon/network_timing/network_peer.hpp"
#include "engine/graph_builder.hpp"

namespace tamis::daemon {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

engine::Graph dense_network(std::int64_t units, std::uint64_t seed) {
    engine::GraphBuilder net("dense", seed);
    net.output(net.relu(net.dense(net.input("x", {6}), units, "hidden")), "y");
    return net.build();
}

constexpr double kNoTime = 0;  // the fewest turns

ComparisonOptions quick() {
    return {.batches = {1, 8}, .hot_seconds = kNoTime, .cold_seconds = kNoTime};
}

// The engine, with every answer changed before it is read.
class ChangedPeer final : public NetworkPeer {
 public:
    ChangedPeer(std::unique_ptr<NetworkPeer> engine, float factor)
        : engine_(std::move(engine)), factor_(factor) {}
    std::span<float> input(std::size_t port) override { return engine_->input(port); }
    std::span<const float> output(std::size_t /*port*/) const override { return changed_; }
    bool run() noexcept override {
        const bool ran = engine_->run();
        changed_.assign(engine_->output(0).begin(), engine_->output(0).end());
        for (float& value : changed_) {
            value *= factor_;
        }
        return ran;
    }

 private:
    std::unique_ptr<NetworkPeer> engine_;
    float factor_;
    std::vector<float> changed_;
};

// Batches of one are changed by the first factor, others by the second.
PeerKind changed(float of_one, float of_many) {
    const PeerKind engine = engine_peers().front();
    return {.name = "changed",
            .make = [=](const engine::Graph& graph, std::size_t batch) -> MadePeer {
                auto made = engine.make(graph, batch);
                if (!made) {
                    return made;
                }
                return std::make_unique<ChangedPeer>(std::move(*made),
                                                     batch == 1 ? of_one : of_many);
            },
            .load_and_score = engine.load_and_score};
}

TEST(CallTimer, gives_every_contender_as_many_turns_and_new_inputs_for_each) {
    for (const CacheState caches : {CacheState::hot, CacheState::cold}) {
        std::vector<std::size_t> turns[2];
        std::size_t calls[2] = {};
        std::vector<Contender> contenders;
        for (int one = 0; one < 2; ++one) {
            contenders.push_back(
                {.name = std::to_string(one),
                 .renew = [&turns, one](std::size_t turn) { turns[one].push_back(turn); },
                 .call = [&calls, one] { ++calls[one]; }});
        }
        const auto times = time_in_turns(contenders, caches, {.seconds = 0, .fewest_turns = 4});
        ASSERT_THAT(times, SizeIs(2));
        for (int one = 0; one < 2; ++one) {
            EXPECT_THAT(turns[one], testing::ElementsAre(0, 1, 2, 3));
            // A hot turn's first call is not timed; a cold call is.
            EXPECT_EQ(calls[one], times[one].calls + (caches == CacheState::hot ? 4 : 0));
            EXPECT_LE(times[one].fastest_us, times[one].p50_us);
            EXPECT_LE(times[one].p50_us, times[one].p99_us);
            EXPECT_LE(times[one].p99_us, times[one].p999_us);
        }
    }
}

TEST(NetworkComparison, engine_agrees_with_reference_and_with_itself_in_any_batch) {
    const auto compared = compare_network("dense", dense_network(5, 1), engine_peers(), quick());
    ASSERT_TRUE(compared) << compared.error();
    EXPECT_THAT(compared->disagreements, IsEmpty());
    EXPECT_LT(compared->difference, 1e-5);
    EXPECT_EQ(compared->multiply_adds, 30U);
    ASSERT_THAT(compared->rows, SizeIs(4));  // two batches, hot and cold
    for (const ComparisonRow& row : compared->rows) {
        ASSERT_THAT(row.peers, SizeIs(2));
        EXPECT_GT(row.fma_peak, 0);
    }
}

TEST(NetworkComparison, says_which_peer_is_off) {
    std::vector<PeerKind> peers = engine_peers();
    peers.push_back(changed(1.001F, 1.001F));
    const auto compared = compare_network("dense", dense_network(5, 1), peers, quick());
    ASSERT_TRUE(compared) << compared.error();
    ASSERT_THAT(compared->disagreements, SizeIs(2));  // one a batch
    EXPECT_THAT(compared->disagreements[0], HasSubstr("changed in batches of 1 differ by 0.001"));
}

TEST(NetworkComparison, notices_bits_that_depend_on_the_batch) {
    // Far within what two libraries may differ by.
    const std::vector<PeerKind> peers{changed(1.F, 1.000001F)};
    const auto compared = compare_network("dense", dense_network(5, 1), peers, quick());
    ASSERT_TRUE(compared) << compared.error();
    ASSERT_THAT(compared->disagreements, SizeIs(1));
    EXPECT_THAT(compared->disagreements[0], HasSubstr("other bits than in smaller batches"));
}

TEST(NetworkComparison, takes_no_nan_for_agreement) {
    NetworkComparison comparison;
    compare_answers(comparison, {"one", {{1.0, 2.0}}}, {"two", {{1.0, 2.00001}}});
    EXPECT_THAT(comparison.disagreements, IsEmpty());
    compare_answers(comparison, {"one", {{1.0, 2.0, 3.0}}}, {"two", {{1.0, NAN, 3.0}}});
    EXPECT_THAT(comparison.disagreements, SizeIs(1));
}

TEST(NetworkComparison, leaves_out_a_peer_that_refuses_and_says_why) {
    std::vector<PeerKind> peers = engine_peers();
    peers.push_back(
        {.name = "choosy",
         .make = [](const engine::Graph&, std::size_t) -> MadePeer {
             return tl::unexpected(std::string("not this one"));
         },
         .load_and_score = [](const std::string&, const engine::Graph&) { return false; }});
    const auto compared = compare_network("dense", dense_network(5, 1), peers, quick());
    ASSERT_TRUE(compared) << compared.error();
    ASSERT_THAT(compared->notes, SizeIs(1));
    EXPECT_EQ(compared->notes[0], "choosy takes no part: not this one");
    const auto json = to_json({.comparison = *compared, .loads = {}, .scaling = {}});
    EXPECT_EQ(json["rows"].size(), 4U);
    EXPECT_EQ(json["rows"][0]["peers"].size(), 2U);
}

TEST(NetworkFiles, keeps_one_of_each_shape) {
    std::vector<NamedNetwork> networks{
        {"a", dense_network(5, 1)}, {"b", dense_network(5, 2)}, {"c", dense_network(4, 1)}};
    const auto kept = one_of_each_shape(std::move(networks));
    ASSERT_THAT(kept, SizeIs(2));
    EXPECT_EQ(kept[0].name, "a (2 of this shape)");
    EXPECT_EQ(kept[1].name, "c");
}

TEST(NetworkFiles, folder_without_a_network_is_no_model) {
    const auto read = read_networks(TAMIS_SOURCE_DIR "/engine");
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error(), HasSubstr("no .onnx file in it"));
}

}  // namespace
}  // namespace tamis::daemon
