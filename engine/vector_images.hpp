// Images between kernels of ours and of oneDNN: channels in blocks of a register's lanes, which
// oneDNN knows as nChw8c and nChw16c, and plain where the next layer wants them so. Internal to the
// engine (sees oneDNN); cold path.
#pragma once

#include "engine/convolution_plan.hpp"
#include "engine/emission.hpp"

namespace tamis::engine {

struct VectorImage {
    BufferId buffer = -1;
    ImageLayout layout;
};

// The value in a layout our kernels read: blocked in these lanes or any strides; else a copy.
[[nodiscard]] VectorImage source_image(Emission& to, int value, std::size_t lanes,
                                       const std::string& layer);
// A buffer for the value, in the layout its readers want: row-major where they only move values,
// such that a transpose of it is row-major where they all transpose, else blocked.
[[nodiscard]] VectorImage destination_image(Emission& to, int value, std::size_t lanes);
[[nodiscard]] VectorImage row_major_image(Emission& to, int value, std::size_t lanes);

}  // namespace tamis::engine
