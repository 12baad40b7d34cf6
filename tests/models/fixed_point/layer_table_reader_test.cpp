#include "models/fixed_point/layer_table_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/fixed_point/small_tables.hpp"

namespace tamis::models {
namespace {

using testing::HasSubstr;
using tests::Json;

std::string error_of(const Json& document) {
    const auto table = read_layer_table(document.dump());
    return table ? std::string() : table.error();
}

// The table with one place of it changed.
template <typename Value>
std::string error_with(Json document, const char* pointer, const Value& value) {
    document[Json::json_pointer(pointer)] = value;
    return error_of(document);
}

std::string error_without(Json document, const char* object, const char* key) {
    document[Json::json_pointer(object)].erase(key);
    return error_of(document);
}

TEST(LayerTableReader, reads_steps_types_and_constants) {
    const auto table = read_layer_table(tests::encoder_table(3).dump());
    ASSERT_TRUE(table.has_value()) << table.error();
    EXPECT_EQ(table->model, "made up");
    EXPECT_EQ(table->inputs, 57U);
    ASSERT_TRUE(table->scaling.has_value());
    EXPECT_EQ(table->scaling->offsets.size(), 57U);
    ASSERT_EQ(table->steps.size(), 5U);
    EXPECT_EQ(table->steps[0].kind, LayerKind::dense);
    EXPECT_EQ(table->steps[0].weights, tests::drawn_weights(3, 57 * 12));
    EXPECT_EQ(table->steps[0].accumulator_type.width, 29);
    EXPECT_EQ(table->steps[4].kind, LayerKind::sum_of_squares);
    EXPECT_EQ(table->steps[4].outputs, 1U);
    EXPECT_EQ(table->score_type.fraction, 4);
    EXPECT_TRUE(table->working_points.empty());
}

TEST(LayerTableReader, reads_working_points_where_there_are_any) {
    Json document = tests::encoder_table(3);
    document["working_points"] = {{"Loose", 12.5}, {"Tight", 90}};
    const auto table = read_layer_table(document.dump());
    ASSERT_TRUE(table.has_value()) << table.error();
    EXPECT_THAT(table->working_points,
                testing::ElementsAre(testing::Pair("Loose", 12.5), testing::Pair("Tight", 90)));
    EXPECT_THAT(error_with(document, "/working_points/Loose", "many"),
                HasSubstr("\"Loose\" is no finite number"));
    EXPECT_THAT(error_with(document, "/working_points/very loose", 3),
                HasSubstr("\"very loose\" cannot be a name"));
}

TEST(LayerTableReader, leaves_weights_alone_that_no_step_names) {
    Json document = tests::region_table(1);
    document["weights"]["left_over"] = {1, 2, 3};
    EXPECT_EQ(error_of(document), "");
}

TEST(LayerTableReader, refuses_text_that_is_no_json_object) {
    for (const char* const text : {"", "{", "[1]", "7", R"({"model": NaN})"}) {
        const auto table = read_layer_table(text);
        ASSERT_FALSE(table.has_value()) << text;
        EXPECT_THAT(table.error(), HasSubstr("not a JSON object"));
    }
    const std::string whole = tests::encoder_table(1).dump();
    EXPECT_FALSE(read_layer_table(whole.substr(0, whole.size() / 2)).has_value());
}

TEST(LayerTableReader, names_what_is_missing) {
    const Json document = tests::encoder_table(1);
    EXPECT_THAT(error_without(document, "", "network"), HasSubstr("\"network\" is not there"));
    EXPECT_THAT(error_with(document, "/model", ""), HasSubstr("\"model\" is empty"));
    EXPECT_THAT(error_without(document, "", "scales"), HasSubstr("\"scales\" is not there"));
    EXPECT_THAT(error_without(document, "", "score_output"), HasSubstr("\"score_output\""));
    EXPECT_THAT(error_without(document, "", "input_scaling"), HasSubstr("\"input_format\""));
    EXPECT_THAT(error_without(document, "/weights", "w2"),
                HasSubstr("weights of network[2] (dense): \"w2\" is not there"));
    EXPECT_THAT(error_without(document, "/network/1", "result_t"),
                HasSubstr("network[1] (relu): \"result_t\" is not there"));
    EXPECT_THAT(error_with(document, "/network", Json::array()), HasSubstr("no array of steps"));
}

TEST(LayerTableReader, names_what_has_another_length_or_form) {
    const Json document = tests::encoder_table(1);
    EXPECT_THAT(error_with(document, "/network/0/n_in", 58), HasSubstr("has 684 numbers"));
    EXPECT_THAT(error_with(document, "/network/0/n_in", -1), HasSubstr("no count"));
    EXPECT_THAT(error_with(document, "/network/0/n_in", 5.5), HasSubstr("no count"));
    EXPECT_THAT(error_with(document, "/network/0/n_in", 1e9), HasSubstr("no count"));
    EXPECT_THAT(error_with(document, "/network/0/op", "softmax"), HasSubstr("'softmax'"));
    EXPECT_THAT(error_with(document, "/network/0/accum_t", "ap_fixed<80,40>"),
                HasSubstr("width of 80 bits"));
    EXPECT_THAT(error_with(document, "/network/0/accum_t", 7), HasSubstr("is no text"));
    EXPECT_THAT(error_with(document, "/weights/w0/5", nullptr),
                HasSubstr("\"w0\"[5] is no finite number"));
    EXPECT_THAT(error_with(document, "/weights/w0", "none"), HasSubstr("has 0 numbers"));
    EXPECT_THAT(error_with(document, "/scales/ad_shift/0", "x"), HasSubstr("no finite number"));
    EXPECT_THAT(error_with(tests::autoencoder_table(1), "/network/5/input", "back"),
                HasSubstr("no pair of texts"));
}

TEST(LayerTableReader, refuses_layouts_it_does_not_emulate) {
    const Json document = tests::region_table(1);
    EXPECT_EQ(error_of(document), "");
    EXPECT_THAT(error_with(document, "/network/0/padding/1", 1), HasSubstr("\"padding\""));
    EXPECT_THAT(error_with(document, "/network/0/dilation", Json{2, 2}), HasSubstr("\"dilation\""));
    EXPECT_THAT(error_with(document, "/network/0/weight_layout", "[row][col][filter]"),
                HasSubstr("\"weight_layout\""));
    EXPECT_THAT(error_with(document, "/network/0/in_shape/2", 2), HasSubstr("do not fit"));
    EXPECT_THAT(error_with(document, "/network/0/out_shape/0", 8), HasSubstr("do not fit"));
    EXPECT_THAT(error_with(document, "/network/0/kernel", Json{19, 2}), HasSubstr("do not fit"));
    EXPECT_THAT(error_with(tests::encoder_table(1), "/network/0/weight_layout", "[n_out][n_in]"),
                HasSubstr("\"weight_layout\""));
}

}  // namespace
}  // namespace tamis::models
