#include "models/event_features.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace tamis::models {
namespace {

struct Leptons {
    std::vector<float> pt, eta, phi;
    std::vector<std::int32_t> charge;
    std::vector<float> charged, photon, neutral;

    void add(float lepton_pt, float lepton_eta, float lepton_phi, int lepton_charge,
             float isolation = 0.0F) {
        pt.push_back(lepton_pt);
        eta.push_back(lepton_eta);
        phi.push_back(lepton_phi);
        charge.push_back(lepton_charge);
        charged.push_back(isolation);
        photon.push_back(isolation / 2);
        neutral.push_back(isolation / 4);
    }
    [[nodiscard]] streams::LeptonArrays view() const {
        return {.pt = pt,
                .eta = eta,
                .phi = phi,
                .charge = charge,
                .iso_charged = charged,
                .iso_photon = photon,
                .iso_neutral = neutral};
    }
};

struct Jets {
    std::vector<float> pt, eta, phi, mass, btag;

    void add(float jet_pt, float jet_eta, float jet_phi, float jet_mass, float jet_btag) {
        pt.push_back(jet_pt);
        eta.push_back(jet_eta);
        phi.push_back(jet_phi);
        mass.push_back(jet_mass);
        btag.push_back(jet_btag);
    }
    [[nodiscard]] streams::JetArrays view() const {
        return {.pt = pt, .eta = eta, .phi = phi, .mass = mass, .btag = btag};
    }
};

struct Objects {
    Leptons electrons, muons;
    Jets jets;
    float met = 0, met_phi = 0;

