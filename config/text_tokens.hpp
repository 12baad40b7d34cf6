// The tokens of a Protobuf text, as Protobuf's own tokenizer cuts them, each with the field and the
// block it stands in. Answers where a value stands, and blanks a field that could not be read so
// that the rest can be: blanked text keeps every line and column.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::config {

// Both count from 1; columns are bytes.
struct Place {
    int line = 1;
    int column = 1;
};

inline constexpr std::size_t kNoToken = static_cast<std::size_t>(-1);

enum class TokenKind : unsigned char { identifier, number, text, symbol, end };

struct Token {
    TokenKind kind = TokenKind::end;
    int line = 0;    // from 0
    int column = 0;  // from 0, as Protobuf counts: a tab goes to the next multiple of 8
    int end_column = 0;
    std::size_t offset = 0;  // in the text
    std::size_t length = 0;
    std::size_t field = 0;         // first token of the innermost field
    std::size_t block = kNoToken;  // bracket that opens the innermost block; none: top level
};

class TextTokens {
 public:
    // Nesting beyond this is refused before any recursive reader sees it.
    static constexpr std::size_t kMaxDepth = 32;

    explicit TextTokens(std::string text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    // The last one is the end of the text.
    [[nodiscard]] std::span<const Token> tokens() const noexcept { return tokens_; }
    [[nodiscard]] std::string_view text_of(std::size_t token) const;
    [[nodiscard]] bool is(std::size_t token, char symbol) const;
    [[nodiscard]] bool is_opener(std::size_t token) const;
    [[nodiscard]] bool is_closer(std::size_t token) const;
    [[nodiscard]] Place place(std::size_t token) const;

    // The token at a position of Protobuf's tokenizer, or the next one.
    [[nodiscard]] std::size_t find(int line, int column) const;
    // Last token of the field that begins with `first`.
    [[nodiscard]] std::size_t field_end(std::size_t first) const;
    // First token of the value of a field; kNoToken when there is none.
    [[nodiscard]] std::size_t value_of(std::size_t first) const;
    // The bracket of the list that a token is directly in; kNoToken when it is in none.
    [[nodiscard]] std::size_t list_around(std::size_t token) const;
    // First tokens of the entries of a list in brackets.
    [[nodiscard]] std::vector<std::size_t> entries(std::size_t list) const;
    // Openers that are never closed, outermost first.
    [[nodiscard]] std::span<const std::size_t> unclosed() const noexcept { return unclosed_; }
    // The first opener beyond kMaxDepth; kNoToken when there is none.
    [[nodiscard]] std::size_t too_deep() const noexcept { return too_deep_; }

    // Replaces tokens [first, last] by spaces; indices of tokens are new afterwards.
    void blank(std::size_t first, std::size_t last);
    // Likewise for tokens [first, text], the last being a text that its line's end cut off:
    // brackets that close at its end were meant as brackets, and stay.
    void blank_open_text(std::size_t first, std::size_t text);
    // Closes the blocks that are open at the end.
    void close_all();

 private:
    void blank_bytes(std::size_t first, std::size_t end);
    void tokenize();
    void relate();
    [[nodiscard]] bool starts_field(std::size_t token, std::size_t current) const;

    std::string text_;
    std::vector<Token> tokens_;
    std::vector<std::size_t> line_starts_;
    std::vector<std::size_t> unclosed_;
    std::size_t too_deep_ = kNoToken;
};

}  // namespace tamis::config
