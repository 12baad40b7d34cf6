// How messages speak of a field of the schemas: what it is called, what it takes. Reads the limits
// that are written beside the fields (field_limits.proto).
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>
#include <vector>

namespace tamis::config {

// Numbers a field may hold, both ends allowed: its limits, or what its type holds.
struct NumberRange {
    double min = 0;
    double max = 0;
};
[[nodiscard]] NumberRange number_range(const google::protobuf::FieldDescriptor& field);

// "Path.prescale": without the package.
[[nodiscard]] std::string field_label(const google::protobuf::FieldDescriptor& field);

// "the working point": how a message speaks of a block of this kind.
[[nodiscard]] std::string block_label(const google::protobuf::Descriptor& message);

// "write a whole number from 1 to 1000": a remedy for a value that is not what the field takes.
[[nodiscard]] std::string expected_form(const google::protobuf::FieldDescriptor& field);

[[nodiscard]] std::vector<std::string_view> field_names(
    const google::protobuf::Descriptor& message);
[[nodiscard]] std::vector<std::string_view> value_names(
    const google::protobuf::EnumDescriptor& values);

[[nodiscard]] std::string in_quotes(std::string_view text);

// Shortest text that reads back as the number.
[[nodiscard]] std::string number_text(double number);

}  // namespace tamis::config
