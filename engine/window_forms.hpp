// Windows of files made explicit: what convolutions of floats and of bytes share. Cold path.
#pragma once

#include "engine/onnx_rewrite.hpp"

namespace tamis::engine {

struct WindowForm {
    std::vector<std::int64_t> kernel, strides, dilations, pads;
    [[nodiscard]] std::map<std::string, Attribute> attributes() const;
};

// Of a node on rows [channels, ...]; kernel: the weight that gives kernel_shape where the node does
// not. All values are in range afterwards; ceil_mode and output_shape are left to the caller.
[[nodiscard]] tl::expected<WindowForm, std::string> explicit_window(const Rewrite& at,
                                                                    const Shape& row,
                                                                    const Shape* kernel);

// Gives the file's output from rows without the batch of one a whole tensor has.
[[nodiscard]] Rewritten finish_channels(const Rewrite& at, const std::string& op,
                                        const std::vector<std::string>& inputs,
                                        std::map<std::string, Attribute> attributes);

// A convolution with these weights after the value; kernel_at: which input is the kernel.
[[nodiscard]] Rewritten finish_window(const Rewrite& at, const std::vector<std::string>& weights,
                                      std::size_t kernel_at);

}  // namespace tamis::engine
