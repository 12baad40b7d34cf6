#include "engine/layout_copy.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "engine/dense_products.hpp"

namespace tamis::engine {

namespace {

constexpr std::size_t kMostFloats = 65'536;  // floats count exactly far beyond this
constexpr std::size_t kShortestRun = 8;      // on average

constexpr std::int64_t kPadding = -1;

struct Run {
    std::int64_t from = 0;  // or kPadding
    std::uint32_t to = 0;
    std::uint32_t count = 0;
};

std::size_t float_count(const onednn::Desc& layout) {
    return onednn::bytes_of(layout) / sizeof(float);
}

// Where each float of `to` comes from.
std::vector<std::int64_t> sources(const onednn::Desc& from, const onednn::Desc& to) {
    FloatBuffer places(float_count(from));
    std::iota(places.begin(), places.end(), 1.F);  // 0 is what padding holds
    FloatBuffer moved(float_count(to), 0.F);
    dnnl::memory source(from, onednn::cpu(), places.data());
    dnnl::memory target(to, onednn::cpu(), moved.data());
    dnnl::stream stream(onednn::cpu());
    dnnl::reorder(source, target).execute(stream, source, target);
    stream.wait();
    std::vector<std::int64_t> all(moved.size());
    std::ranges::transform(moved, all.begin(), [](float place) { return std::lround(place) - 1; });
    return all;
}

std::vector<Run> runs_of(const std::vector<std::int64_t>& source_of) {
    std::vector<Run> runs;
    for (std::size_t to = 0; to < source_of.size(); ++to) {
        const std::int64_t from = source_of[to];
        const std::int64_t next = runs.empty() ? from - 1
                                  : runs.back().from == kPadding
                                      ? kPadding
                                      : runs.back().from + runs.back().count;
        if (!runs.empty() && next == from) {
            ++runs.back().count;
        } else {
            runs.push_back({from, static_cast<std::uint32_t>(to), 1});
        }
    }
    return runs;
}

// How many rows the source has, if the target is its transposition.
std::optional<std::size_t> turned_rows(const std::vector<std::int64_t>& source_of) {
    const std::size_t columns = source_of.size() < 2 ? 1 : static_cast<std::size_t>(source_of[1]);
    if (source_of.size() < 2 || columns < 2 || source_of.size() % columns != 0) return {};
    const std::size_t rows = source_of.size() / columns;
    for (std::size_t to = 0; to < source_of.size(); ++to) {
        if (source_of[to] != static_cast<std::int64_t>(to % rows * columns + to / rows)) return {};
    }
    return rows;
}

}  // namespace

std::optional<Loop> layout_copy(const onednn::Desc& from, const onednn::Desc& to) {
    const std::size_t count = float_count(from);
    if (std::max(count, float_count(to)) > kMostFloats) return {};
    const std::vector<std::int64_t> source_of = sources(from, to);
    if (const auto rows = turned_rows(source_of); rows && source_of.size() == count) {
        return
            [rows = *rows, columns = count / *rows](std::span<float* const> buffers, std::size_t) {
                transpose(buffers[0], rows, columns, buffers[1]);
            };
    }
    std::vector<Run> runs = runs_of(source_of);
    if (runs.empty() || count / runs.size() < kShortestRun) return {};
    return [runs = std::move(runs)](std::span<float* const> buffers, std::size_t) {
        for (const Run& run : runs) {
            float* to_place = buffers[1] + run.to;
            if (run.from == kPadding) {
                std::memset(to_place, 0, run.count * sizeof(float));
            } else {
                std::memcpy(to_place, buffers[0] + run.from, run.count * sizeof(float));
            }
        }
    };
}

}  // namespace tamis::engine
