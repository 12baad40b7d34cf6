#include "config/text_reader.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <gsl/assert>
#include <iterator>
#include <system_error>
#include <utility>

#include "config/field_checks.hpp"

namespace tamis::config {

namespace {

namespace pb = google::protobuf;

Mistakes one_mistake(const std::string& file, std::string problem, std::string remedy) {
    return {{file, 1, 1, std::move(problem), std::move(remedy)}};
}

// What no tokenizer should meet: a byte-order mark is dropped in silence, control characters are
// mistakes. Both become spaces, so that columns stay.
std::string cleaned(std::string text, MistakeList& mistakes) {
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.replace(0, 3, "   ");
    }
    Place place;
    for (char& letter : text) {
        const auto code = static_cast<unsigned char>(letter);
        const bool is_space = letter == '\n' || letter == '\t' || letter == '\r';
        if ((code < 0x20 && !is_space) || code == 0x7F) {
            char hex[8];
            std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned>(code));
            mistakes.add(place, std::string("control character ") + hex,
                         "a configuration is plain text: remove it");
            letter = ' ';
        }
        place = letter == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + 1};
    }
    return text;
}

std::string bounded(std::string text, MistakeList& mistakes) {
    if (text.size() > kMaxTextBytes) {
        mistakes.add({}, "the text has " + std::to_string(text.size()) + " bytes",
                     "at most " + std::to_string(kMaxTextBytes) + " are read");
        text.clear();
    }
    return cleaned(std::move(text), mistakes);
}

}  // namespace

tl::expected<std::string, Mistakes> read_text(const std::filesystem::path& file) {
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    if (!std::filesystem::exists(status)) {
        return tl::make_unexpected(one_mistake(
            file, "no such file (tried " + std::filesystem::absolute(file, error).string() + ")",
            "give the path of an existing file"));
    }
    if (std::filesystem::is_directory(status)) {
        return tl::make_unexpected(
            one_mistake(file, "is a directory", "give the path of a file in it"));
    }
    std::ifstream stream(file, std::ios::binary);
    std::string text;
    // One byte beyond the limit tells that there is more, without reading it.
    text.resize(kMaxTextBytes + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, stream.gcount())));
    if (!stream.is_open() || stream.bad()) {
        return tl::make_unexpected(
            one_mistake(file, "cannot be read", "check its permissions and that it is a file"));
    }
    return text;
}

TextReader::TextReader(std::string file, std::string text, pb::Message& root)
    : mistakes_(std::move(file)),
      parsed_(parse_text(bounded(std::move(text), mistakes_), root, mistakes_)),
      root_(root) {
    if (is_structured()) {
        check_fields(*this, TextReader::root());
    }
}

bool TextReader::is_damaged(const Block& block, const std::string& field) const {
    return parsed_.damaged.contains(block_offset(parsed_.tokens, block.opener), field);
}

Block TextReader::root() const { return {&root_, parsed_.tree.get(), kNoToken, {}}; }

Block TextReader::child(const Block& block, std::string_view field, int index) const {
    const pb::FieldDescriptor* descriptor =
        block.message->GetDescriptor()->FindFieldByName(std::string(field));
    Expects(descriptor != nullptr && descriptor->message_type() != nullptr);
    const pb::Reflection& reflection = *block.message->GetReflection();
    Block result;
    result.message = descriptor->is_repeated()
                         ? &reflection.GetRepeatedMessage(*block.message, descriptor, index)
                         : &reflection.GetMessage(*block.message, descriptor);
    // The tree counts a field that is given once as -1.
    const bool repeated = descriptor->is_repeated();
    result.tree = block.tree == nullptr
                      ? nullptr
                      : block.tree->GetTreeForNested(descriptor, repeated ? index : -1);
    const auto position = static_cast<std::size_t>(repeated ? index : 0);
    const std::vector<std::size_t>& values = value_tokens(block, *descriptor);
    if (position < values.size()) {
        result.opener = values[position];
        const Token& opener = parsed_.tokens.tokens()[result.opener];
        const bool in_list = opener.block != kNoToken && parsed_.tokens.is(opener.block, '[');
        result.place = parsed_.tokens.place(in_list ? result.opener : opener.field);
    } else {
        result.place = block.place;
    }
    return result;
}

// The parser records where a field's name stands, once for a whole list in brackets.
const std::vector<std::size_t>& TextReader::value_tokens(const Block& block,
                                                         const pb::FieldDescriptor& field) const {
    const auto [known, is_new] = value_tokens_.try_emplace({block.tree, &field});
    std::vector<std::size_t>& values = known->second;
    if (!is_new || block.tree == nullptr) {
        return values;
    }
    for (int k = 0;; ++k) {
        const auto location = block.tree->GetLocation(&field, field.is_repeated() ? k : -1);
        if (location.line < 0) {
            break;
        }
        const std::size_t name = parsed_.tokens.find(location.line, location.column);
        const std::size_t value = parsed_.tokens.value_of(name);
        if (value != kNoToken && parsed_.tokens.is(value, '[')) {
            const auto entries = parsed_.tokens.entries(value);
            values.insert(values.end(), entries.begin(), entries.end());
        } else {
            values.push_back(value == kNoToken ? name : value);
        }
        if (!field.is_repeated()) {
            break;
        }
    }
    return values;
}

Place TextReader::place_of(const Block& block, std::string_view field, int index) const {
    const pb::FieldDescriptor* descriptor =
        block.message->GetDescriptor()->FindFieldByName(std::string(field));
    Expects(descriptor != nullptr);
    if (descriptor->message_type() != nullptr) {
        return child(block, field, index).place;
    }
    const std::vector<std::size_t>& values = value_tokens(block, *descriptor);
    const auto position = static_cast<std::size_t>(std::max(index, 0));
    return position < values.size() ? parsed_.tokens.place(values[position]) : block.place;
}

void TextReader::add(const Block& block, std::string_view field, int index, std::string problem,
                     std::string remedy) {
    mistakes_.add(place_of(block, field, index), std::move(problem), std::move(remedy));
}

}  // namespace tamis::config
