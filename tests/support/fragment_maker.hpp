// Short ways to write fragments and their messages in tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "streams/fragment.hpp"

namespace tamis::tests {

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

// A fragment of type raw; the payload must outlive it.
[[nodiscard]] inline streams::Fragment make_fragment(std::uint32_t run, std::uint64_t event,
                                                     std::uint32_t source,
                                                     std::string_view payload = "payload") {
    streams::Fragment fragment;
    fragment.run = run;
    fragment.event = event;
    fragment.source = source;
    fragment.payload = as_bytes(payload);
    return fragment;
}

// The serialised wire.Fragment, with its checksum.
[[nodiscard]] inline std::string make_message(const streams::Fragment& fragment) {
    std::string message;
    streams::encode_fragment(fragment, streams::Checksum::computed, message);
    return message;
}

[[nodiscard]] inline std::string make_message(std::uint32_t run, std::uint64_t event,
                                              std::uint32_t source,
                                              std::string_view payload = "payload") {
    return make_message(make_fragment(run, event, source, payload));
}

}  // namespace tamis::tests
