#include "models/fixed_point/published_ladders.hpp"

#include <algorithm>
#include <array>

namespace tamis::models {
namespace {

// The menus of AXOL1TL count in sixteenths: the last bit of its score (CMS's emulator compares
// 16 times the score, at least, with the number of the menu).
constexpr double kSixteenth = 1.0 / 16;

constexpr auto kAxol1tl2024 = std::to_array<LadderStep>({
    {"VLoose", 346 * kSixteenth},
    {"Loose", 389 * kSixteenth},
    {"Nominal", 415 * kSixteenth},
    {"Tight", 456 * kSixteenth},
    {"VTight", 557 * kSixteenth},
});
constexpr auto kAxol1tl2025 = std::to_array<LadderStep>({
    {"VLoose", 2010 * kSixteenth},
    {"Loose", 2375 * kSixteenth},
    {"Medium", 2801 * kSixteenth},
    {"Tight", 3318 * kSixteenth},
    {"VTight", 4762 * kSixteenth},
    {"VVTight", 22628 * kSixteenth},
    {"VVVTight", 26375 * kSixteenth},
});
constexpr auto kCicada2024 = std::to_array<LadderStep>({
    {"VLoose", 113},
    {"Loose", 116},
    {"Medium", 121},
    {"Tight", 127},
    {"VTight", 131},
});
constexpr auto kCicada2025 = std::to_array<LadderStep>({
    {"VLoose", 50},
    {"Loose", 60},
    {"Medium", 70},
    {"Tight", 80},
    {"VTight", 90},
    {"VVTight", 110},
    {"VVVTight", 125},
    {"VVVVTight", 135},
});

constexpr auto kLadders = std::to_array<PublishedLadder>({
    {"AXOL1TL v4", "2024 v1.3.0", kAxol1tl2024},
    {"AXOL1TL v5", "2025 v1.0", kAxol1tl2025},
    {"CICADA v2p1p2", "2024 v1.3.0", kCicada2024},
    {"CICADA v2p2p0", "2025 v1.0", kCicada2025},
});

}  // namespace

const PublishedLadder* find_published_ladder(std::string_view model) noexcept {
    const auto* const found =
        std::find_if(kLadders.begin(), kLadders.end(),
                     [model](const PublishedLadder& ladder) { return ladder.model == model; });
    return found == kLadders.end() ? nullptr : found;
}

}  // namespace tamis::models
