// A fragment: what one source saw of one event, as it lies in a received message. Decoding copies
// nothing and never throws: any bytes give a fragment or one enumerated reason (design 3.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tamis::streams {

// Numbers as in wire.proto.
enum class PayloadType : std::uint8_t {
    raw = 0,
    physics_objects = 1,
    calorimeter_clusters = 2,
    pixel_doublets = 3,
    features = 4,
};

// One decoded wire message. `payload` points into the message and lives as long as it does.
struct Fragment {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    std::uint32_t source = 0;
    std::uint64_t timestamp_ns = 0;  // of the collision, UTC, since 1970
    std::uint64_t sequence = 0;      // from 1 per source and run; 0 = the source does not count
    PayloadType payload_type = PayloadType::raw;
    std::optional<std::uint32_t> crc32c;
    std::span<const std::byte> payload;
};

// Why bytes are no fragment. The order is the order of the checks.
enum class FragmentFault : std::uint8_t { oversize, malformed, bad_checksum };

[[nodiscard]] std::string_view to_string(FragmentFault fault) noexcept;
[[nodiscard]] std::string_view to_string(PayloadType type) noexcept;

}  // namespace tamis::streams
