#include "models/fixed_point/layer_table_reader.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tamis::models {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMostValues = 65536;  // of one array that a step reads or answers
constexpr std::size_t kMostSteps = 1024;
constexpr std::size_t kMostProducts = std::size_t{1} << 24;  // of one convolution
constexpr std::size_t kMostWorkingPoints = 256;

// Keeps the first mistake; what is read after it is of no use to anyone.
class TableText {
 public:
    void refuse(const std::string& place, const std::string& what) {
        if (error_.empty()) {
            error_ = place + ": " + what;
        }
    }
    [[nodiscard]] const std::string& error() const { return error_; }

    const ordered_json& member(const ordered_json& object, const char* key,
                               const std::string& place) {
        const auto found = object.is_object() ? object.find(key) : object.end();
        if (!object.is_object() || found == object.end()) {
            refuse(place, quoted(key) + " is not there; right is a layer table with it");
            return nothing_;
        }
        return *found;
    }
    std::string text(const ordered_json& object, const char* key, const std::string& place) {
        const ordered_json& value = member(object, key, place);
        if (!value.is_string()) {
            refuse(place, quoted(key) + " is no text; right is a string");
            return {};
        }
        return value.get<std::string>();
    }
    FixedPointType type(const ordered_json& object, const char* key, const std::string& place) {
        return type_of(text(object, key, place), quoted(key), place);
    }
    FixedPointType type_of(const std::string& text, const std::string& key,
                           const std::string& place) {
        const auto type = parse_fixed_point_type(text);
        if (!type) {
            refuse(place, key + ": " + type.error());
            return {};
        }
        return *type;
    }
    std::size_t count_of(const ordered_json& value, const std::string& key,
                         const std::string& place) {
        if (!value.is_number_integer() || value < 1 || value > kMostValues) {
            refuse(place, key + " is no count; right is a whole number of 1 to " +
                              std::to_string(kMostValues));
            return 0;
        }
        return value.get<std::size_t>();
    }
    std::size_t count(const ordered_json& object, const char* key, const std::string& place) {
        return count_of(member(object, key, place), quoted(key), place);
    }
    template <std::size_t N>
    std::array<std::size_t, N> counts(const ordered_json& object, const char* key,
                                      const std::string& place) {
        std::array<std::size_t, N> found{};
        const ordered_json& value = member(object, key, place);
        if (!value.is_array() || value.size() != N) {
            refuse(place,
                   quoted(key) + " is no array of " + std::to_string(N) + " counts; right is one");
            return found;
        }
        for (std::size_t i = 0; i < N; ++i) {
            found[i] = count_of(value[i], quoted(key), place);
        }
        return found;
    }
    std::vector<double> numbers(const ordered_json& object, const char* key, std::size_t count,
                                const std::string& place) {
        const ordered_json& value = member(object, key, place);
        std::vector<double> found;
        if (!value.is_array() || value.size() != count) {
            refuse(place, quoted(key) + " has " +
                              std::to_string(value.is_array() ? value.size() : 0) +
                              " numbers; right are " + std::to_string(count));
            return found;
        }
        for (const ordered_json& number : value) {
            if (!number.is_number() || !std::isfinite(number.get<double>())) {
                refuse(place, quoted(key) + "[" + std::to_string(found.size()) +
                                  "] is no finite number; right is one");
                return found;
            }
            found.push_back(number.get<double>());
        }
        return found;
    }
    // The key may be missing; where it is there it must say what is emulated.
    void expect(const ordered_json& object, const char* key, const ordered_json& right,
                const std::string& place) {
        const auto found = object.find(key);
        if (found != object.end() && *found != right) {
            refuse(place, quoted(key) + " is " + found->dump() +
                              ", which is not emulated; right is " + right.dump());
        }
    }

    static std::string quoted(const std::string& key) { return "\"" + key + "\""; }

 private:
    std::string error_;
    ordered_json nothing_;  // what is read of a key that is missing
};

struct LayerWord {
    std::string_view word;
    LayerKind kind;
};
constexpr auto kLayerWords = std::to_array<LayerWord>({
    {"dense", LayerKind::dense},
    {"conv2d", LayerKind::convolution},
    {"relu", LayerKind::relu},
    {"linear", LayerKind::linear},
    {"cast", LayerKind::linear},
    {"sum_of_squares", LayerKind::sum_of_squares},
    {"subtract", LayerKind::difference},
    {"dot", LayerKind::dot},
});

