#include "config/menu_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "models/event_inputs.hpp"

namespace tamis::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// The menu of the README: a useful one in six lines.
constexpr const char* kSixLines = R"(name: "first"
model { name: "vae" directory: "models/vae" }
stream { name: "unusual" } stream { name: "debug" } debug_stream: "debug"
path { name: "anomaly" seed { all { quantity: "passes_lepton_trigger" equal: 1 } }
       model: "vae" working_point: "tight" stream: "unusual" }
path { name: "random" kind: PASS_THROUGH prescale: 1000 stream: "unusual" }
)";

// Any directory holds a model with two working points.
MenuContext context() {
    MenuContext result{.quantities = models::quantity_names()};
    result.manifest_of = [](const std::filesystem::path&) {
        models::Manifest manifest;
        manifest.working_points.push_back({.name = "tight", .bins = {}});
        manifest.working_points.push_back({.name = "loose", .bins = {}});
        return manifest;
    };
    return result;
}

Menu menu_of(const std::string& text) {
    const auto menu = parse_menu(text, "menus/test.pbtxt", context());
    EXPECT_TRUE(menu) << to_string(menu.error());
    return menu.value_or(Menu{});
}

std::string mistakes_of(const std::string& text) {
    const auto menu = parse_menu(text, "menus/test.pbtxt", context());
    return menu ? "accepted" : to_string(menu.error());
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
}

TEST(MenuReader, reads_a_useful_menu_of_six_lines) {
    const Menu menu = menu_of(kSixLines);
    EXPECT_EQ(menu.name, "first");
    EXPECT_EQ(menu.version, "1");
    EXPECT_EQ(menu.debug_stream, "debug");
    EXPECT_EQ(menu.text, kSixLines);
    ASSERT_THAT(menu.models, SizeIs(1));
    ASSERT_THAT(menu.streams, SizeIs(2));
    EXPECT_EQ(menu.streams[0].name, "unusual");
    ASSERT_THAT(menu.paths, SizeIs(2));

    const Path& anomaly = menu.paths[0];
    EXPECT_EQ(anomaly.kind, PathKind::select);
    EXPECT_EQ(anomaly.prescale, 1U);
    ASSERT_TRUE(anomaly.cut);
    EXPECT_EQ(anomaly.cut->model, "vae");
    EXPECT_EQ(anomaly.cut->working_point, "tight");
    EXPECT_FALSE(anomaly.cut->threshold);
    ASSERT_THAT(anomaly.seed.any_of, ElementsAre(SizeIs(1)));
    EXPECT_EQ(anomaly.seed.any_of[0][0].quantity, "passes_lepton_trigger");
    EXPECT_EQ(anomaly.seed.any_of[0][0].comparison, Comparison::equal);
    EXPECT_EQ(anomaly.seed.any_of[0][0].value, 1);

    EXPECT_EQ(menu.paths[1].kind, PathKind::pass_through);
    EXPECT_EQ(menu.paths[1].prescale, 1000U);
    EXPECT_FALSE(menu.paths[1].cut);
    EXPECT_TRUE(menu.paths[1].seed.any_of.empty());
}

TEST(MenuReader, keeps_alternatives_and_every_comparison) {
    const Menu menu = menu_of(replaced(
        kSixLines, "seed { all { quantity: \"passes_lepton_trigger\" equal: 1 } }",
        "seed { all { quantity: \"met\" above: 1 } all { quantity: \"n_jets\" at_least: 2 } } "
        "seed { all: [ { quantity: \"HT\" below: 3.5 }, { quantity: \"n_muons\" at_most: 4 } ] }"));
    const auto& alternatives = menu.paths[0].seed.any_of;
    ASSERT_THAT(alternatives, ElementsAre(SizeIs(2), SizeIs(2)));
    EXPECT_EQ(alternatives[0][0].comparison, Comparison::above);
    EXPECT_EQ(alternatives[0][1].comparison, Comparison::at_least);
    EXPECT_EQ(alternatives[1][0].comparison, Comparison::below);
    EXPECT_EQ(alternatives[1][0].value, 3.5);
    EXPECT_EQ(alternatives[1][1].comparison, Comparison::at_most);
}

