// A text of one of this folder's schemas, parsed and checked field by field, with the place of
// every value for whoever checks meaning and adds mistakes of its own.
//
// For the readers of this folder only: it shows Protobuf. Cold path; one thread.
#pragma once

#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "config/mistake.hpp"
#include "config/mistake_list.hpp"
#include "config/text_parse.hpp"

namespace tamis::config {

inline constexpr std::size_t kMaxTextBytes = 8U << 20;

// Whole content of a text file; the mistake says why not, with the path that was tried.
[[nodiscard]] tl::expected<std::string, Mistakes> read_text(const std::filesystem::path& file);

// One message of the text.
struct Block {
    const google::protobuf::Message* message = nullptr;
    const google::protobuf::TextFormat::ParseInfoTree* tree = nullptr;
    std::size_t opener = kNoToken;  // its bracket; none: the whole text
    Place place;                    // of its name
};

class TextReader {
 public:
    // Parses and checks what the schema says (field_checks); `root` must outlive the reader.
    TextReader(std::string file, std::string text, google::protobuf::Message& root);

    // False when brackets do not match: what the text means is then a guess, and checks of meaning
    // are better left out.
    [[nodiscard]] bool is_structured() const noexcept { return parsed_.is_structured; }
    // A field by its label ("Stream.name") was given somewhere but not understood: that a name is
    // not known may then be a consequence.
    [[nodiscard]] bool is_damaged(std::string_view label) const {
        return parsed_.damaged.contains(label);
    }
    [[nodiscard]] bool is_damaged(const Block& block, const std::string& field) const;

    [[nodiscard]] Block root() const;
    // A block in a block; `index` is that of a repeated field.
    [[nodiscard]] Block child(const Block& block, std::string_view field, int index = -1) const;
    // Of a value; of the block when the field is absent.
    [[nodiscard]] Place place_of(const Block& block, std::string_view field, int index = -1) const;

    // At place_of(block, field, index).
    void add(const Block& block, std::string_view field, int index, std::string problem,
             std::string remedy);
    void add(const Block& block, std::string_view field, std::string problem, std::string remedy) {
        add(block, field, -1, std::move(problem), std::move(remedy));
    }
    void add(const Place& place, std::string problem, std::string remedy) {
        mistakes_.add(place, std::move(problem), std::move(remedy));
    }

    [[nodiscard]] bool has_mistakes() const noexcept { return !mistakes_.is_empty(); }
    // In the order of the text.
    [[nodiscard]] Mistakes take_mistakes() { return mistakes_.take(); }

 private:
    using FieldOfBlock = std::pair<const google::protobuf::TextFormat::ParseInfoTree*,
                                   const google::protobuf::FieldDescriptor*>;

    [[nodiscard]] const std::vector<std::size_t>& value_tokens(
        const Block& block, const google::protobuf::FieldDescriptor& field) const;

    MistakeList mistakes_;
    ParsedText parsed_;
    google::protobuf::Message& root_;
    mutable std::map<FieldOfBlock, std::vector<std::size_t>>
        value_tokens_;  // as they are asked for
};

}  // namespace tamis::config
