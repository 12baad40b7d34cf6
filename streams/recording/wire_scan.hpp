// Finds the few fields that recordings need in serialised wire messages, without decoding the rest
// and without copying. Any bytes give an answer. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace tamis::streams {

// Event and time of one serialised wire.Fragment; absent fields are 0. Nothing when the bytes are
// no Protobuf message. Checksums are not looked at.
struct FragmentHead {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    std::uint64_t timestamp_ns = 0;
};
[[nodiscard]] std::optional<FragmentHead> scan_fragment(
    std::span<const std::byte> fragment) noexcept;

// One serialised wire.SelectedEvent, part by part.
class SelectedEventScan {
 public:
    enum class Part : std::uint8_t { decision, fragment, end, malformed };

    SelectedEventScan() = default;
    explicit SelectedEventScan(std::span<const std::byte> selected) noexcept : rest_(selected) {}
    // `bytes` becomes the serialised wire.Decision or wire.Fragment. After `end` or `malformed` it
    // stays there.
    [[nodiscard]] Part next(std::span<const std::byte>& bytes) noexcept;

 private:
    std::span<const std::byte> rest_;
    bool malformed_ = false;
};

struct SelectedEventHead {
    std::uint32_t run = 0;
    std::uint64_t event = 0;
    std::uint64_t timestamp_ns = 0;  // of its first fragment that has one; 0 without
    std::span<const std::byte> decision;
};
// Walks all parts once. Nothing when malformed or without a decision.
[[nodiscard]] std::optional<SelectedEventHead> scan_selected_event(
    std::span<const std::byte> selected) noexcept;

}  // namespace tamis::streams
