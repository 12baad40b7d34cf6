#include "streams/fragment.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <isa-l/crc.h>

#include <array>
#include <bit>
#include <cstring>
#include <gsl/assert>

#include "streams/fragment_layout.hpp"
#include "streams/vector_registers.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;
using Wire = google::protobuf::internal::WireFormatLite;

constexpr std::uint32_t tag(int field, Wire::WireType type) noexcept {
    return static_cast<std::uint32_t>(field) << 3U | static_cast<std::uint32_t>(type);
}

constexpr int kLongestTag = 5;
constexpr std::uint32_t kRun = tag(wire::Fragment::kRunFieldNumber, Wire::WIRETYPE_VARINT);
constexpr std::uint32_t kEvent = tag(wire::Fragment::kEventFieldNumber, Wire::WIRETYPE_FIXED64);
constexpr std::uint32_t kSource = tag(wire::Fragment::kSourceFieldNumber, Wire::WIRETYPE_VARINT);
constexpr std::uint32_t kTimestamp =
    tag(wire::Fragment::kTimestampNsFieldNumber, Wire::WIRETYPE_FIXED64);
constexpr std::uint32_t kSequence =
    tag(wire::Fragment::kSequenceFieldNumber, Wire::WIRETYPE_FIXED64);
constexpr std::uint32_t kPayloadType =
    tag(wire::Fragment::kPayloadTypeFieldNumber, Wire::WIRETYPE_VARINT);
constexpr std::uint32_t kPayload =
    tag(wire::Fragment::kPayloadFieldNumber, Wire::WIRETYPE_LENGTH_DELIMITED);
constexpr std::uint32_t kCrc32c = tag(wire::Fragment::kCrc32CFieldNumber, Wire::WIRETYPE_FIXED32);

// A field of a length that its own first bytes announce; the bytes stay where they are.
bool read_bytes(CodedInputStream& in, std::span<const std::byte>& bytes) noexcept {
    int length = 0;
    if (!in.ReadVarintSizeAsInt(&length)) {
        return false;
    }
    const void* begin = nullptr;
    int available = 0;
    in.GetDirectBufferPointerInline(&begin, &available);
    if (length > available) {
        return false;
    }
    bytes = {static_cast<const std::byte*>(begin), static_cast<std::size_t>(length)};
    return in.Skip(length);
}

bool skip_unknown(CodedInputStream& in, std::uint32_t field_tag) noexcept {
    const auto type = Wire::GetTagWireType(field_tag);
    if (Wire::GetTagFieldNumber(field_tag) == 0 || type == Wire::WIRETYPE_START_GROUP ||
        type == Wire::WIRETYPE_END_GROUP) {
        return false;
    }
    return Wire::SkipField(&in, field_tag);
}

bool read_field(CodedInputStream& in, std::uint32_t field_tag, Fragment& fragment) noexcept {
    switch (field_tag) {
        case kRun:
            return in.ReadVarint32(&fragment.run);
        case kEvent:
            return in.ReadLittleEndian64(&fragment.event);
        case kSource:
            return in.ReadVarint32(&fragment.source);
        case kTimestamp:
            return in.ReadLittleEndian64(&fragment.timestamp_ns);
        case kSequence:
            return in.ReadLittleEndian64(&fragment.sequence);
        case kPayloadType: {
            std::uint32_t number = 0;
            const bool read = in.ReadVarint32(&number);
            fragment.payload_type = PayloadType{number};
            return read;
        }
        case kPayload:
            return read_bytes(in, fragment.payload);
        case kCrc32c: {
            std::uint32_t value = 0;
            const bool read = in.ReadLittleEndian32(&value);
            fragment.crc32c = value;
            return read;
        }
        default:
            return skip_unknown(in, field_tag);
    }
}

template <class Integer>
std::byte* store_little_endian(std::byte* target, Integer value) noexcept {
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
        *target++ = static_cast<std::byte>(value >> (8 * i) & 0xffU);
    }
    return target;
}

}  // namespace

std::string_view to_string(FragmentFault fault) noexcept {
    switch (fault) {
        case FragmentFault::oversize:
            return "oversize";
        case FragmentFault::malformed:
            return "malformed";
        case FragmentFault::bad_checksum:
            return "bad checksum";
    }
    return "unknown";
}

std::string_view to_string(PayloadType type) noexcept {
    switch (type) {
        case PayloadType::raw:
            return "raw";
        case PayloadType::physics_objects:
            return "physics objects";
        case PayloadType::calorimeter_clusters:
            return "calorimeter clusters";
        case PayloadType::pixel_doublets:
            return "pixel doublets";
        case PayloadType::features:
            return "features";
    }
    return "unknown";
}

FragmentDecoder::FragmentDecoder(const FragmentLimits& limits) : limits_(limits) {
    Expects(limits.message_bytes >= 1 && limits.message_bytes <= std::size_t{1} << 30U);
}

