// What a network needs to run in 8-bit integers: between which values the inputs of its dense and
// convolution layers lie. Plain data; measured by int8_calibration, kept by whoever keeps the
// model.
#pragma once

#include <vector>

namespace tamis::engine {

struct Int8Range {
    float low = 0;
    float high = 0;
    bool operator==(const Int8Range&) const = default;
};

// One per dense and convolution layer, in the network's order. Values beyond are clipped.
using Int8Ranges = std::vector<Int8Range>;

}  // namespace tamis::engine
