#include "streams/synthetic/calorimeter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "models/ringer/ring_sums.hpp"
#include "streams/synthetic/cell_grid.hpp"
#include "streams/synthetic/collision_generator.hpp"

namespace tamis::streams {
namespace {

constexpr std::uint64_t kSeed = 330203;

using Rings = std::array<float, models::kRingCount>;

struct RingSamples {
    std::vector<Rings> electrons, background;
    std::size_t clusters = 0, cells = 0;
};

// Normalised rings of the clusters above 15 GeV, as in the published sample.
RingSamples sample_rings(std::uint64_t events) {
    RingSamples samples;
    const EventMix mix = EventMix::standard_model();
    CalorimeterView view;
    for (std::uint64_t event = 1; event <= events; ++event) {
        generate_clusters(kSeed, 1, event, generate_collision(kSeed, 1, event, mix), view);
        samples.clusters += view.et.size();
        samples.cells += view.cell_eta.size();
        for (std::size_t i = 0; i < view.et.size(); ++i) {
            if (view.et[i] < 15.0F) {
                continue;
            }
            Rings rings{};
            models::sum_rings({view.cell_eta, view.cell_phi, view.cell_energy, view.cell_layer},
                              view.eta[i], view.phi[i], {}, rings);
            models::normalise_rings(models::RingNormalisation::absolute_sum, rings);
            (view.is_electron[i] != 0 ? samples.electrons : samples.background).push_back(rings);
        }
    }
    return samples;
}

double mean_of(const std::vector<Rings>& sample, std::size_t ring) {
    double sum = 0;
    for (const Rings& rings : sample) {
        sum += rings[ring];
    }
    return sum / static_cast<double>(sample.size());
}

TEST(CellGrid, deposit_is_conserved_and_lies_where_it_was_put) {
    CellGrid grid;
    grid.centre_on(0.51, 3.13);  // the window crosses the wrap of phi
    for (std::size_t layer = 0; layer < kCalorimeterLayers; ++layer) {
        const double scale = 0.2 * kLayerGeometry[layer].eta_pitch;
        grid.deposit(layer, 10.0, 0.51, 3.13, scale, scale);
        double sum = 0;
        double mean_eta = 0;
        const auto cells = grid.layer(layer);
        for (std::size_t cell = 0; cell < cells.size(); ++cell) {
            EXPECT_GE(cells[cell], 0.0F);
            sum += cells[cell];
            mean_eta += cells[cell] * grid.position(layer, cell).eta;
        }
        EXPECT_NEAR(sum, 10.0, 1e-3) << layer;
        EXPECT_NEAR(mean_eta / sum, 0.51, 0.6 * kLayerGeometry[layer].eta_pitch) << layer;
    }
}

TEST(CellGrid, deposit_outside_the_window_is_lost) {
    CellGrid grid;
    grid.centre_on(0.0, 0.0);
    grid.deposit(2, 10.0, 0.5, 0.0, 0.01, 0.01);
    const auto cells = grid.layer(2);
    EXPECT_EQ(*std::max_element(cells.begin(), cells.end()), 0.0F);
}

TEST(GenerateClusters, same_event_is_the_same_and_arrays_agree) {
    const EventMix mix = EventMix::standard_model();
    CalorimeterView first;
    CalorimeterView second;
    for (std::uint64_t event = 1; event <= 200; ++event) {
        const Collision collision = generate_collision(kSeed, 1, event, mix);
        generate_clusters(kSeed, 1, event, collision, first);
        generate_clusters(kSeed, 1, event, collision, second);
        EXPECT_EQ(first.et, second.et);
        EXPECT_EQ(first.cell_energy, second.cell_energy);
        EXPECT_EQ(first.cell_eta.size(), first.cell_layer.size());
        EXPECT_EQ(first.cell_phi.size(), first.cell_energy.size());
        EXPECT_EQ(first.is_electron.size(), first.et.size());
        for (const float energy : first.cell_energy) {
            ASSERT_TRUE(std::isfinite(energy));
        }
    }
}

TEST(GenerateClusters, a_cluster_holds_a_few_hundred_cells_and_an_electron_its_energy) {
    const EventMix mix = EventMix::only(SyntheticProcess::w);
    CalorimeterView view;
    std::size_t clusters = 0;
    std::size_t cells = 0;
    for (std::uint64_t event = 1; event <= 1000; ++event) {
        const Collision collision = generate_collision(kSeed, 1, event, mix);
        generate_clusters(kSeed, 1, event, collision, view);
        clusters += view.et.size();
        cells += view.cell_eta.size();
        if (!view.is_electron.empty() && view.is_electron[0] != 0) {
            EXPECT_NEAR(view.et[0] / collision.electrons.pt[0], 1.0, 0.5);
            EXPECT_EQ(view.eta[0], collision.electrons.eta[0]);
        }
    }
    EXPECT_GT(clusters, 500U);
    EXPECT_LT(cells / clusters, 300U);
    EXPECT_GT(cells / clusters, 100U);
}

TEST(GenerateClusters, electrons_are_narrower_than_jets_but_not_always) {
    const RingSamples samples = sample_rings(3000);
    // Share of the two innermost middle-layer rings in that layer.
    const auto above = [](const std::vector<Rings>& sample, double cut) {
        double passing = 0;
        for (const Rings& rings : sample) {
            double layer = 1e-6;
            for (std::size_t i = 72; i < 80; ++i) {
                layer += rings[i];
            }
            passing += (rings[72] + rings[73]) / layer > cut ? 1 : 0;
        }
        return passing / static_cast<double>(sample.size());
    };
    EXPECT_GT(above(samples.electrons, 0.75), 0.95);
    EXPECT_LT(above(samples.background, 0.75), 0.35);
    EXPECT_GT(above(samples.background, 0.75), 0.05);
}

TEST(GenerateClusters, mean_rings_follow_the_recorded_profiles) {
    const std::string path = TAMIS_DATA_DIR "/models/ringer_profiles_run2_sample.tsv";
    if (!std::filesystem::exists(path)) {
        GTEST_SKIP() << "data not found at " << path;
    }
    const RingSamples samples = sample_rings(6000);
    std::ifstream file(path);
    std::array<std::size_t, 2> ring{};
    std::array<double, 2> largest{};
    std::array<double, 2> total{};
    for (std::string line; std::getline(file, line);) {
        std::istringstream columns(line);
        std::string kind;
        std::string layer;
        int count = 0;
        int index = 0;
        double mean = 0;
        if (!(columns >> kind >> count >> layer >> index >> mean)) {
            continue;
        }
        const std::size_t side = kind == "bkg" ? 1 : 0;
        const double difference = std::abs(
            mean_of(side == 0 ? samples.electrons : samples.background, ring[side]++) - mean);
        largest[side] = std::max(largest[side], difference);
        total[side] += difference;
    }
    ASSERT_EQ(ring[0], models::kRingCount);
    ASSERT_EQ(ring[1], models::kRingCount);
    std::cout << "largest difference of a mean ring: electrons " << largest[0] << ", background "
              << largest[1] << "; sum over rings " << total[0] << ", " << total[1] << "\n";
    EXPECT_LT(largest[0], 0.03);  // of rings that reach 0.28
    EXPECT_LT(largest[1], 0.04);
    EXPECT_LT(total[0], 0.15);  // of a sum of one
    EXPECT_LT(total[1], 0.25);
}

}  // namespace
}  // namespace tamis::streams
