#include "models/fixed_point/fixed_point_network.hpp"

#include <algorithm>
#include <gsl/assert>
#include <map>

namespace tamis::models {
namespace {

constexpr int kInputBits = 25;      // of a whole number below kInputBound, with the sign
constexpr int kMostScoreBits = 25;  // single precision holds 24 bits beside the sign
constexpr int kMostShift = 30;

tl::unexpected<std::string> refuse_at(const std::string& place, const std::string& what) {
    return tl::make_unexpected(place + ": " + what);
}

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

tl::expected<void, std::string> check_value_type(const std::string& place,
                                                 const FixedPointType& type) {
    if (signed_bits(type) > kMostValueBits) {
        return refuse_at(place, to_string(type) + " is too wide for a value; right are at most " +
                                    std::to_string(kMostValueBits) + " bits with the sign");
    }
    return {};
}

}  // namespace

// Collects steps and gives each answer a place.
class NetworkAssembly {
 public:
    explicit NetworkAssembly(SumOrder order) : order_(order) {}

    tl::expected<void, std::string> add_inputs(const LayerTable& table) {
        network_->input_size_ = table.inputs;
        if (auto checked = check_value_type("input", table.input_type); !checked) {
            return checked;
        }
        if (table.scaling) {
            if (auto scaled = add_scaling(table); !scaled) {
                return refuse_at("input_scaling", scaled.error());
            }
        } else {
            const auto plain = Conversion::between(kInputBits, 0, table.input_type);
            if (!plain) {
                return refuse_at("input_format", plain.error());
            }
            network_->plain_input_.push_back(*plain);
        }
        place_answer(std::string(input_name(table)), table.inputs, table.input_type);
        return {};
    }

    tl::expected<void, std::string> add(const LayerStep& step) {
        const auto input = find(step, step.input, step.input_type);
        const auto second = step.second.empty() ? input : find(step, step.second, step.second_type);
        if (!input || !second) {
            return tl::make_unexpected(input ? second.error() : input.error());
        }
        if (auto checked = check_value_type(step.place, step.result_type); !checked) {
            return checked;
        }
        if (answers_.contains(step.output)) {
            return refuse_at(step.place, "answers '" + step.output +
                                             "' a second time; right is a name of its own");
        }
        auto layer = make_layer(step);
        if (!layer) {
            return tl::make_unexpected(layer.error());
        }
        if (step.outputs == 1 && step.inputs > 1) {
            network_->terms_ = *input;
            network_->terms_name_ = step.input;
            network_->terms_type_ = step.input_type;
        }
        const auto output = place_answer(step.output, step.outputs, step.result_type);
        network_->steps_.push_back({std::move(*layer), *input, *second, output});
        return {};
    }

    tl::expected<std::shared_ptr<const FixedPointNetwork>, std::string> finish(
        const LayerTable& table) {
        const auto score = answers_.find("score");
        if (score == answers_.end() || table.steps.back().output != "score" ||
            score->second.place.size != 1) {
            return refuse_at("network",
                             "does not end with one value 'score'; right is a last step "
                             "that answers it");
        }
        if (score->second.type != table.score_type) {
            return refuse_at("score_output", to_string(table.score_type) + " is not the type of '" +
                                                 "score', " + to_string(score->second.type) +
                                                 "; right is the same");
        }
        if (signed_bits(table.score_type) > kMostScoreBits) {
            return refuse_at("score_output", to_string(table.score_type) +
                                                 " is wider than single precision holds; " +
                                                 "right are at most 24 bits beside the sign");
        }
        network_->score_type_ = table.score_type;
        network_->score_ = score->second.place;
        return network_;
    }

 private:
    using Place = FixedPointNetwork::Place;
    struct Answer {
        Place place;
        FixedPointType type;
    };

    Place place_answer(const std::string& name, std::size_t size, const FixedPointType& type) {
        const Place place{network_->value_count_, size};
        network_->value_count_ += size;
        answers_[name] = {place, type};
        return place;
    }

