#include "config/text_schema.hpp"

#include "config/field_words.hpp"

namespace tamis::config {

namespace {
namespace pb = google::protobuf;
}  // namespace

const pb::Descriptor* TextSchema::message_of(std::size_t block) const {
    if (block == kNoToken) {
        return &root_;
    }
    const pb::FieldDescriptor* field = descriptor_of(at(block).field);
    return field == nullptr ? nullptr : field->message_type();
}

const pb::FieldDescriptor* TextSchema::descriptor_of(std::size_t field) const {
    // An entry of a list stands in the bracket of its own field.
    const pb::Descriptor* message = message_of(at(field).block);
    return message == nullptr || at(field).kind != TokenKind::identifier
               ? nullptr
               : message->FindFieldByName(std::string(tokens_.text_of(field)));
}

std::string TextSchema::block_name(std::size_t block) const {
    if (block == kNoToken) {
        return block_label(root_);
    }
    return in_quotes(tokens_.text_of(at(block).field));
}

std::string TextSchema::value_text(std::size_t first, std::size_t field) const {
    constexpr std::size_t kLongest = 60;
    if (tokens_.is(first, '{') || tokens_.is(first, '<')) {
        return "a block";
    }
    if (tokens_.is(first, '[')) {
        return "a list";
    }
    std::string text(tokens_.text_of(first));
    if (tokens_.is(first, '-') && first + 1 < tokens_.tokens().size() &&
        at(first + 1).field == field) {
        text += tokens_.text_of(first + 1);
    }
    return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

bool TextSchema::belongs_outside(std::size_t field, std::size_t value) const {
    const pb::FieldDescriptor* descriptor = descriptor_of(field);
    return !tokens_.unclosed().empty() && value != kNoToken && descriptor != nullptr &&
           tokens_.is_opener(value) != (descriptor->message_type() != nullptr) &&
           !outer_owner(field).empty();
}

std::string TextSchema::outer_owner(std::size_t name) const {
    std::size_t block = at(name).block;
    while (block != kNoToken) {
        block = at(block).block;
        const pb::Descriptor* message = message_of(block);
        if (message != nullptr &&
            message->FindFieldByName(std::string(tokens_.text_of(name))) != nullptr) {
            return block_name(block);
        }
    }
    return {};
}

}  // namespace tamis::config
