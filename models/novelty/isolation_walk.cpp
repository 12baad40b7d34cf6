#include "models/novelty/isolation_walk.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <gsl/assert>
#include <limits>

namespace tamis::models {

namespace {

constexpr double kNowhere = std::numeric_limits<double>::infinity();

}  // namespace

// The loop once for each set of instructions. The sums of kLanes points stay in registers; each is
// that of a plain loop over the axes.
struct BlockMeasures {
    static constexpr std::size_t kBlock = IsolationWalk::kBlock;
    using Squares = IsolationWalk::Squares;

    template <std::size_t kLanes>
    [[gnu::always_inline]] static std::size_t measure(const double* block,
                                                      std::span<const double> at, double bound,
                                                      Squares& squares) noexcept {
        for (std::size_t first = 0; first < kBlock; first += kLanes) {
            std::array<double, kLanes> sums{};
            const double* here = block + first;
            for (const double value : at) {
                for (std::size_t lane = 0; lane < kLanes; ++lane) {
                    const double difference = value - here[lane];
                    sums[lane] += difference * difference;
                }
                here += kBlock;
            }
            std::copy(sums.begin(), sums.end(), squares.begin() + first);
        }
        std::size_t below = 0;
        for (const double square : squares) {
            below += square < bound ? 1 : 0;
        }
        return below;
    }

    static std::size_t baseline(const double* block, std::span<const double> at, double bound,
                                Squares& squares) noexcept {
        return measure<8>(block, at, bound, squares);
    }
#if defined(__x86_64__)
    [[gnu::target("avx2")]] static std::size_t avx2(const double* block, std::span<const double> at,
                                                    double bound, Squares& squares) noexcept {
        return measure<16>(block, at, bound, squares);
    }
#endif

    static IsolationWalk::MeasureBlock choose(WalkInstructions instructions) noexcept {
#if defined(__x86_64__)
        if (instructions == WalkInstructions::best && __builtin_cpu_supports("avx2") != 0) {
            return avx2;
        }
#endif
        return baseline;
    }
};

IsolationWalk::Scratch::Scratch(const IsolationWalk& walk)
    : squares_(walk.neighbours_), theirs_(walk.neighbours_), places_(walk.neighbours_) {}

IsolationWalk::IsolationWalk(const IsolationReference& reference, WalkInstructions instructions)
    : measure_block_(BlockMeasures::choose(instructions)),
      width_(reference.width()),
      neighbours_(reference.neighbours()),
      blocks_((reference.size() + kBlock - 1) / kBlock * kBlock * width_, kNowhere),
      own_distances_(reference.own_distances().begin(), reference.own_distances().end()) {
    for (std::size_t place = 0; place < reference.size(); ++place) {
        const auto point = reference.point(place);
        double* const first = blocks_.data() + place / kBlock * kBlock * width_ + place % kBlock;
        for (std::size_t axis = 0; axis < width_; ++axis) {
            first[axis * kBlock] = point[axis];
        }
    }
}

void IsolationWalk::walk(std::span<const double> at, Scratch& scratch) const noexcept {
    auto& nearest = scratch.squares_;
    auto& places = scratch.places_;
    std::fill(nearest.begin(), nearest.end(), kNowhere);
    Squares squares{};
    for (std::size_t first = 0; first * width_ < blocks_.size(); first += kBlock) {
        // Of those below the bound as it was; it falls with each.
        std::size_t left =
            measure_block_(blocks_.data() + first * width_, at, nearest.back(), squares);
        const double bound = nearest.back();
        for (std::size_t i = 0; left > 0; ++i) {
            left -= squares[i] < bound ? 1 : 0;
            if (!(squares[i] < nearest.back())) {
                continue;
            }
            std::size_t rank = neighbours_ - 1;
            for (; rank > 0 && squares[i] < nearest[rank - 1]; --rank) {
                nearest[rank] = nearest[rank - 1];
                places[rank] = places[rank - 1];
            }
            nearest[rank] = squares[i];
            places[rank] = static_cast<std::uint32_t>(first + i);
        }
    }
}

IsolationAnswer IsolationWalk::answer(std::span<const double> at, Scratch& scratch) const noexcept {
    Expects(at.size() == width_ && scratch.squares_.size() == neighbours_);
    walk(at, scratch);
    for (std::size_t rank = 0; rank < neighbours_; ++rank) {
        scratch.squares_[rank] = std::sqrt(scratch.squares_[rank]);
        scratch.theirs_[rank] = own_distances_[scratch.places_[rank]];
    }
    return isolation_of(scratch.squares_, scratch.theirs_);
}

}  // namespace tamis::models