    [[nodiscard]] tl::expected<Place, std::string> find(const LayerStep& step,
                                                        const std::string& name,
                                                        const FixedPointType& type) const {
        const auto found = answers_.find(name);
        if (found == answers_.end()) {
            return refuse_at(step.place, "reads '" + name +
                                             "', which no step before it answers; "
                                             "right is a name of one that does");
        }
        const Answer& answer = found->second;
        if (answer.place.size != step.inputs || answer.type != type) {
            return refuse_at(step.place, "reads " + std::to_string(step.inputs) + " values of " +
                                             to_string(type) + " from '" + name + "', which has " +
                                             std::to_string(answer.place.size) + " of " +
                                             to_string(answer.type) + "; right are the same");
        }
        return answer.place;
    }

    template <typename Made>
    static tl::expected<FixedPointNetwork::Layer, std::string> as_layer(Made made) {
        if (!made) {
            return tl::make_unexpected(made.error());
        }
        return FixedPointNetwork::Layer(std::move(*made));
    }

    void count_sums(const DenseLayer& layer) {
        ++network_->sum_layers_;
        network_->proved_layers_ += layer.is_proved() ? 1 : 0;
        network_->narrow_count_ = std::max(network_->narrow_count_, layer.scratch_size());
    }

    tl::expected<FixedPointNetwork::Layer, std::string> make_layer(const LayerStep& step) {
        switch (step.kind) {
            case LayerKind::dense: {
                auto layer = DenseLayer::make(step, step.inputs, step.outputs, order_);
                if (layer) {
                    count_sums(*layer);
                }
                return as_layer(std::move(layer));
            }
            case LayerKind::convolution: {
                auto layer = ConvolutionLayer::make(step, order_);
                if (layer) {
                    count_sums(layer->filters());
                    network_->narrow_count_ =
                        std::max(network_->narrow_count_, layer->narrow_size());
                    network_->window_count_ =
                        std::max(network_->window_count_, layer->window_size());
                }
                return as_layer(std::move(layer));
            }
            case LayerKind::sum_of_squares:
                network_->wide_count_ = std::max(network_->wide_count_, step.inputs);
                return as_layer(SquareSumLayer::make(step));
            case LayerKind::difference:
                return as_layer(DifferenceLayer::make(step));
            case LayerKind::dot:
                return as_layer(DotLayer::make(step));
            case LayerKind::relu:
            case LayerKind::linear:
                break;
        }
        return as_layer(ActivationLayer::make(step));
    }

    tl::expected<void, std::string> add_scaling(const LayerTable& table) {
        const InputScaling& from = *table.scaling;
        const FixedPointType& unscaled = from.unscaled_type;
        const int fraction = std::max(unscaled.fraction, from.offset_type.fraction);
        const int raise = fraction - unscaled.fraction;
        const int raise_offset = fraction - from.offset_type.fraction;
        const int bits =
            std::max(signed_bits(unscaled) + raise, signed_bits(from.offset_type) + raise_offset) +
            1;
        // A shift keeps the type and drops high bits, whatever an assignment to it does.
        FixedPointType shifted = unscaled;
        shifted.overflow = Overflow::wrap;
        const auto to_unscaled = Conversion::between(kInputBits, 0, unscaled);
        const auto difference = Conversion::between(bits, fraction, unscaled);
        const auto left =
            Conversion::between(signed_bits(unscaled) + kMostShift, unscaled.fraction, shifted);
        const auto input = Conversion::between(unscaled, table.input_type);
        for (const auto* conversion : {&to_unscaled, &difference, &left, &input}) {
            if (!*conversion) {
                return tl::make_unexpected(conversion->error());
            }
        }
        if (bits > kMostValueBits) {
            return tl::make_unexpected(to_string(unscaled) + " less " +
                                       to_string(from.offset_type) + " needs " +
                                       std::to_string(bits) + " bits; right are at most " +
                                       std::to_string(kMostValueBits));
        }
        if (from.shift_type.fraction != 0) {
            return tl::make_unexpected(to_string(from.shift_type) +
                                       " is no type of a shift; right is one of whole numbers");
        }
        FixedPointNetwork::Scaling scaling{*to_unscaled, *difference, *left, *input,
                                           raise,        {},          {},    {}};
        for (std::size_t i = 0; i < table.inputs; ++i) {
            const auto offset = fixed_point_of(from.offsets[i], from.offset_type);
            const auto shift = fixed_point_of(from.shifts[i], from.shift_type);
            if (!offset || !shift) {
                return tl::make_unexpected(offset ? shift.error() : offset.error());
            }
            if (*shift < -kMostShift || *shift > kMostShift) {
                return tl::make_unexpected("a shift of " + std::to_string(*shift) +
                                           " bits; right are -30 to 30");
            }
            scaling.offsets.push_back(static_cast<std::int32_t>(*offset << raise_offset));
            scaling.right_shifts.push_back(
                static_cast<std::int32_t>(std::max<std::int64_t>(*shift, 0)));
            if (*shift < 0) {
                scaling.left_shifts.push_back({i, static_cast<int>(-*shift)});
            }
        }
        network_->scaling_.push_back(std::move(scaling));
        return {};
    }