// Weights and bias, by the names that the step gives.
void read_constants(TableText& text, const ordered_json& document, const ordered_json& object,
                    std::size_t weights, std::size_t biases, LayerStep& step) {
    const std::string weight_name = text.text(object, "weights", step.place);
    const std::string bias_name = text.text(object, "bias", step.place);
    step.weight_type = text.type(object, "weight_t", step.place);
    step.bias_type = text.type(object, "bias_t", step.place);
    step.accumulator_type = text.type(object, "accum_t", step.place);
    const ordered_json& arrays = text.member(document, "weights", "table");
    if (text.error().empty()) {
        const std::string place = "weights of " + step.place;
        step.weights = text.numbers(arrays, weight_name.c_str(), weights, place);
        step.bias = text.numbers(arrays, bias_name.c_str(), biases, place);
    }
}

void read_dense(TableText& text, const ordered_json& document, const ordered_json& object,
                LayerStep& step) {
    step.inputs = text.count(object, "n_in", step.place);
    step.outputs = text.count(object, "n_out", step.place);
    text.expect(object, "weight_layout", "row-major [n_in][n_out]: index i*n_out+j", step.place);
    read_constants(text, document, object, step.inputs * step.outputs, step.outputs, step);
}

void read_convolution(TableText& text, const ordered_json& document, const ordered_json& object,
                      LayerStep& step) {
    const auto in = text.counts<3>(object, "in_shape", step.place);
    const auto out = text.counts<3>(object, "out_shape", step.place);
    const auto kernel = text.counts<2>(object, "kernel", step.place);
    const auto stride = text.counts<2>(object, "stride", step.place);
    text.expect(object, "padding", {0, 0, 0, 0}, step.place);
    text.expect(object, "dilation", {1, 1}, step.place);
    text.expect(object, "in_layout", "[row][col][channel]", step.place);
    if (!text.error().empty()) {
        return;
    }
    const auto places = [&](std::size_t side) {
        return in[side] < kernel[side] ? 0 : (in[side] - kernel[side]) / stride[side] + 1;
    };
    if (in[2] != 1 || out[0] != places(0) || out[1] != places(1) || in[0] * in[1] > kMostValues ||
        out[0] * out[1] * out[2] > kMostValues ||
        out[0] * out[1] * out[2] * kernel[0] * kernel[1] > kMostProducts) {
        text.refuse(step.place,
                    "\"in_shape\", \"kernel\", \"stride\" and \"out_shape\" do not fit together or "
                    "are too large; right is one channel and as many windows as fit without "
                    "padding");
        return;
    }
    const std::string filters = std::to_string(kernel[0] * kernel[1]);
    text.expect(object, "weight_layout",
                "[filter][kernel_row][kernel_col]: index filter*" + filters + " + kernel_row*" +
                    std::to_string(kernel[1]) + " + kernel_col",
                step.place);
    step.window = {in[0], in[1], kernel[0], kernel[1], stride[0], stride[1], out[0], out[1]};
    step.inputs = in[0] * in[1];
    step.outputs = out[0] * out[1] * out[2];
    read_constants(text, document, object, out[2] * kernel[0] * kernel[1], out[2], step);
}

// "input" and "input_t": one text, or two of them for steps that read two arrays.
void read_inputs(TableText& text, const ordered_json& object, LayerStep& step) {
    if (step.kind != LayerKind::difference && step.kind != LayerKind::dot) {
        step.input = text.text(object, "input", step.place);
        step.input_type = text.type(object, "input_t", step.place);
        return;
    }
    const ordered_json& names = text.member(object, "input", step.place);
    const ordered_json& types = text.member(object, "input_t", step.place);
    for (const ordered_json* pair : {&names, &types}) {
        if (!pair->is_array() || pair->size() != 2 || !(*pair)[0].is_string() ||
            !(*pair)[1].is_string()) {
            text.refuse(step.place, "\"input\" or \"input_t\" is no pair of texts; right is one");
            return;
        }
    }
    step.input = names[0].get<std::string>();
    step.second = names[1].get<std::string>();
    step.input_type = text.type_of(types[0].get<std::string>(), "\"input_t\"", step.place);
    step.second_type = text.type_of(types[1].get<std::string>(), "\"input_t\"", step.place);
}

