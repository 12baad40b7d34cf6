// Protobuf text to a message, with all mistakes of syntax, names and types at once.
//
// TextFormat::Parser stops at the first error. Here the field that it could not read is noted and
// blanked, and the text is parsed again, until nothing new is wrong.
//
// For the readers of this folder only: it shows Protobuf. Cold path; any thread.
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "config/mistake_list.hpp"
#include "config/text_tokens.hpp"

namespace tamis::config {

// Fields that were given but not understood, or under a wrong name that is near: what is missing or
// unknown because of them is not worth a second complaint.
class DamagedFields {
 public:
    void insert(std::size_t block_offset, std::string_view field, std::string label) {
        fields_.emplace(block_offset, field);
        labels_.insert(std::move(label));
    }
    [[nodiscard]] bool contains(std::size_t block_offset, const std::string& field) const {
        return fields_.contains({block_offset, field});
    }
    [[nodiscard]] bool contains(std::string_view label) const {
        return labels_.find(label) != labels_.end();
    }

 private:
    std::set<std::pair<std::size_t, std::string>> fields_;
    std::set<std::string, std::less<>> labels_;  // "Stream.name"
};

struct ParsedText {
    TextTokens tokens;
    std::unique_ptr<google::protobuf::TextFormat::ParseInfoTree> tree;
    DamagedFields damaged;
    bool is_structured = true;  // false: brackets do not match, and the meaning would be a guess
};

// Fills `root` with what could be read.
[[nodiscard]] ParsedText parse_text(std::string text, google::protobuf::Message& root,
                                    MistakeList& mistakes);

// Where a block begins in the text, as DamagedFields counts it: of its bracket, 0 for the whole.
[[nodiscard]] std::size_t block_offset(const TextTokens& tokens, std::size_t opener);

}  // namespace tamis::config
