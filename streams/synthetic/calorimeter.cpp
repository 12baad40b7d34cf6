#include "streams/synthetic/calorimeter.hpp"

#include <algorithm>
#include <cmath>

#include "streams/synthetic/cell_grid.hpp"
#include "streams/synthetic/random_stream.hpp"
#include "streams/synthetic/shower.hpp"

namespace tamis::streams {
namespace {

constexpr std::size_t kMostClusters = 8;
constexpr double kClusterEtaMax = 2.47;
constexpr double kSuppression = 1.5;        // in units of the noise
constexpr double kSuppressedTail = 0.1336;  // of a normal distribution, beyond that
constexpr double kFaint = 0.15;             // signals below this fraction of the noise are left out
constexpr double kClusterEtaHalf = 0.0375, kClusterPhiHalf = 0.0859;  // 3 x 7 middle cells

// A standard normal number beyond the suppression, either sign (Marsaglia 1964).
double draw_tail(RandomStream& random) noexcept {
    for (;;) {
        const double x = std::sqrt(kSuppression * kSuppression - 2.0 * std::log(random.uniform()));
        if (random.uniform() * x < kSuppression) {
            return random.chance(0.5) ? x : -x;
        }
    }
}

void append_cell(const CellGrid& grid, std::size_t layer, std::size_t cell, double et,
                 CalorimeterView& out) {
    const CellGrid::Position position = grid.position(layer, cell);
    out.cell_eta.push_back(static_cast<float>(position.eta));
    out.cell_phi.push_back(static_cast<float>(position.phi));
    out.cell_energy.push_back(static_cast<float>(et * std::cosh(position.eta)));
    out.cell_layer.push_back(static_cast<std::uint8_t>(layer));
}

// Noise and sampling fluctuations, then zero suppression. Cells without signal are drawn by their
// number, so that a cluster costs what it holds and not what its window spans.
void read_out(RandomStream& random, double noise_scale, CellGrid& grid, CalorimeterView& out) {
    for (std::size_t layer = 0; layer < kCalorimeterLayers; ++layer) {
        const double noise = noise_scale * kLayerGeometry[layer].noise_gev;
        const double threshold = kSuppression * noise;
        const double sampling = layer < 4 ? 0.10 : 0.5;  // GeV^(1/2)
        const auto faint = static_cast<float>(kFaint * noise);
        const std::span<float> cells = grid.layer(layer);
        for (std::size_t cell = 0; cell < cells.size(); ++cell) {
            if (cells[cell] <= faint) {
                continue;
            }
            const double sigma =
                std::sqrt(noise * noise + sampling * sampling * static_cast<double>(cells[cell]));
            const double et = cells[cell] + sigma * random.normal();
            if (std::abs(et) > threshold) {
                append_cell(grid, layer, cell, et, out);
            }
        }
        const auto count = static_cast<double>(cells.size());
        for (std::uint32_t n = random.poisson(kSuppressedTail * count); n > 0; --n) {
            const auto cell = static_cast<std::size_t>(random.uniform() * count);
            if (cells[cell] <= faint) {
                cells[cell] = 2.0F * faint;  // a cell is read out once
                append_cell(grid, layer, cell, noise * draw_tail(random), out);
            }
        }
    }
}

CellGrid::Position hottest_middle_cell(const CellGrid& grid) noexcept {
    constexpr std::size_t kMiddleLayer = 2;
    const std::span<const float> cells = grid.layer(kMiddleLayer);
    const auto hottest = std::max_element(cells.begin(), cells.end()) - cells.begin();
    return grid.position(kMiddleLayer, static_cast<std::size_t>(hottest));
}

class ClusterMaker {
 public:
    ClusterMaker(RandomStream& random, CalorimeterView& out)
        : random_(random), out_(out), noise_scale_(std::sqrt(0.4 + 0.6 * out.average_mu / 20.0)) {}

