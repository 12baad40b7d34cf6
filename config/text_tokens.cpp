#include "config/text_tokens.hpp"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <gsl/assert>
#include <tuple>
#include <utility>

namespace tamis::config {

namespace {

namespace io = google::protobuf::io;

constexpr int kTabWidth = 8;  // io::Tokenizer's

class Silence final : public io::ErrorCollector {
 public:
    void AddError(int, io::ColumnNumber, const std::string&) override {}
};

TokenKind kind_of(io::Tokenizer::TokenType type) {
    switch (type) {
        case io::Tokenizer::TYPE_IDENTIFIER:
            return TokenKind::identifier;
        case io::Tokenizer::TYPE_INTEGER:
        case io::Tokenizer::TYPE_FLOAT:
            return TokenKind::number;
        case io::Tokenizer::TYPE_STRING:
            return TokenKind::text;
        default:
            return TokenKind::symbol;
    }
}

char closer_of(char opener) { return opener == '{' ? '}' : opener == '<' ? '>' : ']'; }

// Follows the tokenizer's lines and columns through the bytes; asked in rising order only, so that
// a long line is walked once.
class ByteCursor {
 public:
    explicit ByteCursor(std::string_view text) : text_(text) {}

    std::size_t advance_to(int line, int column) {
        while (offset_ < text_.size() && std::tie(line_, column_) < std::tie(line, column)) {
            const char letter = text_[offset_++];
            if (letter == '\n') {
                ++line_;
                column_ = 0;
            } else {
                column_ += letter == '\t' ? kTabWidth - column_ % kTabWidth : 1;
            }
        }
        return offset_;
    }

 private:
    std::string_view text_;
    std::size_t offset_ = 0;
    int line_ = 0;
    int column_ = 0;
};

}  // namespace

TextTokens::TextTokens(std::string text) : text_(std::move(text)) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n') {
            line_starts_.push_back(i + 1);
        }
    }
    tokenize();
    relate();
}

void TextTokens::tokenize() {
    tokens_.clear();
    io::ArrayInputStream stream(text_.data(), static_cast<int>(text_.size()));
    Silence silence;
    io::Tokenizer tokenizer(&stream, &silence);
    // As TextFormat sets its own.
    tokenizer.set_comment_style(io::Tokenizer::SH_COMMENT_STYLE);
    tokenizer.set_allow_f_after_float(true);
    ByteCursor cursor(text_);
    while (tokenizer.Next()) {
        const io::Tokenizer::Token& raw = tokenizer.current();
        Token token;
        token.kind = kind_of(raw.type);
        token.line = raw.line;
        token.column = raw.column;
        token.end_column = raw.end_column;
        token.offset = cursor.advance_to(raw.line, raw.column);
        token.length = std::min(raw.text.size(), text_.size() - token.offset);
        tokens_.push_back(token);
    }
    Token end;
    end.line = tokenizer.current().line;
    end.column = tokenizer.current().column;
    end.end_column = end.column;
    end.offset = text_.size();
    tokens_.push_back(end);
}

std::string_view TextTokens::text_of(std::size_t token) const {
    Expects(token < tokens_.size());
    return std::string_view(text_).substr(tokens_[token].offset, tokens_[token].length);
}

bool TextTokens::is(std::size_t token, char symbol) const {
    return token < tokens_.size() && tokens_[token].kind == TokenKind::symbol &&
           text_of(token) == std::string_view(&symbol, 1);
}

bool TextTokens::is_opener(std::size_t token) const {
    return is(token, '{') || is(token, '<') || is(token, '[');
}

bool TextTokens::is_closer(std::size_t token) const {
    return is(token, '}') || is(token, '>') || is(token, ']');
}

Place TextTokens::place(std::size_t token) const {
    Expects(token < tokens_.size());
    const std::size_t offset = tokens_[token].offset;
    const auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
    const auto line = static_cast<std::size_t>(next - line_starts_.begin());
    return {static_cast<int>(line), static_cast<int>(offset - line_starts_[line - 1] + 1)};
}

std::size_t TextTokens::find(int line, int column) const {
    const auto found = std::lower_bound(
        tokens_.begin(), tokens_.end(), std::pair(line, column),
        [](const Token& token, auto at) { return std::pair(token.line, token.end_column) <= at; });
    // An empty or missing match is the end of the text.
    return std::min(static_cast<std::size_t>(found - tokens_.begin()), tokens_.size() - 1);
}

// A name begins a field unless it stands where a value belongs; and even there when it is followed
// like a name, on a new line: then the value before it is missing.
bool TextTokens::starts_field(std::size_t token, std::size_t current) const {
    if (current == kNoToken) {
        return true;
    }
    const bool after_mark = is(token - 1, ':') || is(token - 1, '=') || is(token - 1, '-');
    if (is(token, '[')) {
        return !after_mark;
    }
    if (tokens_[token].kind != TokenKind::identifier) {
        return false;
    }
    const bool followed_like_name = is(token + 1, ':') || is(token + 1, '{') || is(token + 1, '<');
    if (after_mark) {
        return followed_like_name && tokens_[token].line > tokens_[token - 1].line;
    }
    // `kind VETO`: a forgotten colon.
    const bool after_bare_name = token - 1 == current &&
                                 tokens_[token].line == tokens_[current].line &&
                                 tokens_[current].kind == TokenKind::identifier;
    return followed_like_name || !after_bare_name;
}

