#include "tests/models/fixed_point/small_tables.hpp"

#include "engine/random.hpp"

namespace tamis::tests {
namespace {

constexpr const char* kActivation = "ap_ufixed<10,6,AP_RND_CONV,AP_SAT>";

void add_scaling(Json& document, std::uint64_t seed) {
    document.erase("input_format");
    document["input_scaling"] = {{"n", 57},
                                 {"unscaled_t", "ap_fixed<18,13>"},
                                 {"ad_offset_t", "ap_fixed<10,10>"},
                                 {"ad_shift_t", "ap_fixed<5,5>"},
                                 {"input_t", "ap_fixed<8,6,AP_RND_CONV,AP_SAT>"}};
    std::vector<double> offsets, shifts;
    for (std::size_t i = 0; i < 57; ++i) {
        offsets.push_back(static_cast<double>(engine::random_below(100, seed, 1, i)) / 2);
        shifts.push_back(static_cast<double>(engine::random_below(8, seed, 2, i)) - 1);
    }
    document["scales"] = {{"ad_offsets", offsets}, {"ad_shift", shifts}};
}

// The steps read what is scaled already; with_scaling adds the scaling itself.
TableMaker object_table() { return {57, "ap_fixed<8,6,AP_RND_CONV,AP_SAT>"}; }

Json with_scaling(const TableMaker& table, std::uint64_t seed) {
    Json document = table.json();
    add_scaling(document, seed);
    document["network"][0]["input"] = "scaled";
    return document;
}

}  // namespace

TableMaker::TableMaker(std::size_t inputs, const std::string& type) {
    types_["inputs"] = type;
    sizes_["inputs"] = inputs;
    document_ = {{"model", "made up"},
                 {"input_format", {{"n", inputs}, {"type", type}, {"shape", {inputs, 1, 1}}}},
                 {"network", Json::array()},
                 {"weights", Json::object()}};
}

TableMaker& TableMaker::constants(const std::string& weight, const std::string& bias) {
    weight_type_ = weight;
    bias_type_ = bias;
    return *this;
}

TableMaker& TableMaker::dense(const std::string& input, const std::string& output,
                              std::vector<double> weights, std::vector<double> bias,
                              const std::string& accumulator) {
    const std::string number = std::to_string(document_["network"].size());
    const std::size_t outputs = bias.size();
    add_weights("w" + number, std::move(weights));
    add_weights("b" + number, std::move(bias));
    return step({{"op", "dense"},
                 {"input", input},
                 {"output", output},
                 {"n_in", size_of(input)},
                 {"n_out", outputs},
                 {"weights", "w" + number},
                 {"bias", "b" + number},
                 {"input_t", type_of(input)},
                 {"weight_t", weight_type_},
                 {"bias_t", bias_type_},
                 {"accum_t", accumulator},
                 {"result_t", accumulator}});
}

TableMaker& TableMaker::activation(const std::string& operation, const std::string& input,
                                   const std::string& output, const std::string& result) {
    return step({{"op", operation},
                 {"input", input},
                 {"output", output},
                 {"n", size_of(input)},
                 {"input_t", type_of(input)},
                 {"result_t", result}});
}

TableMaker& TableMaker::step(Json step) {
    const auto name = step["output"].get<std::string>();
    const auto operation = step["op"].get<std::string>();
    types_[name] = step[step.contains("sum_t") ? "sum_t" : "result_t"].get<std::string>();
    if (operation == "dense") {
        sizes_[name] = step["n_out"].get<std::size_t>();
    } else if (operation == "conv2d") {
        const auto shape = step["out_shape"].get<std::vector<std::size_t>>();
        sizes_[name] = shape[0] * shape[1] * shape[2];
    } else {
        const bool is_sum = operation == "sum_of_squares" || operation == "dot";
        sizes_[name] = is_sum ? 1 : step["n"].get<std::size_t>();
    }
    document_["network"].push_back(std::move(step));
    return *this;
}

Json TableMaker::json() const {
    Json document = document_;
    document["score_output"] = {
        {"type", types_.at(document["network"].back()["output"].get<std::string>())}};
    return document;
}

std::vector<double> drawn_weights(std::uint64_t seed, std::size_t count) {
    std::vector<double> weights(count);
    for (std::size_t i = 0; i < count; ++i) {
        weights[i] = static_cast<double>(engine::random_below(32, seed, 0, i)) / 8 - 2;
    }
    return weights;
}

Json encoder_table(std::uint64_t seed) {
    TableMaker table = object_table();
    table
        .dense("inputs", "first", drawn_weights(seed, 57 * 12), drawn_weights(seed + 1, 12),
               "ap_fixed<29,16>")
        .activation("relu", "first", "hidden", kActivation)
        .dense("hidden", "last", drawn_weights(seed + 2, 12 * 8), drawn_weights(seed + 3, 8),
               "ap_fixed<22,15>")
        .activation("linear", "last", "mu", "ap_fixed<10,7,AP_RND_CONV,AP_SAT>")
        .step({{"op", "sum_of_squares"},
               {"input", "mu"},
               {"output", "score"},
               {"n", 8},
               {"input_t", "ap_fixed<10,7,AP_RND_CONV,AP_SAT>"},
               {"square_t", "ap_ufixed<18,14>"},
               {"sum_t", "ap_ufixed<18,14>"}});
    return with_scaling(table, seed);
}

Json autoencoder_table(std::uint64_t seed) {
    TableMaker table = object_table();
    table
        .dense("inputs", "first", drawn_weights(seed, 57 * 6), drawn_weights(seed + 1, 6),
               "ap_fixed<21,14>")
        .activation("relu", "first", "embedding", kActivation)
        .dense("embedding", "middle", drawn_weights(seed + 2, 6 * 4), drawn_weights(seed + 3, 4),
               "ap_fixed<21,14>")
        .activation("linear", "middle", "code", "ap_fixed<16,9>")
        .dense("code", "back", drawn_weights(seed + 4, 4 * 6), drawn_weights(seed + 5, 6),
               "ap_fixed<24,14>")
        .step({{"op", "subtract"},
               {"input", {"back", "embedding"}},
               {"output", "difference"},
               {"n", 6},
               {"input_t", {"ap_fixed<24,14>", kActivation}},
               {"result_t", "ap_fixed<18,11>"}})
        .step({{"op", "dot"},
               {"input", {"difference", "difference"}},
               {"output", "distance"},
               {"n", 6},
               {"input_t", {"ap_fixed<18,11>", "ap_fixed<18,11>"}},
               {"accum_t", "ap_fixed<37,23>"},
               {"result_t", "ap_fixed<18,14,AP_RND_CONV,AP_SAT>"}})
        .activation("cast", "distance", "score", "ap_ufixed<18,14>");
    return with_scaling(table, seed);
}

Json region_table(std::uint64_t seed) {
    TableMaker table(252, "ap_uint<10>");
    table.add_weights("filters", drawn_weights(seed, 3 * 4));
    table.add_weights("no_bias", {0, 0, 0});
    table
        .step({{"op", "conv2d"},
               {"input", "inputs"},
               {"output", "image"},
               {"in_shape", {18, 14, 1}},
               {"in_layout", "[row][col][channel]"},
               {"kernel", {2, 2}},
               {"stride", {2, 2}},
               {"padding", {0, 0, 0, 0}},
               {"dilation", {1, 1}},
               {"out_shape", {9, 7, 3}},
               {"weights", "filters"},
               {"bias", "no_bias"},
               {"weight_layout",
                "[filter][kernel_row][kernel_col]: index filter*4 + kernel_row*2 + kernel_col"},
               {"input_t", "ap_uint<10>"},
               {"weight_t", "ap_fixed<6,3>"},
               {"bias_t", "ap_uint<1>"},
               {"accum_t", "ap_fixed<30,22>"},
               {"result_t", "ap_fixed<30,22>"}})
        .activation("relu", "image", "first", kActivation)
        .dense("first", "second", drawn_weights(seed + 1, 189 * 5), drawn_weights(seed + 2, 5),
               "ap_fixed<26,18>")
        .activation("relu", "second", "hidden", kActivation)
        .dense("hidden", "last", drawn_weights(seed + 3, 5), {0}, "ap_fixed<26,14>")
        .activation("relu", "last", "score", "ap_ufixed<16,8,AP_RND_CONV,AP_SAT>");
    Json document = table.json();
    document["input_format"]["shape"] = {18, 14, 1};
    return document;
}

}  // namespace tamis::tests
