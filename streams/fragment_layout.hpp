// A serialised wire.Fragment, piece by piece. Inside streams/ only: whoever writes messages that
// contain fragments (selected events) writes them without a second copy of the payload.
#pragma once

#include <cstddef>
#include <cstdint>

#include "streams/fragment.hpp"

namespace tamis::streams {

// Bytes of the serialised message.
[[nodiscard]] std::size_t encoded_fragment_bytes(const Fragment& fragment) noexcept;

// Writes exactly that many bytes at `target`; returns the place behind them.
std::uint8_t* write_fragment(const Fragment& fragment, std::uint8_t* target) noexcept;

}  // namespace tamis::streams
