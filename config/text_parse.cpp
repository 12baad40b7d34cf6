#include "config/text_parse.hpp"

#include <google/protobuf/io/tokenizer.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "config/field_words.hpp"
#include "config/nearest_name.hpp"
#include "config/text_schema.hpp"

namespace tamis::config {

namespace {

namespace pb = google::protobuf;

// A report of the parser; lines and columns from 0.
struct Report {
    int line = 0;
    int column = 0;
    std::string message;
};

// The first error, and the warnings before it: what comes after an error is a guess.
class FirstError final : public pb::io::ErrorCollector {
 public:
    void AddError(int line, pb::io::ColumnNumber column, const std::string& message) override {
        if (!error) {
            error = Report{line, column, message};
        }
    }
    void AddWarning(int line, pb::io::ColumnNumber column, const std::string& message) override {
        if (!error) {
            warnings.push_back({line, column, message});
        }
    }

    std::optional<Report> error;
    std::vector<Report> warnings;
};

enum class ReportKind : unsigned char {
    open_text,   // reported at the end of its line
    bad_word,    // not of the enumeration, not a boolean; reported at the token behind it
    repetition,  // of a field, or of a choice; reported at the token behind its name
    no_name,     // where one should begin
    no_value,    // or no colon, bracket, comma; what is there instead is reported
    lexical,     // what the tokenizer cannot cut
};

// By the first words of the parser's messages: Protobuf numbers them not.
ReportKind kind_of(std::string_view message) {
    struct Beginning {
        std::string_view words;
        ReportKind kind;
    };
    constexpr auto kBeginnings = std::to_array<Beginning>({
        {"String literals cannot cross", ReportKind::open_text},
        {"Invalid value for boolean", ReportKind::bad_word},
        {"Unknown enumeration value", ReportKind::bad_word},
        {"Non-repeated field", ReportKind::repetition},
        {"Field \"", ReportKind::repetition},
        {"Expected identifier", ReportKind::no_name},
        {"Expected", ReportKind::no_value},
        {"Integer out of range", ReportKind::no_value},
    });
    const auto* const found = std::find_if(
        kBeginnings.begin(), kBeginnings.end(),
        [&](const Beginning& beginning) { return message.starts_with(beginning.words); });
    return found == kBeginnings.end() ? ReportKind::lexical : found->kind;
}

class RepairingParse {
 public:
    RepairingParse(std::string text, pb::Message& root, MistakeList& mistakes)
        : parsed_{TextTokens(std::move(text)), nullptr, {}, true},
          root_(root),
          schema_(parsed_.tokens, *root.GetDescriptor()),
          mistakes_(mistakes) {}

    ParsedText run();

 private:
    void repair(const Report& error);
    void repair_end();
    void repair_word(std::size_t word);
    void repair_open_text(std::size_t text);
    void repair_closer(std::size_t closer);
    void repair_value(std::size_t field, std::size_t value, const Report& error);
    void repair_repetition(std::size_t name);
    void note_unknown(std::size_t name);
    void note_stray(std::size_t token, const Report& error);
    void note_damaged(std::size_t field);
    void blank_field(std::size_t field);
    void blank_entry(std::size_t value);

    [[nodiscard]] TextTokens& tokens() { return parsed_.tokens; }
    [[nodiscard]] const TextTokens& tokens() const { return parsed_.tokens; }
    [[nodiscard]] const Token& at(std::size_t token) const { return tokens().tokens()[token]; }
    [[nodiscard]] bool follows_mark(std::size_t token) const {
        return tokens().is(token - 1, ':') || tokens().is(token - 1, '=');
    }
    [[nodiscard]] std::size_t end() const { return tokens().tokens().size() - 1; }

