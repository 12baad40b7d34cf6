#include "engine/layout_copy.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

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

}  // namespace

std::optional<Loop> layout_copy(const onednn::Desc& from, const onednn::Desc& to) {
    if (std::max(float_count(from), float_count(to)) > kMostFloats) return {};
    std::vector<Run> runs = runs_of(sources(from, to));
    if (runs.empty() || float_count(from) / runs.size() < kShortestRun) return {};
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
