// Texts that no person wrote: the reader answers each with places and remedies, and never fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/manifest_file.hpp"
#include "config/menu_reader.hpp"

namespace tamis::config {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

Mistakes mistakes_of(std::string text) {
    const auto menu = parse_menu(std::move(text), "m", {.quantities = {}});
    return menu ? Mistakes{} : menu.error();
}

std::string words_of(std::string text) { return to_string(mistakes_of(std::move(text))); }

TEST(TextReader, drops_a_byte_order_mark_and_reports_control_characters) {
    const std::string words = words_of("\xEF\xBB\xBFname: \"x\"\n\x01version: \"\x7F\"\n");
    EXPECT_THAT(words, HasSubstr("m:2:1: control character 0x01;"));
    EXPECT_THAT(words, HasSubstr("m:2:12: control character 0x7f;"));
    EXPECT_THAT(words, testing::Not(HasSubstr("m:1:1: control")));
    EXPECT_THAT(words, testing::Not(HasSubstr("no \"name\"")));
}

TEST(TextReader, reads_lines_that_end_in_carriage_return_and_newline) {
    EXPECT_THAT(words_of("name: \"x\"\r\nversoin: \"1\"\r\n"),
                HasSubstr("m:2:1: the menu has no field \"versoin\""));
}

TEST(TextReader, refuses_deep_nesting_before_it_recurses) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) {
        deep += "path {";
    }
    EXPECT_THAT(words_of(deep), HasSubstr("nested more than 32 deep"));
    EXPECT_THAT(words_of(std::string(100'000, '[')), HasSubstr("nested more than 32 deep"));
    EXPECT_THAT(words_of(std::string(100'000, '}')), HasSubstr("closes nothing"));
}

TEST(TextReader, refuses_a_text_that_is_too_long) {
    EXPECT_THAT(words_of(std::string(9U << 20U, '#')),
                HasSubstr("m:1:1: the text has 9437184 bytes"));
}

TEST(TextReader, stops_at_a_hundred_mistakes_and_says_so) {
    std::string text;
    for (int i = 0; i < 1000; ++i) {
        text += "version: 3\n";
    }
    const Mistakes mistakes = mistakes_of(text);
    ASSERT_THAT(mistakes, SizeIs(101));
    EXPECT_THAT(mistakes.back().problem, HasSubstr("more than 100 mistakes"));
}

TEST(TextReader, gives_mistakes_in_the_order_of_the_text) {
    const Mistakes mistakes = mistakes_of(
        "path { prescale: x }\nversion: 3\npath { name: \"a\" threshold: nan }\nstream { nam: "
        "\"a\" }\n");
    ASSERT_GE(mistakes.size(), 4U);
    for (std::size_t i = 1; i < mistakes.size(); ++i) {
        EXPECT_LE(std::pair(mistakes[i - 1].line, mistakes[i - 1].column),
                  std::pair(mistakes[i].line, mistakes[i].column));
    }
}

TEST(TextReader, complains_once_of_a_field_that_was_given_but_wrong) {
    // Not also that a name is missing, nor that no stream is named so.
    const std::string words = words_of(
        "name: \"a\"\nstream { nmae: \"physics\" }\nstream { name: \"debug\" }\ndebug_stream: "
        "\"debug\"\n"
        "path { name: \"b\" kind: PASS_THROUGH stream: \"physics\" }\n");
    EXPECT_EQ(words, "m:2:10: \"stream\" has no field \"nmae\"; did you mean \"name\"?\n");
}

TEST(TextReader, points_into_lists) {
    const std::string words =
        words_of("stream: [ { name: \"a\" },\n  { name: \"b\" nome: 3 },\n  { } ]\n");
    EXPECT_THAT(words, HasSubstr("m:2:15: \"stream\" has no field \"nome\""));
    EXPECT_THAT(words, HasSubstr("m:3:3: the stream has no \"name\""));
}

TEST(TextReader, keeps_reading_behind_a_bad_entry_of_a_list) {
    const std::string words = words_of("path { stream: [1, \"a\", 2, \"b\"] prescale: x }\n");
    for (const char* place : {"m:1:17: \"stream\" cannot be 1", "m:1:25: \"stream\" cannot be 2",
                              "m:1:43: \"prescale\" cannot be x"}) {
        EXPECT_THAT(words, HasSubstr(place));
    }
}

TEST(TextReader, tells_a_directory_from_a_file) {
    const auto menu = read_menu(TAMIS_SOURCE_DIR, {.quantities = {}});
    ASSERT_FALSE(menu);
    EXPECT_THAT(menu.error().front().problem, StartsWith("is a directory"));
}

TEST(Mistake, reads_as_file_line_column_problem_remedy) {
    const Mistake mistake{"menu.pbtxt", 3, 7, "what is wrong", "what would be right"};
    EXPECT_EQ(to_string(mistake), "menu.pbtxt:3:7: what is wrong; what would be right");
    EXPECT_EQ(to_string(Mistakes{mistake, mistake}),
              to_string(mistake) + '\n' + to_string(mistake) + '\n');
}

}  // namespace
}  // namespace tamis::config
