// Any bytes at the door: the reader of fragments never accepts what the generated class refuses,
// reads the same values, and what it reads can be written and read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <span>
#include <string>

#include "streams/fragment.hpp"
#include "streams/wire.pb.h"

namespace {

using namespace tamis;

void check_against_generated(const streams::Fragment& fragment, const std::uint8_t* data,
                             std::size_t size) {
    wire::Fragment reference;
    Ensures(reference.ParseFromArray(data, static_cast<int>(size)));
    const auto payload = std::as_bytes(std::span(reference.payload()));
    Ensures(fragment.run == reference.run() && fragment.event == reference.event());
    Ensures(fragment.source == reference.source() && fragment.sequence == reference.sequence());
    Ensures(fragment.timestamp_ns == reference.timestamp_ns());
    Ensures(static_cast<std::int32_t>(fragment.payload_type) == reference.payload_type());
    Ensures(fragment.crc32c.has_value() == reference.has_crc32c());
    Ensures(std::ranges::equal(fragment.payload, payload));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const streams::FragmentDecoder decoder({4096});
    const auto fragment = decoder.decode(std::as_bytes(std::span(data, size)));
    Ensures(fragment || (fragment.error() == streams::FragmentFault::oversize) == (size > 4096));
    if (!fragment) {
        return 0;
    }
    check_against_generated(*fragment, data, size);
    std::string written;
    streams::encode_fragment(*fragment, streams::Checksum::computed, written);
    const auto again = streams::FragmentDecoder({8192}).decode(std::as_bytes(std::span(written)));
    Ensures(again && again->event == fragment->event &&
            std::ranges::equal(again->payload, fragment->payload));
    return 0;
}
