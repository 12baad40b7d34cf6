// Which field of a schema stands at a token of a text, right or wrong, and what messages call it.
//
// For text_parse only: it shows Protobuf. Cold path.
#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <string>

#include "config/text_tokens.hpp"

namespace tamis::config {

// Both arguments must outlive it; the tokens may change meanwhile.
class TextSchema {
 public:
    TextSchema(const TextTokens& tokens, const google::protobuf::Descriptor& root)
        : tokens_(tokens), root_(root) {}

    // Of a block by its bracket, kNoToken being the whole text; nullptr when its field is unknown.
    [[nodiscard]] const google::protobuf::Descriptor* message_of(std::size_t block) const;
    // Of a field by its first token; nullptr when it is unknown.
    [[nodiscard]] const google::protobuf::FieldDescriptor* descriptor_of(std::size_t field) const;
    [[nodiscard]] std::string block_name(std::size_t block) const;
    // The value that begins with a token of a field, as written, or what kind of value it is.
    [[nodiscard]] std::string value_text(std::size_t first, std::size_t field) const;
    // A block around the name's own that knows such a field; empty when there is none.
    [[nodiscard]] std::string outer_owner(std::size_t name) const;
    // A block where the field takes a value, or a value where it takes a block, as a field of that
    // name outside does; and brackets are open at the end of the text.
    [[nodiscard]] bool belongs_outside(std::size_t field, std::size_t value) const;

 private:
    [[nodiscard]] const Token& at(std::size_t token) const { return tokens_.tokens()[token]; }

    const TextTokens& tokens_;
    const google::protobuf::Descriptor& root_;
};

}  // namespace tamis::config
