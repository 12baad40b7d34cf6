#include "streams/recording/wire_scan.hpp"

#include <cstring>

namespace tamis::streams {
namespace {

// Wire types of Protobuf; groups (3, 4) do not exist in proto3.
enum class WireType : std::uint8_t { varint = 0, fixed_64 = 1, sized = 2, fixed_32 = 5 };

struct Field {
    std::uint64_t number = 0;
    WireType type = WireType::varint;
    std::uint64_t value = 0;           // varint and fixed
    std::span<const std::byte> bytes;  // sized
};

bool read_varint(std::span<const std::byte>& rest, std::uint64_t& value) noexcept {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest.empty()) {
            return false;
        }
        const auto byte = std::to_integer<std::uint64_t>(rest.front());
        rest = rest.subspan(1);
        value |= (byte & 0x7FU) << shift;
        if ((byte & 0x80U) == 0) {
            return true;
        }
    }
    return false;
}

bool read_fixed(std::span<const std::byte>& rest, std::size_t bytes,
                std::uint64_t& value) noexcept {
    if (rest.size() < bytes) {
        return false;
    }
    value = 0;
    std::memcpy(&value, rest.data(), bytes);
    rest = rest.subspan(bytes);
    return true;
}

// The next field of a non-empty message; false where it is malformed.
bool read_field(std::span<const std::byte>& rest, Field& field) noexcept {
    std::uint64_t tag = 0;
    if (!read_varint(rest, tag) || tag >> 3U == 0) {
        return false;
    }
    field.number = tag >> 3U;
    field.type = static_cast<WireType>(tag & 7U);
    switch (field.type) {
        case WireType::varint:
            return read_varint(rest, field.value);
        case WireType::fixed_64:
            return read_fixed(rest, 8, field.value);
        case WireType::fixed_32:
            return read_fixed(rest, 4, field.value);
        case WireType::sized:
            if (!read_varint(rest, field.value) || field.value > rest.size()) {
                return false;
            }
            field.bytes = rest.first(field.value);
            rest = rest.subspan(field.value);
            return true;
    }
    return false;
}

// Numbers as in wire.proto; run and event are the same in Fragment and Decision.
constexpr std::uint64_t kRun = 1;
constexpr std::uint64_t kEvent = 2;
constexpr std::uint64_t kTimestamp = 4;
constexpr std::uint64_t kDecision = 1;
constexpr std::uint64_t kFragments = 2;

}  // namespace

std::optional<FragmentHead> scan_fragment(std::span<const std::byte> fragment) noexcept {
    FragmentHead head;
    Field field;
    while (!fragment.empty()) {
        if (!read_field(fragment, field)) {
            return std::nullopt;
        }
        if (field.number == kRun && field.type == WireType::varint) {
            head.run = static_cast<std::uint32_t>(field.value);
        } else if (field.number == kEvent && field.type == WireType::fixed_64) {
            head.event = field.value;
        } else if (field.number == kTimestamp && field.type == WireType::fixed_64) {
            head.timestamp_ns = field.value;
        }
    }
    return head;
}

SelectedEventScan::Part SelectedEventScan::next(std::span<const std::byte>& bytes) noexcept {
    Field field;
    while (!malformed_ && !rest_.empty()) {
        if (!read_field(rest_, field)) {
            malformed_ = true;
            break;
        }
        if (field.type == WireType::sized && field.number == kDecision) {
            bytes = field.bytes;
            return Part::decision;
        }
        if (field.type == WireType::sized && field.number == kFragments) {
            bytes = field.bytes;
            return Part::fragment;
        }
    }
    return malformed_ ? Part::malformed : Part::end;
}

std::optional<SelectedEventHead> scan_selected_event(std::span<const std::byte> selected) noexcept {
    SelectedEventHead head;
    bool has_decision = false;
    SelectedEventScan scan(selected);
    std::span<const std::byte> bytes;
    for (;;) {
        const SelectedEventScan::Part part = scan.next(bytes);
        if (part == SelectedEventScan::Part::end) {
            return has_decision ? std::optional(head) : std::nullopt;
        }
        if (part == SelectedEventScan::Part::malformed) {
            return std::nullopt;
        }
        // Run and event stand in a decision under the numbers they have in a fragment.
        if (part == SelectedEventScan::Part::fragment && head.timestamp_ns != 0) {
            continue;
        }
        const auto inner = scan_fragment(bytes);
        if (part == SelectedEventScan::Part::decision) {
            if (!inner) {
                return std::nullopt;
            }
            head.run = inner->run;
            head.event = inner->event;
            head.decision = bytes;
            has_decision = true;
        } else if (inner) {
            head.timestamp_ns = inner->timestamp_ns;
        }
    }
}

}  // namespace tamis::streams
