#include "config/field_checks.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "config/field_limits.pb.h"
#include "config/field_words.hpp"
#include "config/text_reader.hpp"

namespace tamis::config {

namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr std::size_t kMaxNameLength = 64;

bool is_identifier(std::string_view name) {
    const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
    const auto is_allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
    };
    return !name.empty() && name.size() <= kMaxNameLength && is_letter(name.front()) &&
           std::all_of(name.begin(), name.end(), is_allowed);
}

// The value as a number, where the field is one.
std::optional<double> number_of(const pb::Message& message, const FieldDescriptor& field,
                                int index) {
    const pb::Reflection& reflection = *message.GetReflection();
    const bool repeated = field.is_repeated();
    switch (field.cpp_type()) {
        case FieldDescriptor::CPPTYPE_UINT32:
            return repeated ? reflection.GetRepeatedUInt32(message, &field, index)
                            : reflection.GetUInt32(message, &field);
        case FieldDescriptor::CPPTYPE_UINT64:
            return static_cast<double>(repeated
                                           ? reflection.GetRepeatedUInt64(message, &field, index)
                                           : reflection.GetUInt64(message, &field));
        case FieldDescriptor::CPPTYPE_DOUBLE:
            return repeated ? reflection.GetRepeatedDouble(message, &field, index)
                            : reflection.GetDouble(message, &field);
        default:
            return std::nullopt;
    }
}

void note_missing(TextReader& reader, const Block& block, const FieldDescriptor& field) {
    reader.add(block.place,
               block_label(*block.message->GetDescriptor()) + " has no " + in_quotes(field.name()),
               expected_form(field));
}

void check_number(TextReader& reader, const Block& block, const FieldDescriptor& field, int index,
                  double number) {
    const NumberRange range = number_range(field);
    if (!std::isfinite(number)) {
        reader.add(block, field.name(), index, in_quotes(field.name()) + " is not finite",
                   "write a finite number");
    } else if (number < range.min || number > range.max) {
        reader.add(block, field.name(), index,
                   in_quotes(field.name()) + " cannot be " + number_text(number),
                   expected_form(field));
    }
}

void check_text(TextReader& reader, const Block& block, const FieldDescriptor& field, int index) {
    const pb::Reflection& reflection = *block.message->GetReflection();
    const std::string text = field.is_repeated()
                                 ? reflection.GetRepeatedString(*block.message, &field, index)
                                 : reflection.GetString(*block.message, &field);
    const pb::FieldOptions& options = field.options();
    const bool is_name = options.GetExtension(schema::identifier);
    if (text.empty() && (is_name || options.GetExtension(schema::not_empty))) {
        reader.add(block, field.name(), index, in_quotes(field.name()) + " is empty",
                   expected_form(field));
    } else if (text.find('\0') != std::string::npos) {
        reader.add(block, field.name(), index, in_quotes(field.name()) + " holds a zero byte",
                   "remove it");
    } else if (is_name && !is_identifier(text)) {
        reader.add(block, field.name(), index, in_quotes(text) + " cannot be a name",
                   "a name is a letter, then letters, digits, '_', '-' or '.', " +
                       std::to_string(kMaxNameLength) + " at most");
    }
}

void check_count(TextReader& reader, const Block& block, const FieldDescriptor& field, int count) {
    const pb::FieldOptions& options = field.options();
    const auto fewest = static_cast<int>(options.GetExtension(schema::min_count));
    if (count < fewest && !reader.is_damaged(block, field.name())) {
        note_missing(reader, block, field);
    }
    if (options.HasExtension(schema::max_count)) {
        const auto most = static_cast<int>(options.GetExtension(schema::max_count));
        if (count > most) {
            reader.add(block, field.name(), most,
                       in_quotes(field.name()) + " is given " + std::to_string(count) + " times",
                       "at most " + std::to_string(most) + " are possible");
        }
    }
}

void check_value(TextReader& reader, const Block& block, const FieldDescriptor& field, int index) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        check_fields(reader, reader.child(block, field.name(), index));
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        check_text(reader, block, field, index);
    } else if (const auto number = number_of(*block.message, field, index)) {
        check_number(reader, block, field, index, *number);
    }
}

}  // namespace

void check_fields(TextReader& reader, const Block& block) {
    const pb::Descriptor& descriptor = *block.message->GetDescriptor();
    const pb::Reflection& reflection = *block.message->GetReflection();
    for (int i = 0; i < descriptor.field_count(); ++i) {
        const FieldDescriptor& field = *descriptor.field(i);
        if (field.is_repeated()) {
            const int count = reflection.FieldSize(*block.message, &field);
            check_count(reader, block, field, count);
            for (int index = 0; index < count; ++index) {
                check_value(reader, block, field, index);
            }
        } else if (reflection.HasField(*block.message, &field)) {
            check_value(reader, block, field, -1);
        } else if (field.is_required() && !reader.is_damaged(block, field.name())) {
            note_missing(reader, block, field);
        }
    }
}

}  // namespace tamis::config
