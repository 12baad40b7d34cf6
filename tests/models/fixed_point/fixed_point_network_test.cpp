#include "models/fixed_point/fixed_point_network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/random.hpp"
#include "models/fixed_point/layer_table_reader.hpp"
#include "tests/models/fixed_point/small_tables.hpp"
#include "tests/support/allocation_guard.hpp"

namespace tamis::models {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::Json;
using tests::TableMaker;

std::shared_ptr<const FixedPointNetwork> compiled(const Json& document,
                                                  SumOrder order = SumOrder::any_where_proved) {
    return FixedPointNetwork::compile(read_layer_table(document.dump()).value(), order).value();
}

std::string error_of(const Json& document) {
    const auto network = FixedPointNetwork::compile(read_layer_table(document.dump()).value());
    return network ? std::string() : network.error();
}

std::int32_t raw_score(const Json& document, const std::vector<std::int32_t>& row) {
    const std::int32_t score = FixedPointRunner(compiled(document)).score(row);
    EXPECT_EQ(FixedPointRunner(compiled(document, SumOrder::one_by_one)).score(row), score);
    return score;
}

// Random whole numbers of any size, and rows that leave every register.
std::vector<std::int32_t> drawn_row(std::uint64_t index, std::size_t size) {
    std::vector<std::int32_t> row(size);
    const std::uint64_t range = std::uint64_t{16} << (index % 13);
    for (std::size_t i = 0; i < size; ++i) {
        const auto drawn = engine::random_below(2 * range, index, 7, i);
        row[i] = static_cast<std::int32_t>(drawn) - static_cast<std::int32_t>(range);
    }
    return row;
}

TEST(FixedPointNetwork, weighs_and_adds) {
    TableMaker table(3, "ap_int<8>");
    table.dense("inputs", "score", {0.5, -1.25, 2}, {0.375}, "ap_fixed<20,12>");
    // 0.5 * 4 - 1.25 * -3 + 2 * 7 + 0.375 = 20.125
    EXPECT_EQ(raw_score(table.json(), {4, -3, 7}), 20 * 256 + 32);
}

TEST(FixedPointNetwork, reads_dense_weights_input_by_input) {
    TableMaker table(2, "ap_int<8>");
    table.dense("inputs", "both", {1, 2, 3, -4}, {0, 0}, "ap_fixed<20,12>")
        .constants("ap_fixed<8,5>", "ap_uint<1>")
        .dense("both", "score", {1, 8}, {0}, "ap_fixed<24,14>");
    // both = (10 + 3 * 1, 2 * 10 - 4 * 1); the second counts eight times.
    EXPECT_EQ(raw_score(table.json(), {10, 1}), (13 + 8 * 16) * 1024);
}

TEST(FixedPointNetwork, ramp_cuts_and_saturates) {
    TableMaker table(1, "ap_fixed<12,8>");
    table.activation("relu", "inputs", "ramp", "ap_ufixed<5,4,AP_RND_CONV,AP_SAT>")
        .activation("cast", "ramp", "score", "ap_ufixed<8,4>");
    EXPECT_EQ(raw_score(table.json(), {-1}), 0);
    EXPECT_EQ(raw_score(table.json(), {3}), 3 * 16);
    EXPECT_EQ(raw_score(table.json(), {100}), 31 * 8);
}

TEST(FixedPointNetwork, accumulator_wraps_after_every_addition) {
    TableMaker table(3, "ap_int<8>");
    table.constants("ap_int<4>", "ap_uint<1>")
        .dense("inputs", "score", {7, 7, -7}, {0}, "ap_fixed<8,8>");
    const auto network = compiled(table.json());
    EXPECT_EQ(network->proved_layers(), 0U);
    // 700 wraps to -68, + 700 to 120, - 350 to 26: as 1050 modulo 256.
    EXPECT_EQ(raw_score(table.json(), {100, 100, 50}), 26);
}

TEST(FixedPointNetwork, accumulator_saturates_in_the_order_of_the_inputs) {
    TableMaker table(3, "ap_int<8>");
    table.constants("ap_int<4>", "ap_uint<1>")
        .dense("inputs", "score", {7, 7, -7}, {0}, "ap_fixed<8,8,AP_TRN,AP_SAT>");
    // 127 after 700, still 127, then 127 - 128: the last product is saturated too.
    EXPECT_EQ(raw_score(table.json(), {100, 100, 50}), -1);
}

TEST(FixedPointNetwork, products_lose_bits_one_by_one_where_the_accumulator_is_coarser) {
    TableMaker table(2, "ap_int<8>");
    table.dense("inputs", "score", {0.625, 0.625}, {0}, "ap_fixed<16,15>");
    // 0.625 is floored to 0.5 each time, 1.875 to 1.5: the exact sum of the latter, 3.75, were 3.5.
    EXPECT_EQ(raw_score(table.json(), {1, 1}), 2);
    EXPECT_EQ(raw_score(table.json(), {3, 3}), 6);
}

TEST(FixedPointNetwork, bias_is_converted_to_its_own_type_first) {
    TableMaker table(1, "ap_int<8>");
    table.constants("ap_int<4>", "ap_fixed<4,4>")
        .dense("inputs", "score", {1}, {2.75}, "ap_fixed<12,8>");
    EXPECT_EQ(raw_score(table.json(), {1}), 3 * 16);
}

TEST(FixedPointNetwork, squares_are_floored_before_they_are_added) {
    TableMaker table(2, "ap_fixed<10,7,AP_RND_CONV,AP_SAT>");
    table.constants("ap_fixed<6,3>", "ap_uint<1>")
        .dense("inputs", "raw", {0.375, 0, 0, 0.375}, {0, 0}, "ap_fixed<14,8>")
        .activation("linear", "raw", "mu", "ap_fixed<10,7,AP_RND_CONV,AP_SAT>")
        .step({{"op", "sum_of_squares"},
               {"input", "mu"},
               {"output", "score"},
               {"n", 2},
               {"input_t", "ap_fixed<10,7,AP_RND_CONV,AP_SAT>"},
               {"square_t", "ap_ufixed<18,14>"},
               {"sum_t", "ap_ufixed<18,14>"}});
    // 0.375 squared is 0.140625: 2 sixteenths each. Both together would make 4.5.
    EXPECT_EQ(raw_score(table.json(), {1, -1}), 4);
    EXPECT_EQ(raw_score(table.json(), {8, 0}), 9 * 16);
}

TEST(FixedPointNetwork, difference_and_dot_by_hand) {
    TableMaker table(2, "ap_fixed<10,7>");
    table.dense("inputs", "half", {0.5, 0, 0, 0.5}, {0.125, 0}, "ap_fixed<16,9>")
        .step({{"op", "subtract"},
               {"input", {"half", "inputs"}},
               {"output", "difference"},
               {"n", 2},
               {"input_t", {"ap_fixed<16,9>", "ap_fixed<10,7>"}},
               {"result_t", "ap_fixed<18,11>"}})
        .step({{"op", "dot"},
               {"input", {"difference", "difference"}},
               {"output", "score"},
               {"n", 2},
               {"input_t", {"ap_fixed<18,11>", "ap_fixed<18,11>"}},
               {"accum_t", "ap_fixed<37,23>"},
               {"result_t", "ap_fixed<18,14,AP_RND_CONV,AP_SAT>"}});
    // (1.625 - 3, -1 + 2): 1.890625 + 1 = 46.25 sixteenths.
    EXPECT_EQ(raw_score(table.json(), {3, -2}), 46);
    const auto network = compiled(table.json());
    EXPECT_EQ(network->terms_name(), "difference");
    FixedPointRunner runner(network);
    static_cast<void>(runner.score(std::vector<std::int32_t>{3, -2}));
    EXPECT_THAT(runner.terms(), ElementsAre(-176, 128));
}

Json scaled_table(double offset, double shift, const char* offset_type) {
    TableMaker table(1, "ap_fixed<8,6,AP_RND_CONV,AP_SAT>");
    table.activation("cast", "inputs", "score", "ap_fixed<12,8>");
    Json document = table.json();
    document["network"][0]["input"] = "scaled";
    document["input_scaling"] = {{"n", 1},
                                 {"unscaled_t", "ap_fixed<18,13>"},
                                 {"ad_offset_t", offset_type},
                                 {"ad_shift_t", "ap_fixed<5,5>"},
                                 {"input_t", "ap_fixed<8,6,AP_RND_CONV,AP_SAT>"}};
    document["scales"] = {{"ad_offsets", {offset}}, {"ad_shift", {shift}}};
    return document;
}

TEST(FixedPointNetwork, inputs_are_shifted_down_to_floor_and_then_rounded_to_even) {
    const auto scaled = [](double offset, double shift, std::int32_t value) {
        return raw_score(scaled_table(offset, shift, "ap_fixed<10,10>"), {value});
    };
    EXPECT_EQ(scaled(0, 0, 5), 5 * 16);
    // 25 / 64 is 12.5 of 1/32, floored to 12: a tie of quarters, to the even 2. At once it
    // were 1.56.
    EXPECT_EQ(scaled(0, 6, 25), 2 * 4);
    // -25 / 64: floored to -13 of 1/32, -1.625 quarters.
    EXPECT_EQ(scaled(0, 6, -25), -2 * 4);
    // 9 / 64 is 4.5 of 1/32, floored to 4: half a quarter, to the even 0. Rounded at once it
    // were 1.
    EXPECT_EQ(scaled(0, 6, 9), 0);
    EXPECT_EQ(scaled(0, -1, 7), 14 * 16);
    EXPECT_EQ(scaled(0, 0, 400), 127 * 4);
    EXPECT_EQ(scaled(0, 0, -400), -128 * 4);
    EXPECT_EQ(scaled(4, 0, 5), 16);
}

TEST(FixedPointNetwork, inputs_wrap_where_registers_are_full) {
    const auto scaled = [](double offset, double shift, std::int32_t value) {
        return raw_score(scaled_table(offset, shift, "ap_fixed<10,10>"), {value});
    };
    EXPECT_EQ(scaled(0, 8, 4096), -16 * 16);  // read as -4096
    EXPECT_EQ(scaled(0, 8, 8192 + 256), 16);
    EXPECT_EQ(scaled(1, 8, -4096), 15 * 16 + 16);  // 4095 / 256 = 15.996
    EXPECT_EQ(scaled(0, -1, 2048 + 3), -32 * 16);  // 4102 is read as -4090, and saturates
    EXPECT_EQ(scaled(0, 0, (1 << 24) - 1), -16);
}

TEST(FixedPointNetwork, offsets_count_as_far_as_their_type_goes) {
    EXPECT_EQ(raw_score(scaled_table(4.5, 0, "ap_fixed<10,10>"), {5}), 16);
    EXPECT_EQ(raw_score(scaled_table(4.5, 0, "ap_fixed<10,9>"), {5}), 8);
    EXPECT_EQ(raw_score(scaled_table(4.5, 0, "ap_fixed<12,4>"), {5}), 8);
}

TEST(FixedPointNetwork, filters_see_the_windows_unflipped) {
    TableMaker table(12, "ap_uint<6>");
    table.add_weights("filters", {1, 0, 0, 0, 0, 0, 0, 2});
    table.add_weights("none", {0, 0});
    table
        .step({{"op", "conv2d"},
               {"input", "inputs"},
               {"output", "image"},
               {"in_shape", {3, 4, 1}},
               {"kernel", {2, 2}},
               {"stride", {1, 2}},
               {"out_shape", {2, 2, 2}},
               {"weights", "filters"},
               {"bias", "none"},
               {"input_t", "ap_uint<6>"},
               {"weight_t", "ap_fixed<6,3>"},
               {"bias_t", "ap_uint<1>"},
               {"accum_t", "ap_fixed<20,12>"},
               {"result_t", "ap_fixed<20,12>"}})
        .activation("linear", "image", "counts", "ap_int<12>")
        .constants("ap_int<4>", "ap_uint<1>")
        .dense("counts", "score", std::vector<double>(8, 1), {0}, "ap_int<24>");
    std::vector<std::int32_t> image = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const auto network = compiled(table.json());
    FixedPointRunner runner(network);
    // The first filter sees the upper left of each window, the second twice its lower right.
    EXPECT_EQ(runner.score(image), 1 + 12 + 3 + 16 + 5 + 20 + 7 + 24);
    EXPECT_THAT(runner.terms(), ElementsAre(1, 12, 3, 16, 5, 20, 7, 24));
}

TEST(FixedPointNetwork, vector_sums_are_those_one_by_one) {
    for (const Json& document :
         {tests::encoder_table(11), tests::autoencoder_table(12), tests::region_table(13)}) {
        const auto fast = compiled(document);
        EXPECT_EQ(fast->proved_layers(), fast->sum_layers());
        FixedPointRunner runner(fast);
        FixedPointRunner oracle(compiled(document, SumOrder::one_by_one));
        for (std::uint64_t index = 0; index < 400; ++index) {
            const auto row = drawn_row(index, fast->input_size());
            ASSERT_EQ(runner.score(row), oracle.score(row)) << index;
            ASSERT_TRUE(std::ranges::equal(runner.terms(), oracle.terms())) << index;
        }
    }
}

TEST(FixedPointNetwork, a_score_does_not_depend_on_what_was_scored_before_nor_allocates) {
    const auto network = compiled(tests::encoder_table(5));
    FixedPointRunner runner(network);
    std::vector<std::int32_t> first;
    for (std::uint64_t index = 0; index < 50; ++index) {
        first.push_back(FixedPointRunner(network).score(drawn_row(index, 57)));
    }
    for (std::uint64_t index = 50; index-- > 0;) {
        const auto row = drawn_row(index, 57);
        const tests::AllocationGuard guard;
        const std::int32_t score = runner.score(row);
        const std::size_t allocations = guard.allocations();
        ASSERT_EQ(score, first[index]);
        ASSERT_EQ(allocations, 0U);
    }
}

TEST(FixedPointNetwork, refuses_steps_that_do_not_fit_together) {
    const auto with = [](Json document, const char* pointer, const Json& value) {
        document[Json::json_pointer(pointer)] = value;
        return error_of(document);
    };
    const Json document = tests::encoder_table(1);
    EXPECT_EQ(error_of(document), "");
    EXPECT_THAT(with(document, "/network/1/input", "nothing"),
                HasSubstr("network[1] (relu): reads 'nothing'"));
    EXPECT_THAT(with(document, "/network/1/n", 11), HasSubstr("which has 12 of ap_fixed<29,16>"));
    EXPECT_THAT(with(document, "/network/1/input_t", "ap_fixed<28,16>"),
                HasSubstr("reads 12 values of ap_fixed<28,16>"));
    EXPECT_THAT(with(document, "/network/3/output", "first"), HasSubstr("a second time"));
    EXPECT_THAT(with(document, "/network/4/output", "sum"), HasSubstr("one value 'score'"));
    EXPECT_THAT(with(document, "/score_output/type", "ap_ufixed<18,13>"),
                HasSubstr("is not the type of 'score'"));
    EXPECT_THAT(with(document, "/network/4/square_t", "ap_ufixed<18,13>"),
                HasSubstr("differ in fractional bits"));
    EXPECT_THAT(with(document, "/network/0/result_t", "ap_fixed<40,20>"),
                HasSubstr("too wide for a value"));
    EXPECT_THAT(with(document, "/network/0/weight_t", "ap_fixed<40,20>"),
                HasSubstr("too wide for a constant"));
    EXPECT_THAT(with(document, "/weights/w0/3", 1e40), HasSubstr("too large"));
    EXPECT_THAT(with(document, "/network/0/accum_t", "ap_fixed<62,1>"),
                HasSubstr("more than 62 bits"));
    EXPECT_THAT(with(document, "/input_scaling/ad_shift_t", "ap_fixed<5,4>"),
                HasSubstr("no type of a shift"));
}

TEST(FixedPointNetwork, refuses_a_score_that_single_precision_cannot_hold) {
    TableMaker table(1, "ap_int<8>");
    table.dense("inputs", "score", {1}, {0}, "ap_fixed<26,14>");
    EXPECT_THAT(error_of(table.json()), HasSubstr("wider than single precision holds"));
}

}  // namespace
}  // namespace tamis::models