    SumOrder order_;
    std::shared_ptr<FixedPointNetwork> network_{new FixedPointNetwork};
    std::map<std::string, Answer, std::less<>> answers_;
};

tl::expected<std::shared_ptr<const FixedPointNetwork>, std::string> FixedPointNetwork::compile(
    const LayerTable& table, SumOrder order) {
    Expects(!table.steps.empty());
    NetworkAssembly assembly(order);
    if (auto added = assembly.add_inputs(table); !added) {
        return tl::make_unexpected(added.error());
    }
    for (const LayerStep& step : table.steps) {
        if (auto added = assembly.add(step); !added) {
            return tl::make_unexpected(added.error());
        }
    }
    return assembly.finish(table);
}

FixedPointRunner::FixedPointRunner(std::shared_ptr<const FixedPointNetwork> network)
    : network_(std::move(network)),
      values_(network_->value_count_),
      narrow_(network_->narrow_count_),
      window_(network_->window_count_),
      wide_(network_->wide_count_) {}

void FixedPointRunner::scale(RawValues row) noexcept {
    if (!network_->plain_input_.empty()) {
        const Conversion& input = network_->plain_input_.front();
        input.convert(row, std::span(values_).first(row.size()), Conversion::Ramp::all);
        return;
    }
    const FixedPointNetwork::Scaling& scaling = network_->scaling_.front();
    const auto values = std::span(values_).first(row.size());
    scaling.unscaled.convert(row, values, Conversion::Ramp::all);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = (values[i] << scaling.raise_input) - scaling.offsets[i];
    }
    scaling.difference.convert(values, values, Conversion::Ramp::all);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] >>= scaling.right_shifts[i];
    }
    for (const auto& [input, bits] : scaling.left_shifts) {
        values[input] =
            static_cast<std::int32_t>(scaling.left_shift(std::int64_t{values[input]} << bits));
    }
    scaling.input.convert(values, values, Conversion::Ramp::all);
}

std::int32_t FixedPointRunner::score(RawValues row) noexcept {
    Expects(row.size() == network_->input_size_);
    scale(row);
    const std::span<std::int32_t> values(values_);
    for (const FixedPointNetwork::Step& step : network_->steps_) {
        const RawValues input = values.subspan(step.input.first, step.input.size);
        const RawValues second = values.subspan(step.second.first, step.second.size);
        const auto output = values.subspan(step.output.first, step.output.size);
        std::visit(
            Overloaded{
                [&](const DenseLayer& layer) { layer.run(input, output, narrow_); },
                [&](const ConvolutionLayer& layer) { layer.run(input, output, narrow_, window_); },
                [&](const ActivationLayer& layer) { layer.run(input, output); },
                [&](const SquareSumLayer& layer) { layer.run(input, output, wide_); },
                [&](const DifferenceLayer& layer) { layer.run(input, second, output); },
                [&](const DotLayer& layer) { layer.run(input, second, output); },
            },
            step.layer);
    }
    return values_[network_->score_.first];
}

}  // namespace tamis::models
