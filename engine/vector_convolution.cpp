#include "engine/vector_convolution.hpp"

#include <algorithm>
#include <cmath>

#include "engine/convolution_choice.hpp"
#include "engine/convolution_kernels.hpp"
#include "engine/convolution_weights.hpp"
#include "engine/vector_images.hpp"

namespace tamis::engine {

namespace {

bool all_ones(const std::vector<std::int64_t>& values) {
    return std::ranges::all_of(values, [](std::int64_t value) { return value == 1; });
}

std::size_t extent(const onednn::Dims& dims, std::size_t axis) {
    return static_cast<std::size_t>(dims[axis]);
}

// None: not a convolution our kernels do.
std::optional<ConvolutionGeometry> geometry_of(const Emission& to, const PlanLayer& layer,
                                               const ConvolutionLayer& convolution) {
    const Window& window = convolution.window;
    if (window.kernel.size() != 2 || convolution.groups != 1 || !all_ones(window.strides) ||
        !all_ones(window.dilations)) {
        return std::nullopt;
    }
    const onednn::Dims in = to.dims(layer.inputs[0]);
    const onednn::Dims out = to.dims(layer.outputs[0]);
    return ConvolutionGeometry{
        .channels = extent(in, 1),
        .height = extent(in, 2),
        .width = extent(in, 3),
        .filters = extent(out, 1),
        .out_height = extent(out, 2),
        .out_width = extent(out, 3),
        .kernel_height = static_cast<std::size_t>(window.kernel[0]),
        .kernel_width = static_cast<std::size_t>(window.kernel[1]),
        .pad_top = static_cast<std::size_t>(window.pads_begin[0]),
        .pad_left = static_cast<std::size_t>(window.pads_begin[1]),
    };
}

std::optional<float> slope_of(const std::optional<Activation>& activation) {
    if (!activation) return 1.F;
    const float slope = activation->negative_slope;
    if (activation->kind != Activation::Kind::relu || slope < 0.F || slope > 1.F) return {};
    return slope;
}

bool halves(const PoolLayer& pool) {
    const auto twos = [](const std::vector<std::int64_t>& values) {
        return values == std::vector<std::int64_t>{2, 2};
    };
    const auto zero = [](std::int64_t pad) { return pad == 0; };
    return twos(pool.window.kernel) && twos(pool.window.strides) &&
           all_ones(pool.window.dilations) && std::ranges::all_of(pool.window.pads_begin, zero) &&
           std::ranges::all_of(pool.window.pads_end, zero);
}

// What follows the convolution and is computed with it.
struct Followers {
    ConvolutionTail tail;
    const NormalisationLayer* normalisation = nullptr;
    const PlanLayer* pool = nullptr;
    int result = -1;  // the value that comes out
};

const PlanLayer* only_reader(const Emission& to, int value) {
    const std::vector<const PlanLayer*> readers = to.readers(value);
    return readers.size() == 1 && !to.is_output(value) ? readers[0] : nullptr;
}

Followers absorbed_followers(Emission& to, const PlanLayer& layer, float slope, bool may_pool) {
    Followers found;
    found.tail.slope = slope;
    found.result = layer.outputs[0];
    const PlanLayer* next = only_reader(to, found.result);
    if (next != nullptr) found.normalisation = std::get_if<NormalisationLayer>(&next->spec);
    if (found.normalisation != nullptr) {
        found.tail.affine = true;
        to.absorb(*next);
        found.result = next->outputs[0];
        next = only_reader(to, found.result);
    }
    const PoolLayer* pool = next != nullptr ? std::get_if<PoolLayer>(&next->spec) : nullptr;
    if (may_pool && pool != nullptr && halves(*pool)) {
        found.tail.pool = pool->kind == PoolLayer::Kind::max ? ConvolutionTail::Pool::max
                                                             : ConvolutionTail::Pool::average;
        found.pool = next;
        to.absorb(*next);
        found.result = next->outputs[0];
    }
    return found;
}

struct PackedConvolution {
    FloatBuffer weights;
    FloatBuffer taps;
    FloatBuffer tail;
};

// Calls of so few images never read the transformed weights.
bool transforms_taps_only(const ConvolutionPlan& plan) {
    return plan.transforms_taps(plan.images * plan.tile_rows *
                                winograd_tile_columns(plan.geometry));
}

PackedConvolution packed(const std::map<std::string, Tensor>& weights,
                         const ConvolutionLayer& convolution, const Followers& followers,
                         ConvolutionExecutor executor, const ConvolutionPlan& plan) {
    TailValues values;
    if (!convolution.bias.empty()) values.bias = weights.at(convolution.bias).values;
    std::vector<double> scale;
    std::vector<double> shift;
    if (const NormalisationLayer* normalisation = followers.normalisation) {
        for (std::size_t k = 0; k < plan.geometry.filters; ++k) {
            const auto value = [&](const std::string& name) {
                return static_cast<double>(weights.at(name).values[k]);
            };
            const double deviation =
                std::sqrt(value(normalisation->variance) + normalisation->epsilon);
            scale.push_back(value(normalisation->scale) / deviation);
            shift.push_back(value(normalisation->shift) - value(normalisation->mean) * scale[k]);
        }
        values.scale = scale;
        values.shift = shift;
    }
    const FloatBuffer& kernel = weights.at(convolution.kernel).values;
    if (executor == ConvolutionExecutor::direct) {
        return {direct_weights(plan, kernel), {}, tail_values(plan, values)};
    }
    FloatBuffer taps = winograd_taps(plan, kernel);
    FloatBuffer transformed;
    if (!transforms_taps_only(plan)) transformed = winograd_weights(plan, taps);
    if (!plan.transforms_taps(1)) taps = {};
    return {std::move(transformed), std::move(taps), tail_values(plan, values)};
}

std::string executor_name(ConvolutionExecutor executor, const ConvolutionPlan& plan,
                          const VectorUnit& unit) {
    std::string name = "direct";
    if (executor == ConvolutionExecutor::winograd) {
        const std::string tile = std::to_string(winograd_tile(plan.geometry));
        name = "winograd F(" + tile + "x" + tile + ")";
    }
    if (plan.tail.affine) name += " + normalisation";
    if (plan.tail.pool != ConvolutionTail::Pool::none) name += " + pool";
    return name + ", " + unit.name;
}

}  // namespace

bool emit_vector_convolution(Emission& to, const PlanLayer& layer,
                             const ConvolutionLayer& convolution) {
    OwnKernels* own = to.config().own_kernels;
    const auto geometry = geometry_of(to, layer, convolution);
    const auto slope = slope_of(convolution.activation);
    if (own == nullptr || !geometry || !slope) return false;
    const VectorUnit unit = vector_unit();
    const ConvolutionExecutor executor = choose_convolution(*geometry, unit);
    if (executor == ConvolutionExecutor::onednn) return false;

    const bool by_winograd = executor == ConvolutionExecutor::winograd;
    const Followers followers =
        absorbed_followers(to, layer, *slope, !by_winograd || winograd_pools(*geometry));
    const VectorImage source = source_image(to, layer.inputs[0], unit.lanes, layer.name);
    const VectorImage destination = destination_image(to, followers.result, unit.lanes);
    const ConvolutionPlan plan =
        by_winograd
            ? plan_winograd(*geometry, followers.tail, source.layout, destination.layout, unit,
                            static_cast<std::size_t>(to.config().batch))
            : plan_direct(*geometry, followers.tail, source.layout, destination.layout, unit);

    const std::string with = by_winograd && transforms_taps_only(plan) ? ", taps only" : "";
    std::shared_ptr<const void>& made =
        own->made["convolution of value " + std::to_string(layer.outputs[0]) + with];
    if (made == nullptr) {
        made = std::make_shared<const PackedConvolution>(
            packed(own->weights, convolution, followers, executor, plan));
    }
    const auto weights = std::static_pointer_cast<const PackedConvolution>(made);
    const ConvolutionKernel kernel = by_winograd ? winograd_kernel() : direct_convolution_kernel();
    const BufferId scratch =
        to.program().arena(onednn::plain({static_cast<std::int64_t>(plan.scratch_floats())}));
    to.program().append(
        followers.pool == nullptr ? layer.name : layer.name + " to " + followers.pool->name,
        executor_name(executor, plan, unit),
        [plan, kernel, weights, upcoming = to.program().upcoming_weights()](
            std::span<float* const> buffers, std::size_t rows) {
            kernel(plan,
                   {buffers[0], buffers[1], buffers[2], weights->weights.data(),
                    weights->taps.data(), weights->tail.data(), *upcoming},
                   rows);
        },
        {source.buffer, destination.buffer, scratch}, ProgramBuilder::Rows::any);
    to.set_value(followers.result, destination.buffer);
    return true;
}

bool emit_vector_pool(Emission& to, const PlanLayer& layer, const PoolLayer& pool) {
    const onednn::Dims in = to.dims(layer.inputs[0]);
    const Window& window = pool.window;
    if (to.config().own_kernels == nullptr || in.size() != 4 || !all_ones(window.dilations)) {
        return false;
    }
    const VectorUnit unit = vector_unit();
    const onednn::Desc given = to.desc(to.value_buffer(layer.inputs[0]));
    const bool row_major = given == onednn::plain(in);
    if (!row_major && given != onednn::channel_blocked(in, unit.lanes)) return false;
    for (std::size_t axis = 0; axis < 2; ++axis) {
        // A window wholly in the padding has no maximum.
        if (std::max(window.pads_begin[axis], window.pads_end[axis]) >= window.kernel[axis]) {
            return false;
        }
    }
    const VectorImage source = source_image(to, layer.inputs[0], unit.lanes, layer.name);
    const VectorImage destination = row_major ? row_major_image(to, layer.outputs[0], unit.lanes)
                                              : destination_image(to, layer.outputs[0], unit.lanes);
    const onednn::Dims out = to.dims(layer.outputs[0]);
    const auto number = [](std::int64_t value) { return static_cast<std::size_t>(value); };
    ImagePoolPlan plan;
    plan.kind = pool.kind == PoolLayer::Kind::max ? ImagePoolPlan::Kind::max
                : pool.kind == PoolLayer::Kind::average_of_inside
                    ? ImagePoolPlan::Kind::average_of_inside
                    : ImagePoolPlan::Kind::average_with_padding;
    plan.channels = extent(in, 1);
    plan.height = extent(in, 2);
    plan.width = extent(in, 3);
    plan.out_height = extent(out, 2);
    plan.out_width = extent(out, 3);
    plan.kernel_height = number(window.kernel[0]);
    plan.kernel_width = number(window.kernel[1]);
    plan.stride_y = number(window.strides[0]);
    plan.stride_x = number(window.strides[1]);
    plan.pad_top = number(window.pads_begin[0]);
    plan.pad_left = number(window.pads_begin[1]);
    plan.source = source.layout;
    plan.destination = destination.layout;
    to.program().append(
        layer.name, std::string("pool, ") + unit.name,
        [plan, kernel = image_pool_kernel()](std::span<float* const> buffers, std::size_t rows) {
            kernel(plan, buffers[0], buffers[1], rows);
        },
        {source.buffer, destination.buffer}, ProgramBuilder::Rows::any);
    to.set_value(layer.outputs[0], destination.buffer);
    return true;
}

}  // namespace tamis::engine
