// The schema that recordings embed: wire.proto as a serialised google.protobuf.FileDescriptorSet,
// made by protoc during the build. Static storage.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tamis::streams {

inline constexpr std::string_view kFragmentSchema = "tamis.wire.Fragment";
inline constexpr std::string_view kSelectedEventSchema = "tamis.wire.SelectedEvent";
// How MCAP names Protobuf, both as a schema encoding and as a message encoding.
inline constexpr std::string_view kProtobufEncoding = "protobuf";

[[nodiscard]] std::span<const std::byte> wire_descriptor_set() noexcept;

}  // namespace tamis::streams
