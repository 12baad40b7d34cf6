// A fragment: what one source saw of one event, as it lies in a received message. Decoding copies
// nothing, allocates nothing and never throws: any bytes give a fragment or one enumerated reason
// (design 3.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace tamis::streams {

// Numbers as in wire.proto. Any other number is kept and carried through like raw bytes, so that a
// node passes on payloads that are younger than itself.
enum class PayloadType : std::uint32_t {
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

struct FragmentLimits {
    std::size_t message_bytes = std::size_t{4} << 20;  // of one serialised wire.Fragment, 1 .. 2^30
};

// Reads one serialised wire.Fragment: size first, then structure, then the checksum if it carries
// one. Unknown fields are skipped; groups, which proto3 does not have, are refused. Any thread.
class FragmentDecoder {
 public:
    explicit FragmentDecoder(const FragmentLimits& limits = {});

    [[nodiscard]] tl::expected<Fragment, FragmentFault> decode(
        std::span<const std::byte> message) const noexcept;

    [[nodiscard]] const FragmentLimits& limits() const noexcept { return limits_; }

 private:
    FragmentLimits limits_;
};

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of bytes that follow others whose checksum is
// `before`; 0 to begin. "123456789" gives 0xe3069283. At most 2^31 - 1 bytes.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes,
                                   std::uint32_t before = 0) noexcept;

// The checksum that wire.proto defines: over the header fields and the payload.
[[nodiscard]] std::uint32_t fragment_checksum(const Fragment& fragment) noexcept;

enum class Checksum : std::uint8_t {
    as_given,  // Fragment::crc32c is written if it is set
    computed,
};

// Replaces `out` by the serialised wire.Fragment, byte for byte what Protocol Buffers write. `out`
// keeps its capacity: reused, it allocates nothing.
void encode_fragment(const Fragment& fragment, Checksum checksum, std::string& out);

}  // namespace tamis::streams
