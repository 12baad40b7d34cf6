#include "models/event_features.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace tamis::models {
namespace {

// Sum of four-momenta; masses of a single object are its own, so that rounding cannot give a
// massless lepton a mass above the clip of its likelihood.
class MomentumSum {
 public:
    void add(double pt, double eta, double phi, double mass) noexcept {
        const double px = pt * std::cos(phi);
        const double py = pt * std::sin(phi);
        const double pz = pt * std::sinh(eta);
        px_ += px;
        py_ += py;
        pz_ += pz;
        energy_ += std::sqrt(px * px + py * py + pz * pz + mass * mass);
        first_mass_ = count_ == 0 ? mass : first_mass_;
        ++count_;
    }
    [[nodiscard]] double pt() const noexcept { return std::hypot(px_, py_); }
    [[nodiscard]] double mass() const noexcept {
        if (count_ < 2) {
            return first_mass_;
        }
        const double squared = energy_ * energy_ - px_ * px_ - py_ * py_ - pz_ * pz_;
        return std::sqrt(std::max(squared, 0.0));
    }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
    double px_ = 0, py_ = 0, pz_ = 0, energy_ = 0, first_mass_ = 0;
    std::size_t count_ = 0;
};

MomentumSum sum_leptons(const streams::LeptonArrays& leptons, double least_pt) noexcept {
    MomentumSum sum;
    for (std::size_t i = 0; i < leptons.pt.size(); ++i) {
        if (leptons.pt[i] > least_pt) {
            sum.add(leptons.pt[i], leptons.eta[i], leptons.phi[i], 0.0);
        }
    }
    return sum;
}

struct JetSums {
    MomentumSum momentum;
    double scalar_pt = 0;
    std::size_t b_tagged = 0;
};

JetSums sum_jets(const streams::JetArrays& jets, const ObjectSelection& selection) noexcept {
    JetSums sums;
    for (std::size_t i = 0; i < jets.pt.size(); ++i) {
        if (jets.pt[i] > selection.jet_pt_gev && std::abs(jets.eta[i]) < selection.jet_eta) {
            sums.momentum.add(jets.pt[i], jets.eta[i], jets.phi[i], jets.mass[i]);
            sums.scalar_pt += jets.pt[i];
            sums.b_tagged += jets.btag[i] > selection.btag ? 1 : 0;
        }
    }
    return sums;
}

enum class Flavour : std::uint8_t { electron, muon };

void consider(const streams::LeptonArrays& leptons, Flavour flavour,
              const ObjectSelection& selection, std::optional<TriggerLepton>& best) noexcept {
    const double threshold = flavour == Flavour::electron ? selection.electron_trigger_pt_gev
                                                          : selection.muon_trigger_pt_gev;
    for (std::size_t i = 0; i < leptons.pt.size(); ++i) {
        TriggerLepton lepton;
        lepton.pt = leptons.pt[i];
        lepton.iso_charged = leptons.iso_charged[i];
        lepton.iso_photon = leptons.iso_photon[i];
        lepton.iso_neutral = leptons.iso_neutral[i];
        lepton.passes_trigger =
            lepton.pt > threshold && lepton.iso_charged + lepton.iso_photon + lepton.iso_neutral <
                                         selection.trigger_isolation;
        const bool better = !best || (lepton.passes_trigger && !best->passes_trigger) ||
                            (lepton.passes_trigger == best->passes_trigger && lepton.pt > best->pt);
        if (better && lepton.pt > selection.lepton_pt_gev) {
            lepton.eta = leptons.eta[i];
            lepton.phi = leptons.phi[i];
            lepton.charge = leptons.charge[i];
            lepton.is_electron = flavour == Flavour::electron;
            best = lepton;
        }
    }
}

}  // namespace

std::string_view feature_unit(Feature feature) noexcept {
    switch (feature) {
        case Feature::n_mu:
        case Feature::n_jets:
        case Feature::b_jets:
        case Feature::n_ele:
        case Feature::n_ch_had:
        case Feature::n_neu_had:
            return "count";
        case Feature::lep_iso_ch:
        case Feature::lep_iso_gamma:
        case Feature::lep_iso_neu:
        case Feature::lep_charge:
        case Feature::lep_is_ele:
            return "";
        default:
            return "GeV";
    }
}

double wrapped_angle(double radians) noexcept {
    const double wrapped = std::remainder(radians, 2 * std::numbers::pi);
    return wrapped == -std::numbers::pi ? std::numbers::pi : wrapped;
}

std::optional<TriggerLepton> find_trigger_lepton(const streams::PhysicsObjects& objects,
                                                 const ObjectSelection& selection) noexcept {
    std::optional<TriggerLepton> best;
    consider(objects.electrons, Flavour::electron, selection, best);
    consider(objects.muons, Flavour::muon, selection, best);
    return best;
}

HighLevelFeatures high_level_features(const streams::PhysicsObjects& objects,
                                      const ObjectSelection& selection) noexcept {
    HighLevelFeatures features{};
    const auto set = [&features](Feature feature, double value) {
        features[static_cast<std::size_t>(feature)] = static_cast<float>(value);
    };
    const auto set_count = [&set](Feature feature, std::size_t value) {
        set(feature, static_cast<double>(value));
    };

    const JetSums jets = sum_jets(objects.jets, selection);
    set(Feature::ht, jets.scalar_pt);
    set(Feature::all_jet_mass, jets.momentum.mass());
    set_count(Feature::n_jets, jets.momentum.count());
    set_count(Feature::b_jets, jets.b_tagged);

    const MomentumSum muons = sum_leptons(objects.muons, selection.lepton_pt_gev);
    set(Feature::all_mu_pt, muons.pt());
    set(Feature::all_mu_mass, muons.mass());
    set_count(Feature::n_mu, muons.count());
    const MomentumSum electrons = sum_leptons(objects.electrons, selection.lepton_pt_gev);
    set(Feature::all_ele_pt, electrons.pt());
    set(Feature::all_ele_mass, electrons.mass());
    set_count(Feature::n_ele, electrons.count());

    if (const auto lepton = find_trigger_lepton(objects, selection)) {
        const double met = objects.met_pt;
        const double dphi = wrapped_angle(static_cast<double>(objects.met_phi) - lepton->phi);
        set(Feature::lep_pt, lepton->pt);
        set(Feature::lep_iso_ch, lepton->iso_charged);
        set(Feature::lep_iso_gamma, lepton->iso_photon);
        set(Feature::lep_iso_neu, lepton->iso_neutral);
        set(Feature::met_p, met * std::cos(dphi));
        set(Feature::met_o, met * std::sin(dphi));
        // sqrt(2 met pt (1 - cos dphi)), written so that small angles lose no digits.
        set(Feature::mt, 2 * std::sqrt(met * lepton->pt) * std::abs(std::sin(dphi / 2)));
        set(Feature::lep_charge, lepton->charge);
        set(Feature::lep_is_ele, lepton->is_electron ? 1 : 0);
    }
    set(Feature::n_ch_had, objects.charged_hadrons);
    set(Feature::n_neu_had, objects.neutral_hadrons);
    return features;
}

}  // namespace tamis::models