    [[nodiscard]] streams::PhysicsObjects view() const {
        return {.electrons = electrons.view(),
                .muons = muons.view(),
                .jets = jets.view(),
                .met_pt = met,
                .met_phi = met_phi,
                .charged_hadrons = 261,
                .neutral_hadrons = 114,
                .vertices = 20};
    }
    [[nodiscard]] float feature(Feature wanted) const {
        return high_level_features(view())[static_cast<std::size_t>(wanted)];
    }
};

constexpr float kPi = std::numbers::pi_v<float>;

TEST(EventFeatures, names_follow_the_published_order) {
    EXPECT_EQ(kFeatureNames.front(), "HT");
    EXPECT_EQ(kFeatureNames[static_cast<std::size_t>(Feature::met_p)], "METp");
    EXPECT_EQ(kFeatureNames[static_cast<std::size_t>(Feature::lep_is_ele)], "LepIsEle");
    EXPECT_EQ(kFeatureNames.back(), "nNeuHad");
}

TEST(EventFeatures, empty_event_has_only_zeros) {
    for (const float value : high_level_features(streams::PhysicsObjects{})) {
        EXPECT_EQ(value, 0.0F);
    }
}

TEST(EventFeatures, without_a_lepton_what_refers_to_it_is_zero) {
    Objects objects;
    objects.met = 50;
    objects.jets.add(40, 0, 0, 5, 0);
    EXPECT_EQ(objects.feature(Feature::met_p), 0.0F);
    EXPECT_EQ(objects.feature(Feature::mt), 0.0F);
    EXPECT_EQ(objects.feature(Feature::ht), 40.0F);
    EXPECT_EQ(objects.feature(Feature::n_ch_had), 261.0F);
}

TEST(EventFeatures, w_like_event_by_hand) {
    Objects objects;
    objects.electrons.add(40, 0.5F, 0.3F, -1, 0.04F);
    objects.met = 30;
    objects.met_phi = 0.3F + kPi;  // back to back
    EXPECT_NEAR(objects.feature(Feature::met_p), -30, 1e-4);
    EXPECT_NEAR(objects.feature(Feature::met_o), 0, 1e-4);
    EXPECT_NEAR(objects.feature(Feature::mt), 2 * std::sqrt(30.0 * 40.0), 1e-4);
    EXPECT_EQ(objects.feature(Feature::lep_pt), 40.0F);
    EXPECT_NEAR(objects.feature(Feature::all_ele_pt), 40, 1e-5);
    EXPECT_EQ(objects.feature(Feature::all_ele_mass), 0.0F);
    EXPECT_EQ(objects.feature(Feature::lep_iso_ch), 0.04F);
    EXPECT_EQ(objects.feature(Feature::lep_iso_gamma), 0.02F);
    EXPECT_EQ(objects.feature(Feature::lep_iso_neu), 0.01F);
    EXPECT_EQ(objects.feature(Feature::lep_charge), -1.0F);
    EXPECT_EQ(objects.feature(Feature::lep_is_ele), 1.0F);
    EXPECT_EQ(objects.feature(Feature::n_ele), 1.0F);
    EXPECT_EQ(objects.feature(Feature::n_mu), 0.0F);
}

TEST(EventFeatures, missing_momentum_at_right_angles) {
    Objects objects;
    objects.muons.add(30, 0, 1.0F, 1);
    objects.met = 20;
    objects.met_phi = 1.0F + kPi / 2;
    EXPECT_NEAR(objects.feature(Feature::met_p), 0, 1e-4);
    EXPECT_NEAR(objects.feature(Feature::met_o), 20, 1e-4);
    EXPECT_NEAR(objects.feature(Feature::mt), std::sqrt(2.0 * 20 * 30), 1e-4);
}

TEST(EventFeatures, angle_across_the_seam_is_the_short_one) {
    EXPECT_NEAR(wrapped_angle(2 * std::numbers::pi - 0.1), -0.1, 1e-12);
    EXPECT_NEAR(wrapped_angle(-2 * std::numbers::pi + 0.1), 0.1, 1e-12);
    EXPECT_DOUBLE_EQ(wrapped_angle(-std::numbers::pi), std::numbers::pi);
    Objects objects;
    objects.muons.add(30, 0, kPi - 0.05F, 1);
    objects.met = 30;
    objects.met_phi = -kPi + 0.05F;
    EXPECT_NEAR(objects.feature(Feature::met_p), 30 * std::cos(0.1), 1e-4);
    EXPECT_NEAR(objects.feature(Feature::met_o), 30 * std::sin(0.1), 1e-4);
    EXPECT_NEAR(objects.feature(Feature::mt), 2 * 30 * std::sin(0.05), 1e-4);
}

TEST(EventFeatures, dimuon_mass_and_vector_sum) {
    Objects objects;
    objects.muons.add(45.6F, 0, 0.2F, 1);
    objects.muons.add(45.6F, 0, 0.2F - kPi, -1);
    EXPECT_NEAR(objects.feature(Feature::all_mu_mass), 91.2, 1e-4);
    EXPECT_NEAR(objects.feature(Feature::all_mu_pt), 0, 1e-4);
    EXPECT_EQ(objects.feature(Feature::n_mu), 2.0F);
}

TEST(EventFeatures, only_selected_jets_are_summed) {
    Objects objects;
    objects.jets.add(100, 0, 0, 10, 0.9F);
    objects.jets.add(50, 0, kPi / 2, 5, 0.1F);
    objects.jets.add(29, 0, 0, 5, 0.9F);     // soft
    objects.jets.add(80, 2.7F, 0, 5, 0.9F);  // forward
    EXPECT_EQ(objects.feature(Feature::ht), 150.0F);
    EXPECT_EQ(objects.feature(Feature::n_jets), 2.0F);
    EXPECT_EQ(objects.feature(Feature::b_jets), 1.0F);
    const double energy = std::sqrt(100.0 * 100 + 10 * 10) + std::sqrt(50.0 * 50 + 5 * 5);
    EXPECT_NEAR(objects.feature(Feature::all_jet_mass),
                std::sqrt(energy * energy - 100.0 * 100 - 50.0 * 50), 1e-3);
}

TEST(EventFeatures, single_jet_has_its_own_mass) {
    Objects objects;
    objects.jets.add(100, 2.5F, 0, 7.25F, 0);
    EXPECT_EQ(objects.feature(Feature::all_jet_mass), 7.25F);
}

TEST(EventFeatures, trigger_lepton_is_compared_by_momentum_not_direction) {
    Objects objects;
    objects.electrons.add(30, 2.4F, 0, 1);
    objects.muons.add(60, -2.0F, 0, -1);
    EXPECT_EQ(objects.feature(Feature::lep_pt), 60.0F);
    EXPECT_EQ(objects.feature(Feature::lep_is_ele), 0.0F);
}

TEST(EventFeatures, isolated_lepton_is_taken_before_a_harder_one_in_a_jet) {
    Objects objects;
    objects.electrons.add(80, 0, 0, 1, 0.5F);  // total isolation 0.875
    objects.muons.add(26, 0, 1, -1, 0.01F);
    EXPECT_EQ(objects.feature(Feature::lep_pt), 26.0F);
    EXPECT_TRUE(find_trigger_lepton(objects.view())->passes_trigger);
}

TEST(EventFeatures, where_no_lepton_passes_the_hardest_is_taken) {
    Objects objects;
    objects.electrons.add(20, 0, 0, 1, 0.0F);  // below threshold
    objects.muons.add(40, 0, 1, -1, 0.5F);     // not isolated
    EXPECT_EQ(objects.feature(Feature::lep_pt), 40.0F);
    EXPECT_FALSE(find_trigger_lepton(objects.view())->passes_trigger);
}

TEST(EventFeatures, absurd_direction_overflows_visibly) {
    Objects objects;
    objects.muons.add(30, 1000, 0, 1);
    objects.muons.add(30, -1000, 0, 1);
    EXPECT_FALSE(std::isfinite(objects.feature(Feature::all_mu_mass)));
}

}  // namespace
}  // namespace tamis::models
