#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "models/event_features.hpp"
#include "streams/synthetic/collision_generator.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kSeed = 20181127;

// Every number of a collision, for comparisons bit by bit.
std::vector<float> numbers_of(const Collision& collision) {
    std::vector<float> out;
    const auto add = [&out](const auto& column) {
        for (const auto value : column) {
            out.push_back(static_cast<float>(value));
        }
    };
    for (const LeptonColumns* leptons : {&collision.electrons, &collision.muons}) {
        add(leptons->pt);
        add(leptons->eta);
        add(leptons->phi);
        add(leptons->charge);
        add(leptons->iso_charged);
        add(leptons->iso_photon);
        add(leptons->iso_neutral);
        add(leptons->is_prompt);
    }
    add(collision.jets.pt);
    add(collision.jets.eta);
    add(collision.jets.phi);
    add(collision.jets.mass);
    add(collision.jets.btag);
    out.insert(out.end(),
               {collision.met_pt, collision.met_phi, collision.average_mu,
                static_cast<float>(collision.charged_hadrons),
                static_cast<float>(collision.neutral_hadrons),
                static_cast<float>(collision.vertices), static_cast<float>(collision.process)});
    return out;
}

TEST(ProcessOf, follows_the_mix_within_statistics) {
    const EventMix mix = EventMix::with_signals(0.05);
    constexpr int kEvents = 200000;
    std::array<int, kSyntheticProcesses> count{};
    for (std::uint64_t event = 0; event < kEvents; ++event) {
        ++count[static_cast<std::size_t>(process_of(kSeed, 1, event, mix))];
    }
    for (std::size_t i = 0; i < kSyntheticProcesses; ++i) {
        const double expected = mix.weight[i] * kEvents;
        EXPECT_NEAR(count[i], expected, 5 * std::sqrt(expected)) << i;
    }
    EXPECT_NEAR(mix.weight[0], 0.592 * 0.8, 1e-12);
}

TEST(ProcessOf, names_are_found_again) {
    for (std::size_t i = 0; i < kSyntheticProcesses; ++i) {
        const auto process = static_cast<SyntheticProcess>(i);
        EXPECT_EQ(find_process(to_string(process)), process);
        EXPECT_EQ(process_of(kSeed, 1, i, EventMix::only(process)), process);
    }
    EXPECT_FALSE(find_process("higgs").has_value());
}

TEST(GenerateCollision, same_event_on_another_thread_in_another_order_is_the_same) {
    constexpr std::uint64_t kEvents = 400;
    const EventMix mix = EventMix::with_signals(0.1);
    std::vector<std::vector<float>> forward(kEvents);
    std::vector<std::vector<float>> backward(kEvents);
    std::thread other([&] {
        Collision reused;
        for (std::uint64_t event = kEvents; event-- > 0;) {
            generate_collision(kSeed, 7, event, mix, reused);
            backward[event] = numbers_of(reused);
        }
    });
    for (std::uint64_t event = 0; event < kEvents; ++event) {
        forward[event] = numbers_of(generate_collision(kSeed, 7, event, mix));
    }
    other.join();
    EXPECT_EQ(forward, backward);
}

TEST(GenerateCollision, every_event_passes_the_preselection_with_finite_features) {
    for (std::size_t p = 0; p < kSyntheticProcesses; ++p) {
        const EventMix mix = EventMix::only(static_cast<SyntheticProcess>(p));
        for (std::uint64_t event = 0; event < 2000; ++event) {
            const Collision collision = generate_collision(kSeed, 1, event, mix);
            const auto lepton = models::find_trigger_lepton(collision.view());
            ASSERT_TRUE(lepton.has_value());
            ASSERT_TRUE(lepton->passes_trigger) << to_string(collision.process) << event;
            for (const float value : models::high_level_features(collision.view())) {
                ASSERT_TRUE(std::isfinite(value));
            }
            ASSERT_EQ(collision.jets.size(), collision.jets.btag.size());
            ASSERT_EQ(collision.electrons.size(), collision.electrons.iso_neutral.size());
        }
    }
}

TEST(GenerateCollision, w_has_one_lepton_and_features_that_hang_together) {
    using models::Feature;
    const EventMix mix = EventMix::only(SyntheticProcess::w);
    int single = 0;
    constexpr int kEvents = 5000;
    for (std::uint64_t event = 0; event < kEvents; ++event) {
        const auto features =
            models::high_level_features(generate_collision(kSeed, 1, event, mix).view());
        const auto value = [&](Feature feature) {
            return features[static_cast<std::size_t>(feature)];
        };
        const float met_squared = value(Feature::met_p) * value(Feature::met_p) +
                                  value(Feature::met_o) * value(Feature::met_o);
        const float expected_mt_squared =
            2 * value(Feature::lep_pt) * (std::sqrt(met_squared) - value(Feature::met_p));
        EXPECT_NEAR(value(Feature::mt) * value(Feature::mt), expected_mt_squared,
                    1e-3F * (1 + met_squared + expected_mt_squared));
        if (value(Feature::n_mu) + value(Feature::n_ele) == 1) {
            ++single;
            EXPECT_NEAR(value(Feature::all_mu_pt) + value(Feature::all_ele_pt),
                        value(Feature::lep_pt), 1e-3);
            EXPECT_EQ(value(Feature::n_ele), value(Feature::lep_is_ele));
        }
    }
    EXPECT_GT(single, 0.98 * kEvents);
}

TEST(GenerateCollision, z_pairs_have_the_mass_of_the_z) {
    const EventMix mix = EventMix::only(SyntheticProcess::z);
    int pairs = 0;
    int near = 0;
    for (std::uint64_t event = 0; event < 5000; ++event) {
        const auto features =
            models::high_level_features(generate_collision(kSeed, 1, event, mix).view());
        if (features[static_cast<std::size_t>(models::Feature::n_mu)] == 2) {
            ++pairs;
            const float mass = features[static_cast<std::size_t>(models::Feature::all_mu_mass)];
            near += mass > 80 && mass < 100 ? 1 : 0;
        }
    }
    EXPECT_GT(pairs, 1000);
    EXPECT_GT(near, 0.7 * pairs);
}

}  // namespace
}  // namespace tamis::streams
