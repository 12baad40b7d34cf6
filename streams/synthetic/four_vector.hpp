// Four-momenta and two-body decays of the synthetic collisions. GeV; beam along z.
#pragma once

#include <cmath>
#include <numbers>

#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {

// Into [-pi, pi).
[[nodiscard]] inline double wrap_phi(double phi) noexcept {
    return phi - 2.0 * std::numbers::pi * std::floor(phi / (2.0 * std::numbers::pi) + 0.5);
}

struct FourVector {
    double px = 0, py = 0, pz = 0, energy = 0;

    [[nodiscard]] static FourVector from_pt_eta_phi_mass(double pt, double eta, double phi,
                                                         double mass) noexcept {
        const double pz = pt * std::sinh(eta);
        return {pt * std::cos(phi), pt * std::sin(phi), pz,
                std::sqrt(pt * pt + pz * pz + mass * mass)};
    }
    // From transverse momentum, rapidity (not pseudorapidity), azimuth and mass.
    [[nodiscard]] static FourVector from_pt_rapidity_phi_mass(double pt, double rapidity,
                                                              double phi, double mass) noexcept {
        const double transverse_mass = std::sqrt(pt * pt + mass * mass);
        return {pt * std::cos(phi), pt * std::sin(phi), transverse_mass * std::sinh(rapidity),
                transverse_mass * std::cosh(rapidity)};
    }

    [[nodiscard]] double pt() const noexcept { return std::hypot(px, py); }
    [[nodiscard]] double phi() const noexcept { return std::atan2(py, px); }
    [[nodiscard]] double eta() const noexcept {
        const double transverse = pt();
        return transverse > 1e-9 ? std::asinh(pz / transverse) : std::copysign(20.0, pz);
    }
    [[nodiscard]] double mass() const noexcept {
        const double square = energy * energy - px * px - py * py - pz * pz;
        return square > 0 ? std::sqrt(square) : 0.0;
    }

    FourVector& operator+=(const FourVector& other) noexcept {
        px += other.px;
        py += other.py;
        pz += other.pz;
        energy += other.energy;
        return *this;
    }
    friend FourVector operator+(FourVector a, const FourVector& b) noexcept { return a += b; }
    friend FourVector operator*(double factor, const FourVector& p) noexcept {
        return {factor * p.px, factor * p.py, factor * p.pz, factor * p.energy};
    }
};

// `p`, given in the rest frame of `parent`, as seen in the frame in which parent is given. The
// parent has a positive mass.
[[nodiscard]] inline FourVector boosted(const FourVector& p, const FourVector& parent) noexcept {
    const double mass = parent.mass();
    const double along = p.px * parent.px + p.py * parent.py + p.pz * parent.pz;
    const double energy = (parent.energy * p.energy + along) / mass;
    const double factor = (p.energy + energy) / (mass + parent.energy);
    return {p.px + factor * parent.px, p.py + factor * parent.py, p.pz + factor * parent.pz,
            energy};
}

struct DecayPair {
    FourVector first, second;
};

// Decay of `parent` into two particles of the given masses (their sum below the parent's mass); the
// first goes at the cosine `cos_theta` to the beam and azimuth `phi` in the parent's rest frame.
[[nodiscard]] inline DecayPair two_body_decay(const FourVector& parent, double first_mass,
                                              double second_mass, double cos_theta,
                                              double phi) noexcept {
    const double mass = parent.mass();
    const double sum = first_mass + second_mass;
    const double difference = first_mass - second_mass;
    const double square = (mass * mass - sum * sum) * (mass * mass - difference * difference);
    const double momentum = square > 0 ? std::sqrt(square) / (2.0 * mass) : 0.0;
    const double transverse = momentum * std::sqrt(1.0 - cos_theta * cos_theta);
    FourVector first{transverse * std::cos(phi), transverse * std::sin(phi), momentum * cos_theta,
                     std::hypot(momentum, first_mass)};
    const FourVector second{-first.px, -first.py, -first.pz, std::hypot(momentum, second_mass)};
    return {boosted(first, parent), boosted(second, parent)};
}

[[nodiscard]] inline DecayPair isotropic_decay(RandomStream& random, const FourVector& parent,
                                               double first_mass, double second_mass) noexcept {
    const double cos_theta = random.uniform(-1.0, 1.0);
    return two_body_decay(parent, first_mass, second_mass, cos_theta, random.angle());
}

}  // namespace tamis::streams
