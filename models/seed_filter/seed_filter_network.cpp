#include "models/seed_filter/seed_filter_network.hpp"

#include <string>
#include <utility>
#include <vector>

#include "engine/graph_builder.hpp"
#include "models/seed_filter/doublet_features.hpp"

namespace tamis::models {

namespace {

using engine::GraphValue;

// Features as small as an angle between hits must not drown in the epsilon.
constexpr float kEpsilon = 1e-6F;
constexpr float kMomentum = 0.97F;

// A slope is a quotient of lengths in cm: neither may vanish, none is longer than the detector.
constexpr float kShortest = 0.3F, kLongest = 100.0F;
constexpr float kSteepest = 10.0F;

constexpr float kMomentScale = 1000.0F;

GraphValue clip(engine::GraphBuilder& net, const GraphValue& x, float low, float high) {
    return net.apply("Clip", {x.name}, {{"min", low}, {"max", high}});
}

GraphValue slice(engine::GraphBuilder& net, const GraphValue& x, std::size_t first,
                 std::size_t count) {
    using Integers = std::vector<std::int64_t>;
    return net.apply("Slice", {x.name},
                     {{"axes", Integers{1}},
                      {"starts", Integers{static_cast<std::int64_t>(first)}},
                      {"ends", Integers{static_cast<std::int64_t>(first + count)}},
                      {"steps", Integers{1}}});
}

// Where hits lie says at which angle a track through both would cross each module, and thus how
// long its clusters would be: what tells pairs of two tracks apart. A quotient is hard to learn.
GraphValue with_slopes(engine::GraphBuilder& net, const GraphValue& features) {
    const auto pick = [&](std::size_t index) { return slice(net, features, index, 1); };
    const auto length = [&](std::size_t index) {
        return clip(net, net.apply("Abs", {pick(index).name}), kShortest, kLongest);
    };
    const auto quotient = [&](const GraphValue& x, const GraphValue& y) {
        return clip(net, net.apply("Div", {x.name, y.name}), -kSteepest, kSteepest);
    };
    const GraphValue across = length(kPairDeltaR);
    const GraphValue along = length(kPairDeltaZ);
    const GraphValue to_barrel = quotient(along, across);
    const GraphValue to_disk = quotient(across, along);
    const auto to_module = [&](std::size_t is_barrel) {
        const GraphValue more = net.apply("Sub", {to_barrel.name, to_disk.name});
        return net.add(to_disk, net.multiply(pick(is_barrel), more));
    };
    return net.concat({features, to_barrel, to_module(kHitIsBarrel),
                       to_module(kHitFeatures + kHitIsBarrel),
                       quotient(pick(kPairDeltaPhi), across)});
}

// Sums of charge, charge x place and charge x place^2 along a profile [2 windows x 16], each of the
// inner window, then of the outer. A quotient of two sums is what counts: their weights are in
// thousands, which training hardly moves. The bias makes pixels that did not fire count as 0.
GraphValue moments(engine::GraphBuilder& net, const GraphValue& profile, const std::string& name) {
    constexpr std::size_t kWindows = 2, kMoments = 3;
    constexpr auto kOfNoCharge = static_cast<float>(kChargeMean / kChargeScale);
    engine::Tensor kernel({kWindows * kWindowSide, kMoments * kWindows});
    engine::Tensor bias({kMoments * kWindows});
    for (std::size_t window = 0; window < kWindows; ++window) {
        for (std::size_t place = 0; place < kWindowSide; ++place) {
            const float from_centre = static_cast<float>(place) / 4.0F - 2.0F;
            float weight = kMomentScale;
            for (std::size_t moment = 0; moment < kMoments; ++moment) {
                const std::size_t column = moment * kWindows + window;
                kernel.values[(window * kWindowSide + place) * kMoments * kWindows + column] =
                    weight;
                bias.values[column] += weight * kOfNoCharge;
                weight *= from_centre;
            }
        }
    }
    return net.apply("Gemm", {profile.name, net.weight(name + "/kernel", std::move(kernel)),
                              net.weight(name + "/bias", std::move(bias))});
}

// The root mean square of the charge's place along each axis of each window [4]: how long clusters
// are, finer than in pixels, because the charge at their ends says how much of a pixel was crossed.
GraphValue cluster_widths(engine::GraphBuilder& net, const GraphValue& windows) {
    constexpr float kLeastCharge = 0.02F, kMostCharge = 100.0F;  // a pixel that fired has 0.05
    constexpr float kNarrowest = 0.002F, kWidest = 10.0F;        // squared, in 4 pixels
    const auto side = static_cast<std::int64_t>(kWindowSide);
    const auto along = [&](std::int64_t height, std::int64_t width, const std::string& name) {
        const GraphValue sums = moments(
            net, net.flatten(net.average_pool(windows, {.kernel = {height, width}, .strides = {}})),
            name);
        const GraphValue charge = clip(net, slice(net, sums, 0, 2), kMomentScale * kLeastCharge,
                                       kMomentScale * kMostCharge);
        const auto by_charge = [&](std::size_t first) {
            return net.apply("Div", {slice(net, sums, first, 2).name, charge.name});
        };
        const GraphValue mean = by_charge(2);
        const GraphValue variance =
            net.apply("Sub", {by_charge(4).name, net.multiply(mean, mean).name});
        return net.apply("Sqrt", {clip(net, variance, kNarrowest, kWidest).name});
    };
    return net.concat({along(side, 1, "moments_x"), along(1, side, "moments_y")});
}

GraphValue normalised(engine::GraphBuilder& net, const GraphValue& features) {
    return net.batch_norm(features, "norm", kEpsilon, kMomentum);
}

GraphValue feature_input(engine::GraphBuilder& net) {
    return net.input("features", {std::int64_t{kDoubletFeatures}});
}

engine::Graph finish(engine::GraphBuilder& net, const GraphValue& logit, SeedFilterOutput output) {
    if (output == SeedFilterOutput::probability) {
        net.output(net.sigmoid(logit), "score");
    } else {
        net.output(logit, "logit");
    }
    return net.build();
}

}  // namespace

engine::Graph make_seed_filter_network(const SeedFilterShape& shape, SeedFilterOutput output,
                                       std::uint64_t seed) {
    engine::GraphBuilder net("seed_filter", seed);
    const engine::ConvolutionOptions convolution{
        .kernel = {3, 3}, .strides = {}, .weights = engine::Initialiser::he_normal};
    const engine::PoolOptions pool{.kernel = {2, 2}, .strides = {}};
    const auto side = static_cast<std::int64_t>(kWindowSide);
    const GraphValue windows = net.input("windows", {2, side, side});
    const GraphValue features = feature_input(net);
    GraphValue image = net.max_pool(
        net.relu(net.convolution(windows, shape.first_filters, "conv1", convolution)), pool);
    image = net.max_pool(
        net.relu(net.convolution(image, shape.second_filters, "conv2", convolution)), pool);
    const GraphValue known = net.concat({cluster_widths(net, windows), with_slopes(net, features)});
    GraphValue row = net.concat({net.flatten(image), normalised(net, known)});
    row = net.relu(net.dense(row, shape.first_hidden, "dense1"));
    row = net.relu(net.dense(row, shape.second_hidden, "dense2"));
    return finish(net, net.dense(row, 1, "dense3"), output);
}

engine::Graph make_prefilter_network(const PrefilterShape& shape, SeedFilterOutput output,
                                     std::uint64_t seed) {
    engine::GraphBuilder net("prefilter", seed);
    GraphValue row = normalised(net, with_slopes(net, feature_input(net)));
    row = net.relu(net.dense(row, shape.first_hidden, "dense1"));
    row = net.relu(net.dense(row, shape.second_hidden, "dense2"));
    return finish(net, net.dense(row, 1, "dense3"), output);
}

}  // namespace tamis::models
