#include "models/ringer/cut_selection.hpp"

#include <algorithm>
#include <cmath>

namespace tamis::models {

namespace {

constexpr std::array<std::string_view, 4> kPointNames = {"tight", "medium", "loose", "very_loose"};

constexpr std::size_t kEtaBins = 9;
constexpr std::array<double, kEtaBins + 1> kEtaEdges = {0,    0.6,  0.8,  1.15, 1.37,
                                                        1.52, 1.81, 2.01, 2.37, 2.47};
constexpr double kRoiDistance = 0.1;
constexpr double kLeastF1 = 0.005;
constexpr double kHadronicEtMax = 90;  // GeV; no hadronic cut above

using Cuts = std::array<double, kEtaBins>;
constexpr double kNoCut = -9999;
constexpr Cuts kNoCuts = {kNoCut, kNoCut, kNoCut, kNoCut, kNoCut, kNoCut, kNoCut, kNoCut, kNoCut};

struct CutTable {
    Cuts hadronic;      // HADETthr: ehad1 / cosh(eta) / ET at most
    Cuts core;          // CARCOREthr: e237 / e277 at least
    Cuts strip_maxima;  // CAERATIOthr: (emaxs1 - e2tsts1) / (emaxs1 + e2tsts1) at least
};
using PointTables = std::array<CutTable, 4>;  // by CutPoint

constexpr PointTables kBelow12 = {{
    {{0.1872, 0.1824, 0.1392, 0.1872, 0.06864, 0.24972, 0.31368, 0.1872, 0.168},
     {0.448, 0.48, 0.544, 0.576, 0.352, 0.608, 0.576, 0.608, 0.598},
     {0.48, 0.448, 0.288, 0.192, kNoCut, 0.256, 0.512, 0.608, kNoCut}},
    {{0.1872, 0.1824, 0.1392, 0.1872, 0.08196, 0.2497, 0.384, 0.19008, 0.19008},
     {0.448, 0.48, 0.544, 0.576, 0.352, 0.608, 0.576, 0.608, 0.598},
     {0.48, 0.448, 0.288, 0.192, kNoCut, 0.0176, 0.512, 0.608, kNoCut}},
    {{0.2337, 0.2097, 0.1392, 0.1872, 0.1255, 0.3234, 0.3840, 0.1901, 0.1901},
     {0.6806, 0.6710, 0.6306, 0.6619, 0.4704, 0.7094, 0.7012, 0.6977, 0.6960},
     {0.48, 0.448, 0.1295, 0.0137, kNoCut, 0.0122, 0.512, 0.6073, kNoCut}},
    {{0.2337, 0.20976, 0.1392, 0.1872, 0.1315, 0.3234, 0.384, 0.1901, 0.1901},
     {0.448, 0.48, 0.5414, 0.576, 0.352, 0.608, 0.576, 0.608, 0.55},
     {0.48, 0.448, 0.1295, 0.0137, kNoCut, 0.0122, 0.512, 0.6073, kNoCut}},
}};

constexpr PointTables kBelow22 = {{
    {{0.0588, 0.0564, 0.054, 0.048, 0.04368, 0.15612, 0.11064, 0.07536, 0.07536},
     {0.71296, 0.69344, 0.64368, 0.69064, 0.4704, 0.7036, 0.73024, 0.7164, 0.7164},
     {0.636, 0.652, 0.5552, 0.4768, kNoCut, 0.6056, 0.6696, 0.7128, kNoCut}},
    {{0.0588, 0.0564, 0.054, 0.048, 0.06384, 0.17868, 0.1284, 0.07536, 0.07536},
     {0.69896, 0.68416, 0.64368, 0.68488, 0.4704, 0.6816, 0.704, 0.6992, 0.6992},
     {0.636, 0.6064, 0.5552, 0.476, kNoCut, 0.5536, 0.664, 0.68, kNoCut}},
    {{0.08472, 0.05928, 0.054, 0.0803, 0.0829, 0.1932, 0.1590, 0.1384, 0.1384},
     {0.6806, 0.6710, 0.6306, 0.6619, 0.4704, 0.6616, 0.7012, 0.6977, 0.696},
     {0.5702, 0.6063, 0.4418, 0.4257, kNoCut, 0.3408, 0.5836, 0.6800, kNoCut}},
    {{0.0871, 0.0617, 0.0564, 0.0827, 0.0889, 0.2052, 0.1674, 0.1481, 0.1481},
     {0.6646, 0.6590, 0.6226, 0.6539, 0.4704, 0.6536, 0.6972, 0.6817, 0.672},
     {0.5702, 0.6063, 0.4418, 0.4257, kNoCut, 0.3408, 0.5836, 0.6800, kNoCut}},
}};

constexpr PointTables kFrom22 = {{
    {{0.0588, 0.0564, 0.054, 0.048, 0.02376, 0.06, 0.06, 0.06, 0.054},
     {0.7288, 0.7296, 0.72, 0.7048, 0.6, 0.7128, 0.7312, 0.7256, 0.7192},
     {0.72, 0.712, 0.68, 0.672, kNoCut, 0.68, 0.716, 0.74, kNoCut}},
    {{0.0588, 0.0564, 0.054, 0.048, 0.02376, 0.06, 0.06, 0.06, 0.054},
     {0.716, 0.712, 0.6952, 0.692, 0.5976, 0.6816, 0.7168, 0.7128, 0.716},
     {0.656, 0.66, 0.6, 0.604, kNoCut, 0.624, 0.664, 0.692, kNoCut}},
    {{0.0588, 0.0564, 0.054, 0.048, 0.0297, 0.06, 0.06, 0.06, 0.054},
     {0.7112, 0.6968, 0.6952, 0.6864, 0.5976, 0.6616, 0.704, 0.7008, 0.696},
     kNoCuts},
    {{0.0612, 0.0588, 0.0564, 0.0504, 0.0357, 0.072, 0.0684, 0.0696, 0.0636},
     {0.6912, 0.6808, 0.6832, 0.6744, 0.5976, 0.6416, 0.692, 0.6848, 0.68},
     kNoCuts},
}};

const CutTable& table_of(CutPoint point, double et_gev) noexcept {
    const PointTables& tables = et_gev < 12 ? kBelow12 : et_gev < 22 ? kBelow22 : kFrom22;
    return tables[static_cast<std::size_t>(point)];
}

bool in_crack(double absolute_eta) noexcept {
    return absolute_eta > 2.37 || (absolute_eta > 1.37 && absolute_eta < 1.52);
}

// False where the ratio is of nothing or not a number.
bool reaches(double part, double whole, double cut) noexcept {
    return cut == kNoCut || (whole > 0 && part / whole >= cut);
}

}  // namespace

std::string_view to_string(CutPoint point) noexcept {
    return kPointNames[static_cast<std::size_t>(point)];
}

std::optional<CutPoint> find_cut_point(std::string_view name) noexcept {
    const auto* const found = std::find(kPointNames.begin(), kPointNames.end(), name);
    if (found == kPointNames.end()) {
        return std::nullopt;
    }
    return static_cast<CutPoint>(found - kPointNames.begin());
}

bool passes_cuts(CutPoint point, const ShowerShapes& shapes, double et_gev, double eta,
                 std::optional<double> table_et_gev) noexcept {
    const double absolute = std::abs(eta);
    if (!(absolute < kEtaEdges.back()) || !(std::abs(shapes.roi_delta_eta) <= kRoiDistance) ||
        !(std::abs(shapes.roi_delta_phi) <= kRoiDistance)) {
        return false;
    }
    const auto* const above = std::upper_bound(kEtaEdges.begin(), kEtaEdges.end(), absolute);
    const auto bin = static_cast<std::size_t>(above - kEtaEdges.begin() - 1);
    const CutTable& table = table_of(point, table_et_gev.value_or(et_gev));
    if (!reaches(shapes.e237, shapes.e277, table.core[bin])) {
        return false;
    }
    if (!in_crack(absolute) && shapes.f1 >= kLeastF1 &&
        !reaches(double{shapes.emaxs1} - double{shapes.e2tsts1},
                 double{shapes.emaxs1} + double{shapes.e2tsts1}, table.strip_maxima[bin])) {
        return false;
    }
    const double hadronic = shapes.ehad1 / std::cosh(absolute) / et_gev;
    return et_gev > kHadronicEtMax || hadronic <= table.hadronic[bin];
}

}  // namespace tamis::models