void TextTokens::relate() {
    struct Open {
        std::size_t token;
        std::size_t field;
    };
    std::vector<Open> open;
    std::size_t current = kNoToken;  // field of the block that is innermost
    too_deep_ = kNoToken;
    for (std::size_t k = 0; k + 1 < tokens_.size(); ++k) {
        Token& token = tokens_[k];
        if (is_closer(k)) {
            // A list that a brace ends is a list whose bracket was forgotten.
            while (!open.empty() && is(open.back().token, '[') && !is(k, ']') && open.size() > 1) {
                open.pop_back();
            }
            const bool matches =
                !open.empty() && is(k, closer_of(text_of(open.back().token).front()));
            token.field = matches ? open.back().field : k;
            token.block = matches        ? tokens_[open.back().token].block
                          : open.empty() ? kNoToken
                                         : open.back().token;
            if (matches) {
                open.pop_back();
            }
            // The entries of a list share its field.
            current = !open.empty() && is(open.back().token, '[') ? open.back().field : kNoToken;
            continue;
        }
        token.block = open.empty() ? kNoToken : open.back().token;
        const bool in_list = !open.empty() && is(open.back().token, '[');
        if (in_list) {
            current = open.back().field;
        } else if (starts_field(k, current)) {
            current = k;
        }
        token.field = current;
        if (is_opener(k)) {
            if (open.size() == kMaxDepth && too_deep_ == kNoToken) {
                too_deep_ = k;
            }
            open.push_back({k, current});
            current = kNoToken;
        } else if (!in_list && (is(k, ',') || is(k, ';'))) {
            current = kNoToken;
        }
    }
    unclosed_.clear();
    for (const Open& opener : open) {
        unclosed_.push_back(opener.token);
    }
    tokens_.back().field = tokens_.size() - 1;
}

std::size_t TextTokens::field_end(std::size_t first) const {
    const auto belongs = [&](std::size_t token) {
        if (tokens_[token].field == first) {
            return true;
        }
        std::size_t block = tokens_[token].block;
        while (block != kNoToken) {
            if (tokens_[block].field == first) {
                return true;
            }
            block = tokens_[block].block;
        }
        return false;
    };
    std::size_t last = first;
    while (last + 2 < tokens_.size() && belongs(last + 1)) {
        ++last;
    }
    return last;
}

std::size_t TextTokens::value_of(std::size_t first) const {
    const std::size_t value = first + (is(first + 1, ':') ? 2 : 1);
    return value + 1 < tokens_.size() && tokens_[value].field == first ? value : kNoToken;
}

std::size_t TextTokens::list_around(std::size_t token) const {
    const std::size_t block = tokens_[token].block;
    return block != kNoToken && is(block, '[') ? block : kNoToken;
}

std::vector<std::size_t> TextTokens::entries(std::size_t list) const {
    std::vector<std::size_t> firsts;
    bool at_entry = true;
    for (std::size_t k = list + 1; k + 1 < tokens_.size(); ++k) {
        if (tokens_[k].block != list) {
            if (is(k, ']') && tokens_[k].field == tokens_[list].field) {
                break;
            }
            continue;
        }
        if (is(k, ',')) {
            at_entry = true;
        } else if (at_entry) {
            firsts.push_back(k);
            at_entry = false;
        }
    }
    return firsts;
}

void TextTokens::blank(std::size_t first, std::size_t last) {
    Expects(first <= last && last + 1 < tokens_.size());
    blank_bytes(tokens_[first].offset, tokens_[last].offset + tokens_[last].length);
}

void TextTokens::blank_open_text(std::size_t first, std::size_t text) {
    Expects(first <= text && text + 1 < tokens_.size());
    const std::size_t begin = tokens_[text].offset + 1;
    std::size_t end = tokens_[text].offset + tokens_[text].length;
    while (end > begin &&
           std::string_view(" \t\r,;]}>").find(text_[end - 1]) != std::string_view::npos) {
        --end;
    }
    blank_bytes(tokens_[first].offset, end);
}

// Comments between the tokens go too; a tab stays, since columns hang on it.
void TextTokens::blank_bytes(std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
        if (text_[i] != '\n' && text_[i] != '\t' && text_[i] != '\r') {
            text_[i] = ' ';
        }
    }
    tokenize();
    relate();
}

void TextTokens::close_all() {
    text_ += '\n';
    for (auto opener = unclosed_.rbegin(); opener != unclosed_.rend(); ++opener) {
        text_ += closer_of(text_of(*opener).front());
    }
    tokenize();
    relate();
}

}  // namespace tamis::config