tl::expected<Fragment, FragmentFault> FragmentDecoder::decode(
    std::span<const std::byte> message) const noexcept {
    if (message.size() > limits_.message_bytes) {
        return tl::unexpected(FragmentFault::oversize);
    }
    CodedInputStream in(reinterpret_cast<const std::uint8_t*>(message.data()),
                        static_cast<int>(message.size()));
    Fragment fragment;
    int tag_begin = 0;
    for (std::uint32_t field_tag = in.ReadTag(); field_tag != 0; field_tag = in.ReadTag()) {
        // The library reads tags of up to ten bytes here and of at most five in generated classes.
        const bool too_long = in.CurrentPosition() - tag_begin > kLongestTag;
        if (too_long || !read_field(in, field_tag, fragment)) {
            return tl::unexpected(FragmentFault::malformed);
        }
        tag_begin = in.CurrentPosition();
    }
    // A zero tag ends the loop too, wherever it lies.
    if (!in.ConsumedEntireMessage()) {
        return tl::unexpected(FragmentFault::malformed);
    }
    if (fragment.crc32c && *fragment.crc32c != fragment_checksum(fragment)) {
        return tl::unexpected(FragmentFault::bad_checksum);
    }
    return fragment;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    // The library does neither the initial nor the final inversion, and does not write to what it
    // takes without const.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    auto* begin = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    const std::uint32_t sum = crc32_iscsi(begin, static_cast<int>(bytes.size()), ~before);
    release_vector_registers();
    return ~sum;
}

std::uint32_t fragment_checksum(const Fragment& fragment) noexcept {
    std::array<std::byte, 36> header{};
    std::byte* end = store_little_endian(header.data(), fragment.run);
    end = store_little_endian(end, fragment.event);
    end = store_little_endian(end, fragment.source);
    end = store_little_endian(end, fragment.timestamp_ns);
    end = store_little_endian(end, fragment.sequence);
    store_little_endian(end, static_cast<std::uint32_t>(fragment.payload_type));
    return crc32c(fragment.payload, crc32c(header));
}

std::size_t encoded_fragment_bytes(const Fragment& fragment) noexcept {
    // One tag byte each: all field numbers are below 16.
    std::size_t bytes = 0;
    bytes += fragment.run != 0 ? 1 + Wire::UInt32Size(fragment.run) : 0;
    bytes += fragment.event != 0 ? 9 : 0;
    bytes += fragment.source != 0 ? 1 + Wire::UInt32Size(fragment.source) : 0;
    bytes += fragment.timestamp_ns != 0 ? 9 : 0;
    bytes += fragment.sequence != 0 ? 9 : 0;
    const auto type = static_cast<std::int32_t>(fragment.payload_type);
    bytes += type != 0 ? 1 + Wire::Int32Size(type) : 0;
    bytes += !fragment.payload.empty() ? 1 + Wire::LengthDelimitedSize(fragment.payload.size()) : 0;
    bytes += fragment.crc32c ? 5 : 0;
    return bytes;
}

std::uint8_t* write_fragment(const Fragment& fragment, std::uint8_t* target) noexcept {
    if (fragment.run != 0) {
        target = Wire::WriteUInt32ToArray(wire::Fragment::kRunFieldNumber, fragment.run, target);
    }
    if (fragment.event != 0) {
        target =
            Wire::WriteFixed64ToArray(wire::Fragment::kEventFieldNumber, fragment.event, target);
    }
    if (fragment.source != 0) {
        target =
            Wire::WriteUInt32ToArray(wire::Fragment::kSourceFieldNumber, fragment.source, target);
    }
    if (fragment.timestamp_ns != 0) {
        target = Wire::WriteFixed64ToArray(wire::Fragment::kTimestampNsFieldNumber,
                                           fragment.timestamp_ns, target);
    }
    if (fragment.sequence != 0) {
        target = Wire::WriteFixed64ToArray(wire::Fragment::kSequenceFieldNumber, fragment.sequence,
                                           target);
    }
    if (const auto type = static_cast<std::int32_t>(fragment.payload_type); type != 0) {
        target = Wire::WriteEnumToArray(wire::Fragment::kPayloadTypeFieldNumber, type, target);
    }
    if (!fragment.payload.empty()) {
        target = CodedOutputStream::WriteVarint32ToArray(kPayload, target);
        target = CodedOutputStream::WriteVarint32ToArray(
            static_cast<std::uint32_t>(fragment.payload.size()), target);
        std::memcpy(target, fragment.payload.data(), fragment.payload.size());
        target += fragment.payload.size();
    }
    if (fragment.crc32c) {
        target =
            Wire::WriteFixed32ToArray(wire::Fragment::kCrc32CFieldNumber, *fragment.crc32c, target);
    }
    return target;
}

void encode_fragment(const Fragment& fragment, Checksum checksum, std::string& out) {
    Fragment written = fragment;
    if (checksum == Checksum::computed) {
        written.crc32c = fragment_checksum(fragment);
    }
    out.resize(encoded_fragment_bytes(written));
    write_fragment(written, reinterpret_cast<std::uint8_t*>(out.data()));
}

}  // namespace tamis::streams