TEST(MenuReader, finds_models_beside_the_menu) {
    EXPECT_EQ(menu_of(kSixLines).models[0].directory, "menus/models/vae");
    EXPECT_EQ(menu_of(replaced(kSixLines, "models/vae", "../shipped/vae")).models[0].directory,
              "shipped/vae");
    EXPECT_EQ(menu_of(replaced(kSixLines, "models/vae", "/srv/vae")).models[0].directory,
              "/srv/vae");
}

TEST(MenuReader, accepts_a_number_in_place_of_a_working_point) {
    const Menu menu = menu_of(replaced(kSixLines, "working_point: \"tight\"", "threshold: -12.25"));
    EXPECT_FALSE(menu.paths[0].cut->working_point);
    EXPECT_EQ(menu.paths[0].cut->threshold, -12.25);
}

TEST(MenuReader, accepts_a_prescale_of_0_which_switches_the_path_off) {
    EXPECT_EQ(menu_of(replaced(kSixLines, "prescale: 1000", "prescale: 0")).paths[1].prescale, 0U);
}

TEST(MenuReader, accepts_limits_that_meet_in_one_value) {
    EXPECT_EQ(mistakes_of(replaced(kSixLines, "equal: 1 }",
                                   "at_least: 3 } all { quantity: \"passes_lepton_trigger\" "
                                   "at_most: 3 }")),
              "accepted");
}

TEST(MenuReader, starts_columns_at_1_and_counts_a_tab_as_one) {
    EXPECT_THAT(mistakes_of("\t\tnmae: 3\n"), HasSubstr("menus/test.pbtxt:1:3: "));
}

TEST(MenuReader, says_that_a_missing_file_was_tried) {
    const auto menu = read_menu("no/such/menu.pbtxt", context());
    ASSERT_FALSE(menu);
    EXPECT_THAT(to_string(menu.error()),
                HasSubstr("no/such/menu.pbtxt:1:1: no such file (tried /"));
}

TEST(MenuHash, is_not_moved_by_comments_layout_or_descriptions) {
    const std::uint64_t hash = menu_of(kSixLines).hash;
    EXPECT_EQ(menu_of("# a comment\n\n" + std::string(kSixLines)).hash, hash);
    EXPECT_EQ(menu_of(replaced(kSixLines, "model: \"vae\" working_point: \"tight\"",
                               "working_point: 'tight'\n\n model: \"v\" \"ae\""))
                  .hash,
              hash);
    EXPECT_EQ(
        menu_of(replaced(kSixLines, "\"unusual\" }", "\"unusual\" description: \"x\" }")).hash,
        hash);
    EXPECT_EQ(menu_of(replaced(kSixLines, "models/vae", "/elsewhere/vae")).hash, hash);
    EXPECT_EQ(
        menu_of(replaced(kSixLines, "name: \"anomaly\"", "name: \"anomaly\" prescale: 1")).hash,
        hash);
    const Menu takes = menu_of(
        replaced(kSixLines, "name: \"anomaly\"", "name: \"anomaly\" takes_incomplete: true"));
    EXPECT_NE(takes.hash, hash);
    EXPECT_EQ(std::ranges::count(takes.paths, true, &Path::takes_incomplete), 1);
}

TEST(MenuHash, is_moved_by_everything_that_changes_a_decision) {
    const std::uint64_t hash = menu_of(kSixLines).hash;
    const std::vector<std::pair<std::string, std::string>> changes = {
        {"\"first\"", "\"second\""},
        {"name: \"first\"", "name: \"first\" version: \"2\""},
        {"prescale: 1000", "prescale: 1001"},
        {"equal: 1", "equal: 2"},
        {"equal: 1", "at_least: 1"},
        {"passes_lepton_trigger", "n_muons"},
        {"working_point: \"tight\"", "working_point: \"loose\""},
        {"working_point: \"tight\"", "threshold: 3"},
        {"name: \"random\"", "name: \"by_chance\""},
        {"kind: PASS_THROUGH prescale: 1000", "seed { all { quantity: \"met\" above: 3 } }"},
    };
    for (const auto& [what, by] : changes) {
        EXPECT_NE(menu_of(replaced(kSixLines, what, by)).hash, hash) << what << " -> " << by;
    }
}

// Written into recordings: a change of the hash's making would make old recordings look foreign.
TEST(MenuHash, is_the_same_in_every_release) {
    EXPECT_EQ(menu_of(kSixLines).hash, 4489893073010495806U);
}

}  // namespace
}  // namespace tamis::config
