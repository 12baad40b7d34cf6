// Any bytes to a reader of selected events: an event or a message, never more.
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <span>

#include "streams/selected_event.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto event =
        tamis::streams::decode_selected_event(std::as_bytes(std::span(data, size)), 4096);
    Ensures(event || !event.error().empty());
    Ensures(!event || size <= 4096);
    return 0;
}
