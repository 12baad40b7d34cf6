#include "daemon/trigger_menu.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::small_menu;
using tests::sum_path;
using tests::SumModel;

std::vector<std::string> mistakes(const config::Menu& menu) {
    const SumModel model;
    const std::vector<const models::Model*> models(menu.models.size(), &model);
    const auto compiled = TriggerMenu::compile(menu, models);
    return compiled ? std::vector<std::string>{} : compiled.error();
}

TEST(TriggerMenu, turns_names_into_bits_and_indices) {
    const SumModel model;
    config::Path path = sum_path("high", 3.5);
    path.streams = {"debug", "physics"};
    const TriggerMenu menu = tests::compile(small_menu({path}), model);
    ASSERT_EQ(menu.paths().size(), 1U);
    EXPECT_EQ(menu.paths()[0].streams, 0b11U);
    EXPECT_EQ(menu.paths()[0].cut->model, 0U);
    EXPECT_EQ(menu.paths()[0].cut->threshold, 3.5F);
    EXPECT_EQ(menu.debug_streams(), 0b10U);
    EXPECT_EQ(menu.context().menu_hash, 42U);
    EXPECT_THAT(menu.context().model_hashes, ElementsAre(0x5ca1ab1eU));
    EXPECT_THAT(menu.context().stream_names, ElementsAre("physics", "debug"));
}

TEST(TriggerMenu, reports_all_mistakes_at_once_with_what_there_is) {
    config::Path path = sum_path("broken", 0);
    path.cut->threshold.reset();
    path.cut->working_point = "medium";
    path.streams = {"phsics"};
    path.seed.any_of = {{{.quantity = "no_such_quantity"}}};
    config::Path twice = sum_path("broken", 1);
    twice.cut->model = "vae";
    EXPECT_THAT(
        mistakes(small_menu({path, twice})),
        ElementsAre(HasSubstr("quantity 'no_such_quantity' is not known; name one of "),
                    HasSubstr("working point 'medium' is not one of model 'sum'; name one of "
                              "loose, tight"),
                    HasSubstr("stream 'phsics' is not in the menu; name one of physics, debug"),
                    HasSubstr("path 'broken' is there twice"),
                    HasSubstr("model 'vae' is not in the menu; name one of sum")));
}

TEST(TriggerMenu, needs_exactly_one_threshold_and_a_stream) {
    config::Path path = sum_path("p", 1);
    path.cut->working_point = "tight";
    path.streams.clear();
    EXPECT_THAT(mistakes(small_menu({path})),
                ElementsAre(HasSubstr("give exactly one"), HasSubstr("it has no stream")));
}

TEST(TriggerMenu, needs_a_debug_stream_of_its_own) {
    config::Menu menu = small_menu({});
    menu.debug_stream.clear();
    EXPECT_THAT(mistakes(menu), ElementsAre(HasSubstr("stream '' is not in the menu")));
}

TEST(TriggerMenu, has_room_for_no_more_streams_than_a_mask_has_bits) {
    config::Menu menu = small_menu({});
    for (int i = 0; i < 63; ++i) {
        menu.streams.push_back(
            {.name = std::string("s").append(std::to_string(i)), .description = ""});
    }
    EXPECT_THAT(mistakes(menu), ElementsAre(HasSubstr("65 streams")));
}

}  // namespace
}  // namespace tamis::daemon