LayerStep read_step(TableText& text, const ordered_json& document, const ordered_json& object,
                    std::size_t index) {
    LayerStep step;
    step.place = "network[" + std::to_string(index) + "]";
    const std::string operation = text.text(object, "op", step.place);
    const auto* const word =
        std::find_if(kLayerWords.begin(), kLayerWords.end(),
                     [&](const LayerWord& known) { return known.word == operation; });
    if (word == kLayerWords.end()) {
        std::string known;
        for (const LayerWord& each : kLayerWords) {
            known.append(known.empty() ? "" : ", ").append(each.word);
        }
        text.refuse(step.place, "operation '" + operation + "' is not known; right are " + known);
        return step;
    }
    step.kind = word->kind;
    step.place += " (" + operation + ")";
    read_inputs(text, object, step);
    step.output = text.text(object, "output", step.place);
    if (step.kind == LayerKind::dense) {
        read_dense(text, document, object, step);
    } else if (step.kind == LayerKind::convolution) {
        read_convolution(text, document, object, step);
    } else {
        step.inputs = text.count(object, "n", step.place);
        step.outputs = step.inputs;
    }
    if (step.kind == LayerKind::sum_of_squares) {
        step.outputs = 1;
        step.product_type = text.type(object, "square_t", step.place);
        step.accumulator_type = text.type(object, "sum_t", step.place);
        step.result_type = step.accumulator_type;
        return step;
    }
    if (step.kind == LayerKind::dot) {
        step.outputs = 1;
        step.accumulator_type = text.type(object, "accum_t", step.place);
    }
    step.result_type = text.type(object, "result_t", step.place);
    return step;
}

void read_inputs_of_table(TableText& text, const ordered_json& document, LayerTable& table) {
    if (!document.contains("input_scaling")) {
        const ordered_json& format = text.member(document, "input_format", "table");
        table.inputs = text.count(format, "n", "input_format");
        table.input_type = text.type(format, "type", "input_format");
        const auto shape = text.counts<3>(format, "shape", "input_format");
        table.input_shape.assign(shape.begin(), shape.end());
        return;
    }
    const ordered_json& object = document["input_scaling"];
    const std::string place = "input_scaling";
    table.inputs = text.count(object, "n", place);
    table.input_type = text.type(object, "input_t", place);
    InputScaling& scaling = table.scaling.emplace();
    scaling.unscaled_type = text.type(object, "unscaled_t", place);
    scaling.offset_type = text.type(object, "ad_offset_t", place);
    scaling.shift_type = text.type(object, "ad_shift_t", place);
    const ordered_json& scales = text.member(document, "scales", "table");
    if (text.error().empty()) {
        scaling.offsets = text.numbers(scales, "ad_offsets", table.inputs, "scales");
        scaling.shifts = text.numbers(scales, "ad_shift", table.inputs, "scales");
    }
}

// As menus call working points.
bool is_name(const std::string& text) {
    constexpr std::string_view kSigns = "_-.";
    return !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
           std::all_of(text.begin(), text.end(), [&](unsigned char letter) {
               return std::isalnum(letter) != 0 ||
                      kSigns.find(static_cast<char>(letter)) != std::string_view::npos;
           });
}

void read_working_points(TableText& text, const ordered_json& document, LayerTable& table) {
    const auto points = document.find("working_points");
    if (points == document.end()) {
        return;
    }
    if (!points->is_object() || points->size() > kMostWorkingPoints) {
        text.refuse("working_points", "no object; right is {NAME: smallest score that passes}");
        return;
    }
    for (const auto& [name, threshold] : points->items()) {
        if (!is_name(name)) {
            text.refuse("working_points", TableText::quoted(name) +
                                              " cannot be a name; right is a letter, then letters, "
                                              "digits, '_', '-' or '.'");
            return;
        }
        if (!threshold.is_number() || !std::isfinite(threshold.get<double>())) {
            text.refuse("working_points",
                        TableText::quoted(name) + " is no finite number; right is a score");
            return;
        }
        table.working_points.emplace_back(name, threshold.get<double>());
    }
}

}  // namespace

tl::expected<LayerTable, std::string> read_layer_table(std::string_view json_text) {
    const ordered_json document =
        ordered_json::parse(json_text.begin(), json_text.end(), nullptr, false);
    if (document.is_discarded() || !document.is_object()) {
        return tl::make_unexpected(std::string(
            "not a JSON object (cut short, or a value like NaN); right is a layer table as JSON"));
    }
    TableText text;
    LayerTable table;
    table.model = text.text(document, "model", "table");
    if (table.model.empty()) {
        text.refuse("table", "\"model\" is empty; right is what the model is called");
    }
    read_inputs_of_table(text, document, table);
    const ordered_json& network = text.member(document, "network", "table");
    if (!network.is_array() || network.empty() || network.size() > kMostSteps) {
        text.refuse("network", "no array of steps; right are 1 to " + std::to_string(kMostSteps));
    }
    for (std::size_t i = 0; text.error().empty() && i < network.size(); ++i) {
        table.steps.push_back(read_step(text, document, network[i], i));
    }
    table.score_type =
        text.type(text.member(document, "score_output", "table"), "type", "score_output");
    read_working_points(text, document, table);
    if (!text.error().empty()) {
        return tl::make_unexpected(text.error());
    }
    return table;
}

}  // namespace tamis::models