    void add_electron(double et, double eta, double phi) {
        if (!begin(eta, phi)) {
            return;
        }
        add_electromagnetic_shower(random_, et, eta, phi, 1.0, grid_);
        // What else flies that way: underlying event and pile-up.
        const std::uint32_t neighbours = random_.poisson(0.05 * out_.average_mu);
        for (std::uint32_t i = 0; i < neighbours; ++i) {
            const double at_eta = eta + random_.uniform(-0.3, 0.3);
            const double at_phi = phi + random_.uniform(-0.3, 0.3);
            add_hadronic_shower(random_, 0.3 + random_.exponential(0.8), at_eta, at_phi, grid_);
        }
        end(eta, phi, true);
    }

    void add_fake(double et, double eta, double phi) {
        if (!begin(eta, phi)) {
            return;
        }
        add_jet(random_, et, eta, phi, grid_);
        const CellGrid::Position centre = hottest_middle_cell(grid_);
        end(centre.eta, centre.phi, false);
    }

 private:
    bool begin(double eta, double phi) noexcept {
        if (out_.et.size() == kMostClusters || std::abs(eta) > kClusterEtaMax) {
            return false;
        }
        grid_.centre_on(eta, phi);
        return true;
    }

    void end(double eta, double phi, bool is_electron) {
        const double et =
            grid_.electromagnetic_et({eta, phi}, kClusterEtaHalf, kClusterPhiHalf) / 0.925;
        out_.et.push_back(static_cast<float>(std::max(0.5, et)));
        out_.eta.push_back(static_cast<float>(eta));
        out_.phi.push_back(static_cast<float>(phi));
        out_.is_electron.push_back(is_electron ? 1 : 0);
        read_out(random_, noise_scale_, grid_, out_);
    }

    RandomStream& random_;
    CalorimeterView& out_;
    CellGrid grid_;
    double noise_scale_;
};

}  // namespace

void CalorimeterView::clear() noexcept {
    et.clear();
    eta.clear();
    phi.clear();
    is_electron.clear();
    cell_eta.clear();
    cell_phi.clear();
    cell_energy.clear();
    cell_layer.clear();
}

CalorimeterClusters CalorimeterView::view() const noexcept {
    CalorimeterClusters clusters;
    clusters.average_mu = average_mu;
    clusters.et = et;
    clusters.eta = eta;
    clusters.phi = phi;
    clusters.cell_eta = cell_eta;
    clusters.cell_phi = cell_phi;
    clusters.cell_energy = cell_energy;
    clusters.cell_layer = cell_layer;
    return clusters;
}

void generate_clusters(std::uint64_t seed, std::uint32_t run, std::uint64_t event,
                       const Collision& collision, CalorimeterView& out) {
    RandomStream random(seed, run, event, RandomPart::calorimeter);
    out.clear();
    out.average_mu = collision.average_mu;
    ClusterMaker maker(random, out);
    const LeptonColumns& electrons = collision.electrons;
    for (std::size_t i = 0; i < electrons.size(); ++i) {
        if (electrons.is_prompt[i] != 0 && electrons.pt[i] > 5.0F) {
            maker.add_electron(electrons.pt[i], electrons.eta[i], electrons.phi[i]);
        } else if (electrons.is_prompt[i] == 0 && electrons.pt[i] > 15.0F) {
            // What a cluster finder takes for an electron in a multijet event.
            maker.add_fake(electrons.pt[i] * random.uniform(1.2, 2.2), electrons.eta[i],
                           electrons.phi[i]);
        }
    }
    const JetColumns& jets = collision.jets;
    for (std::size_t i = 0; i < jets.size(); ++i) {
        if (jets.is_lepton[i] == 0 && jets.pt[i] > 18.0F && random.chance(0.6)) {
            maker.add_fake(jets.pt[i], jets.eta[i], jets.phi[i]);
        }
    }
    for (std::uint32_t n = random.poisson(0.03 * collision.average_mu); n > 0; --n) {
        const double eta = random.uniform(-2.4, 2.4);
        maker.add_fake(8.0 + random.exponential(7.0), eta, random.angle());
    }
}

}  // namespace tamis::streams
