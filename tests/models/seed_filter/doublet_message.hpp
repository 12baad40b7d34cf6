// Synthetic doublets as a payload of the wire.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/seed_filter/doublet_samples.hpp"
#include "streams/wire.pb.h"
#include "tests/models/ringer/wire_event.hpp"

namespace tamis::tests {

inline wire::PixelDoublets doublet_message(const models::DoubletSamples& samples, std::size_t first,
                                           std::size_t count) {
    wire::PixelDoublets message;
    const auto bytes = [&](const std::vector<std::uint8_t>& from, std::size_t each) {
        return std::string(from.begin() + static_cast<std::ptrdiff_t>(first * each),
                           from.begin() + static_cast<std::ptrdiff_t>((first + count) * each));
    };
    message.set_count(static_cast<std::uint32_t>(count));
    message.set_inner_adc(bytes(samples.inner_adc, 512));
    message.set_outer_adc(bytes(samples.outer_adc, 512));
    message.set_inner_layer(bytes(samples.inner_layer, 1));
    message.set_outer_layer(bytes(samples.outer_layer, 1));
    for (std::size_t i = first * models::kDoubletFeatures;
         i < (first + count) * models::kDoubletFeatures; ++i) {
        message.add_features(samples.features[i]);
    }
    return message;
}

}  // namespace tamis::tests
