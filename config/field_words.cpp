#include "config/field_words.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "config/field_limits.pb.h"

namespace tamis::config {

namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

std::string listed(const std::vector<std::string_view>& names) {
    std::string list;
    for (const std::string_view name : names) {
        list += (list.empty() ? "" : ", ") + std::string(name);
    }
    return list;
}

std::string number_form(const FieldDescriptor& field, bool whole) {
    const pb::FieldOptions& options = field.options();
    const NumberRange range = number_range(field);
    std::string form = whole ? "a whole number" : "a number";
    const bool has_min = whole || options.HasExtension(schema::min);
    const bool has_max = whole || options.HasExtension(schema::max);
    if (has_min && has_max) {
        form += " from " + number_text(range.min) + " to " + number_text(range.max);
    } else if (has_min) {
        form += " not below " + number_text(range.min);
    } else if (has_max) {
        form += " not above " + number_text(range.max);
    }
    if (options.HasExtension(schema::unit)) {
        form += " " + options.GetExtension(schema::unit);
    }
    return form;
}

}  // namespace

NumberRange number_range(const FieldDescriptor& field) {
    NumberRange range;
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_UINT32:
            range = {0, std::numeric_limits<std::uint32_t>::max()};
            break;
        case FieldDescriptor::CPPTYPE_UINT64:
            range = {0, static_cast<double>(std::numeric_limits<std::uint64_t>::max())};
            break;
        default:
            range = {std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()};
    }
    const pb::FieldOptions& options = field.options();
    if (options.HasExtension(schema::min)) {
        range.min = options.GetExtension(schema::min);
    }
    if (options.HasExtension(schema::max)) {
        range.max = options.GetExtension(schema::max);
    }
    return range;
}

std::string field_label(const FieldDescriptor& field) {
    return field.containing_type()->name() + '.' + field.name();
}

std::string block_label(const pb::Descriptor& message) {
    std::string label = "the";
    for (const char letter : message.name()) {
        const auto code = static_cast<unsigned char>(letter);
        if (std::isupper(code) != 0) {
            label += ' ';
        }
        label += static_cast<char>(std::tolower(code));
    }
    return label;
}

std::string expected_form(const FieldDescriptor& field) {
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_UINT32:
        case FieldDescriptor::CPPTYPE_UINT64:
            return "write " + number_form(field, true);
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return "write " + number_form(field, false);
        case FieldDescriptor::CPPTYPE_BOOL:
            return "write true or false";
        case FieldDescriptor::CPPTYPE_ENUM:
            return "write one of " + listed(value_names(*field.enum_type()));
        case FieldDescriptor::CPPTYPE_MESSAGE:
            return "write a block: " + field.name() + " { ... } with " +
                   listed(field_names(*field.message_type()));
        default:
            return "write text in double quotes: " + field.name() + ": \"...\"";
    }
}

std::vector<std::string_view> field_names(const pb::Descriptor& message) {
    std::vector<std::string_view> names;
    names.reserve(static_cast<std::size_t>(message.field_count()));
    for (int i = 0; i < message.field_count(); ++i) {
        names.emplace_back(message.field(i)->name());
    }
    return names;
}

std::vector<std::string_view> value_names(const pb::EnumDescriptor& values) {
    std::vector<std::string_view> names;
    names.reserve(static_cast<std::size_t>(values.value_count()));
    for (int i = 0; i < values.value_count(); ++i) {
        names.emplace_back(values.value(i)->name());
    }
    return names;
}

std::string in_quotes(std::string_view text) {
    std::string result = "\"";
    result.append(text);
    result += '"';
    return result;
}

std::string number_text(double number) {
    if (!std::isfinite(number)) {
        return std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
    }
    // Whole numbers, as all limits are, without an exponent.
    std::array<char, 400> digits{};
    const bool plain = std::abs(number) < 1e15 && number == std::trunc(number);
    const auto end = plain ? std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                           std::chars_format::fixed)
                           : std::to_chars(digits.data(), digits.data() + digits.size(), number);
    return {digits.data(), end.ptr};
}

}  // namespace tamis::config
