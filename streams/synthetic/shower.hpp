// Showers of single particles in the cells of a calorimeter, and of jets made of them. Shapes are
// exponentials with scales per layer; depth, width and impact vary from shower to shower.
#pragma once

#include "streams/synthetic/cell_grid.hpp"
#include "streams/synthetic/random_stream.hpp"

namespace tamis::streams {

// An electron or photon: early layers, narrow; `strip_spread` widens the first electromagnetic
// layer, 1 for a single particle.
void add_electromagnetic_shower(RandomStream& random, double et, double eta, double phi,
                                double strip_spread, CellGrid& grid) noexcept;

// A charged or neutral hadron: part of it electromagnetic, the rest wide and deep.
void add_hadronic_shower(RandomStream& random, double et, double eta, double phi,
                         CellGrid& grid) noexcept;

// A jet that could be taken for an electron: a few photons and hadrons around the axis.
void add_jet(RandomStream& random, double et, double eta, double phi, CellGrid& grid) noexcept;

}  // namespace tamis::streams