    ParsedText parsed_;
    pb::Message& root_;
    TextSchema schema_;
    MistakeList& mistakes_;
    std::set<std::size_t> unknown_;  // offsets of names that were noted
};

constexpr const char* kHowToWrite = "a field is written name: value, a block name { ... }";

ParsedText RepairingParse::run() {
    if (tokens().too_deep() != kNoToken) {
        mistakes_.add(
            tokens().place(tokens().too_deep()),
            "blocks are nested more than " + std::to_string(TextTokens::kMaxDepth) + " deep",
            "no schema here needs more than four");
        parsed_.is_structured = false;
        root_.Clear();
        parsed_.tree = std::make_unique<pb::TextFormat::ParseInfoTree>();
        return std::move(parsed_);
    }
    while (true) {
        FirstError found;
        parsed_.tree = std::make_unique<pb::TextFormat::ParseInfoTree>();
        pb::TextFormat::Parser parser;
        parser.RecordErrorsTo(&found);
        parser.WriteLocationsTo(parsed_.tree.get());
        parser.AllowUnknownField(true);    // warned of, so that one parse tells all
        parser.AllowPartialMessage(true);  // field_checks knows where
        parser.SetRecursionLimit(static_cast<int>(2 * TextTokens::kMaxDepth));
        parser.ParseFromString(tokens().text(), &root_);
        for (const Report& warning : found.warnings) {
            const std::size_t after = tokens().find(warning.line, warning.column);
            note_unknown(after == 0 ? 0 : after - 1);
        }
        if (!found.error) {
            break;
        }
        if (mistakes_.is_full()) {
            parsed_.is_structured = false;
            break;
        }
        repair(*found.error);
    }
    return std::move(parsed_);
}

// Every case blanks a token at least, or closes what is open: the loop ends.
void RepairingParse::repair(const Report& error) {
    const ReportKind kind = kind_of(error.message);
    // A text that does not end is reported where its line ends.
    const int back = kind == ReportKind::open_text ? 1 : 0;
    const std::size_t token = tokens().find(error.line, error.column - back);
    if (token == end()) {
        repair_end();
    } else if (kind == ReportKind::open_text) {
        repair_open_text(token);
    } else if (kind == ReportKind::bad_word) {
        repair_word(token - 1);
    } else if (kind == ReportKind::repetition) {
        repair_repetition(token - 1);
    } else if (kind == ReportKind::no_name && !follows_mark(token) && at(token).field == token) {
        tokens().is_closer(token) ? repair_closer(token) : note_stray(token, error);
    } else if (kind != ReportKind::lexical && token > 0 &&
               (tokens().is_closer(token) || at(token).field == token)) {
        // Something was missing before what stands here: `name: }`, or the next field's name.
        repair_value(at(token - 1).field, kNoToken, error);
    } else {
        repair_value(at(token).field, token, error);
    }
}

// The word is no value of an enumeration or a boolean; or it is the next field's name.
void RepairingParse::repair_word(std::size_t word) {
    const bool is_next_name = word > 0 && at(word).field == word;
    repair_value(is_next_name ? at(word - 1).field : at(word).field, is_next_name ? kNoToken : word,
                 {});
}

void RepairingParse::repair_open_text(std::size_t text) {
    mistakes_.add(tokens().place(text), "a text does not end on its line",
                  "close it with a double quote");
    note_damaged(at(text).field);
    tokens().blank_open_text(at(text).field, text);
}

void RepairingParse::repair_end() {
    const std::vector<std::size_t> open(tokens().unclosed().begin(), tokens().unclosed().end());
    if (open.empty()) {
        repair_value(at(end() - 1).field, kNoToken, {});
        return;
    }
    parsed_.is_structured = false;
    mistakes_.add(tokens().place(at(open.back()).field),
                  schema_.block_name(open.back()) + " is not closed",
                  "write " +
                      std::string(tokens().is(open.back(), '[')   ? "]"
                                  : tokens().is(open.back(), '<') ? ">"
                                                                  : "}") +
                      " where it ends");
    tokens().close_all();
}

void RepairingParse::repair_closer(std::size_t closer) {
    parsed_.is_structured = false;
    mistakes_.add(tokens().place(closer), in_quotes(tokens().text_of(closer)) + " closes nothing",
                  "remove it, or look for one too many above");
    tokens().blank(closer, closer);
}

// The value of a field that is not what the field takes; no value token: there is none.
void RepairingParse::repair_value(std::size_t field, std::size_t value, const Report& error) {
    const pb::FieldDescriptor* descriptor = schema_.descriptor_of(field);
    const std::string name(tokens().text_of(field));
    const bool lacks_colon = error.message.starts_with("Expected \":\"");
    if (schema_.belongs_outside(field, value)) {
        // A bracket is missing above: that is the mistake, and it is reported as such.
    } else if (descriptor == nullptr) {
        if (!unknown_.contains(at(field).offset)) {
            note_stray(value == kNoToken ? field : value, error);
            return;
        }
    } else if (lacks_colon && value != kNoToken && !tokens().is_opener(value)) {
        mistakes_.add(tokens().place(value), in_quotes(name) + " is not followed by \":\"",
                      expected_form(*descriptor));
    } else if (value == kNoToken) {
        mistakes_.add(tokens().place(field), in_quotes(name) + " has no value",
                      expected_form(*descriptor));
    } else {
        std::string remedy = expected_form(*descriptor);
        if (descriptor->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM) {
            const auto known = value_names(*descriptor->enum_type());
            if (const auto nearest = nearest_name(tokens().text_of(value), known)) {
                remedy = "did you mean " + std::string(*nearest) + "? (" + remedy + ")";
            }
        }
        mistakes_.add(tokens().place(value),
                      in_quotes(name) + " cannot be " + schema_.value_text(value, field),
                      std::move(remedy));
        if (tokens().list_around(value) != kNoToken) {
            blank_entry(value);
            return;
        }
    }
    blank_field(field);
}

void RepairingParse::repair_repetition(std::size_t name) {
    const pb::FieldDescriptor* descriptor = schema_.descriptor_of(name);
    const std::size_t block = at(name).block;
    std::string problem = in_quotes(tokens().text_of(name)) + " is given twice";
    std::string remedy = "keep one";
    // The earlier one: the same field, or another of the choice it belongs to.
    for (std::size_t token = 0; token < name && descriptor != nullptr; ++token) {
        if (at(token).block != block || at(token).field != token) {
            continue;
        }
        const pb::FieldDescriptor* earlier = schema_.descriptor_of(token);
        if (earlier == nullptr) {
            continue;
        }
        const std::string line = " (line " + std::to_string(tokens().place(token).line) + ")";
        if (earlier == descriptor) {
            remedy = "keep this one or the first" + line;
            break;
        }
        if (earlier->containing_oneof() != nullptr &&
            earlier->containing_oneof() == descriptor->containing_oneof()) {
            problem = in_quotes(descriptor->name()) + " is given beside " +
                      in_quotes(earlier->name()) + line;
            remedy = "keep one of them";
            break;
        }
    }
    mistakes_.add(tokens().place(name), std::move(problem), std::move(remedy));
    blank_field(at(name).field);
}

void RepairingParse::note_unknown(std::size_t name) {
    if (!unknown_.insert(at(name).offset).second) {
        return;
    }
    const std::string written(tokens().text_of(name));
    const pb::Descriptor* message = schema_.message_of(at(name).block);
    if (message == nullptr || at(name).kind != TokenKind::identifier) {
        mistakes_.add(tokens().place(name), in_quotes(written) + " is not the name of a field",
                      kHowToWrite);
        return;
    }
    const auto known = field_names(*message);
    const std::string owner = schema_.outer_owner(name);
    const auto nearest = owner.empty() ? nearest_name(written, known) : std::nullopt;
    if (!owner.empty() && !tokens().unclosed().empty()) {
        return;  // a bracket is missing above: that is the mistake, and it is reported as such
    }
    if (nearest) {
        const auto* meant = message->FindFieldByName(std::string(*nearest));
        parsed_.damaged.insert(block_offset(tokens(), at(name).block), *nearest,
                               field_label(*meant));
    }
    mistakes_.add(tokens().place(name),
                  schema_.block_name(at(name).block) + " has no field " + in_quotes(written),
                  owner.empty()
                      ? name_remedy(written, known)
                      : "it belongs to " + owner + ": is a } missing or one too many above?");
}

void RepairingParse::note_stray(std::size_t token, const Report& error) {
    const std::string text(tokens().text_of(token));
    const bool lexical = !error.message.starts_with("Expected");
    const std::string shown = at(token).kind == TokenKind::text ? text : in_quotes(text);
    std::string problem = shown + " cannot stand here";
    if (lexical && !error.message.empty()) {
        const bool ends = error.message.ends_with('.');
        problem = shown + " cannot be read (" +
                  error.message.substr(0, error.message.size() - (ends ? 1 : 0)) + ")";
    }
    mistakes_.add(tokens().place(token), std::move(problem), kHowToWrite);
    blank_field(at(token).field);
}

void RepairingParse::note_damaged(std::size_t field) {
    if (const auto* descriptor = schema_.descriptor_of(field)) {
        parsed_.damaged.insert(block_offset(tokens(), at(field).block), descriptor->name(),
                               field_label(*descriptor));
    }
}

void RepairingParse::blank_field(std::size_t field) {
    note_damaged(field);
    tokens().blank(field, tokens().field_end(field));
}

// One entry of a list, with the comma that it would leave over.
void RepairingParse::blank_entry(std::size_t value) {
    note_damaged(at(value).field);
    std::size_t first = value;
    while (!tokens().is(first - 1, ',') && first - 1 != at(value).block) {
        --first;
    }
    std::size_t last = value;
    while (last + 1 < end() && !tokens().is(last + 1, ',') && !tokens().is(last + 1, ']') &&
           at(last + 1).block == at(value).block) {
        ++last;
    }
    if (tokens().is(first - 1, ',')) {
        --first;
    } else if (tokens().is(last + 1, ',')) {
        ++last;
    }
    tokens().blank(first, last);
}

}  // namespace

std::size_t block_offset(const TextTokens& tokens, std::size_t opener) {
    return opener == kNoToken ? 0 : tokens.tokens()[opener].offset + 1;
}

ParsedText parse_text(std::string text, pb::Message& root, MistakeList& mistakes) {
    return RepairingParse(std::move(text), root, mistakes).run();
}

}  // namespace tamis::config
