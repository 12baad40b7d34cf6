// ONNX's own test models (Debian: libonnx-testdata) through reader, compiler and runner. Every
// model passes, or is refused with a reason; none is wrong. Inputs the engine wants as weights
// (shapes, axes, kernels) are bound as constants from the test's own files. The table is printed.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "engine/network.hpp"
#include "engine/onnx_messages.hpp"
#include "engine/onnx_reader.hpp"

namespace tamis::engine {
namespace {

namespace fs = std::filesystem;

const fs::path kData = "/usr/share/libonnx-testdata/data";

template <class Message>
bool parse(const fs::path& path, Message& message) {
    std::ifstream file(path, std::ios::binary);
    return message.ParseFromIstream(&file);
}

// Values of a tensor whatever its type; nothing: a type no network of ours gives.
template <class Stored, class Field>
std::vector<double> widened(const onnx::TensorProto& tensor, const Field& field) {
    std::vector<double> values(field.begin(), field.end());
    if (!tensor.has_raw_data()) return values;
    values.clear();
    for (std::size_t at = 0; at + sizeof(Stored) <= tensor.raw_data().size();
         at += sizeof(Stored)) {
        Stored value{};
        std::memcpy(&value, tensor.raw_data().data() + at, sizeof(Stored));
        values.push_back(static_cast<double>(value));
    }
    return values;
}

std::vector<double> values_of(const onnx::TensorProto& tensor) {
    switch (tensor.data_type()) {
        case onnx::TensorProto::FLOAT:
            return widened<float>(tensor, tensor.float_data());
        case onnx::TensorProto::INT64:
            return widened<std::int64_t>(tensor, tensor.int64_data());
        case onnx::TensorProto::INT32:
            return widened<std::int32_t>(tensor, tensor.int32_data());
        case onnx::TensorProto::INT8:
            return widened<std::int8_t>(tensor, tensor.int32_data());
        default:
            return widened<std::uint8_t>(tensor, tensor.int32_data());
    }
}

struct Outcome {
    enum class Kind { passed, refused, wrong, crashed } kind = Kind::passed;
    std::string reason;
};

Outcome wrong(std::string reason) { return {Outcome::Kind::wrong, std::move(reason)}; }

struct TestCase {
    onnx::ModelProto model;
    std::vector<std::string> input_names;  // of inputs that are no initialisers
    std::vector<fs::path> data_sets;
};

TestCase read_case(const fs::path& folder) {
    TestCase test;
    if (!parse(folder / "model.onnx", test.model)) return test;
    std::set<std::string> initialisers;
    for (const auto& tensor : test.model.graph().initializer()) initialisers.insert(tensor.name());
    for (const auto& input : test.model.graph().input()) {
        if (!initialisers.contains(input.name())) test.input_names.push_back(input.name());
    }
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.is_directory()) test.data_sets.push_back(entry.path());
    }
    std::ranges::sort(test.data_sets);
    return test;
}

fs::path tensor_file(const fs::path& data_set, const std::string& kind, std::size_t index) {
    return data_set / (kind + "_" + std::to_string(index) + ".pb");
}

enum class Bound {
    arguments,     // inputs of int64 and bool, and numbers: shapes, axes, pads, limits
    all_but_first  // all inputs but the first: kernels and scales too
};

// The model with inputs as initialisers.
std::string bound_model(const TestCase& test, const fs::path& data_set, Bound bound) {
    onnx::ModelProto model = test.model;
    for (std::size_t i = 0; i < test.input_names.size(); ++i) {
        onnx::TensorProto tensor;
        if (!parse(tensor_file(data_set, "input", i), tensor)) continue;
        const bool is_argument = tensor.data_type() == onnx::TensorProto::INT64 ||
                                 tensor.data_type() == onnx::TensorProto::BOOL ||
                                 tensor.dims_size() == 0;
        if (bound == Bound::arguments ? !is_argument : i == 0) continue;
        tensor.set_name(test.input_names[i]);
        *model.mutable_graph()->add_initializer() = tensor;
    }
    return model.SerializeAsString();
}

Outcome compare(const NetworkRunner& runner, std::size_t port, std::size_t rows,
                const onnx::TensorProto& wanted) {
    std::vector<std::int64_t> dimensions;
    const auto row = runner.network().outputs()[port].row_shape.dimensions();
    const std::vector<std::int64_t> given(wanted.dims().begin(), wanted.dims().end());
    const bool whole = rows == 1 && std::ranges::equal(row, given);
    if (!whole) dimensions.push_back(static_cast<std::int64_t>(rows));
    dimensions.insert(dimensions.end(), row.begin(), row.end());
    if (dimensions != given) return wrong("another shape");
    const std::vector<double> values = values_of(wanted);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double error = std::abs(runner.output(port)[i] - values[i]);
        const bool both_nan = std::isnan(runner.output(port)[i]) && std::isnan(values[i]);
        if (!both_nan && !(error <= 2e-6 + 1e-5 * std::abs(values[i]))) {
            return wrong("value " + std::to_string(i) + " is " +
                         std::to_string(runner.output(port)[i]) + ", not " +
                         std::to_string(values[i]));
        }
    }
    return {};
}

// Which input file belongs to a port.
std::size_t input_index(const TestCase& test, const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(test.input_names, name) -
                                    test.input_names.begin());
}

Outcome run_data_set(const TestCase& test, const fs::path& data_set,
                     const std::shared_ptr<const Network>& network) {
    NetworkRunner runner(network);
    std::size_t rows = 0;
    for (std::size_t port = 0; port < network->inputs().size(); ++port) {
        onnx::TensorProto tensor;
        const std::size_t index = input_index(test, network->inputs()[port].name);
        if (!parse(tensor_file(data_set, "input", index), tensor)) return wrong("no input file");
        const std::vector<double> values = values_of(tensor);
        rows = values.size() / network->inputs()[port].row_size;
        if (values.size() > runner.input(port).size()) return wrong("more rows than expected");
        std::ranges::transform(values, runner.input(port).begin(),
                               [](double value) { return static_cast<float>(value); });
    }
    // Two of the models take roots of negative numbers: such rows are flagged and compared.
    if (runner.run(rows) == RunStatus::failed) return wrong("did not run");
    for (std::size_t port = 0; port < network->outputs().size(); ++port) {
        onnx::TensorProto wanted;
        if (!parse(tensor_file(data_set, "output", port), wanted)) return wrong("no output file");
        if (auto outcome = compare(runner, port, rows, wanted);
            outcome.kind != Outcome::Kind::passed) {
            return outcome;
        }
    }
    return {};
}

Outcome run_bound(const TestCase& test, Bound bound) {
    for (const fs::path& data_set : test.data_sets) {
        const std::string bytes = bound_model(test, data_set, bound);
        const auto graph = read_onnx(std::as_bytes(std::span(bytes)));
        if (!graph) return {Outcome::Kind::refused, graph.error()};
        const auto network = Network::compile(*graph, {.max_batch = 32});
        if (!network) return {Outcome::Kind::refused, network.error()};
        if (auto outcome = run_data_set(test, data_set, *network);
            outcome.kind != Outcome::Kind::passed) {
            return outcome;
        }
    }
    return {};
}

Outcome run_case(const fs::path& folder) {
    try {
        const TestCase test = read_case(folder);
        if (test.data_sets.empty()) return wrong("has no data");
        const Outcome outcome = run_bound(test, Bound::arguments);
        if (outcome.kind != Outcome::Kind::refused) return outcome;
        const Outcome second = run_bound(test, Bound::all_but_first);
        return second.kind == Outcome::Kind::refused ? outcome : second;
    } catch (const std::exception& error) {
        return {Outcome::Kind::crashed, error.what()};
    }
}

// The operators the engine promises.
bool is_promised(const fs::path& folder) {
    static const std::set<std::string> kOperators = {"Abs",
                                                     "Add",
                                                     "ArgMax",
                                                     "AveragePool",
                                                     "BatchNormalization",
                                                     "Clip",
                                                     "Concat",
                                                     "Constant",
                                                     "ConstantOfShape",
                                                     "Conv",
                                                     "ConvTranspose",
                                                     "DequantizeLinear",
                                                     "Div",
                                                     "Dropout",
                                                     "Elu",
                                                     "Erf",
                                                     "Exp",
                                                     "Expand",
                                                     "Flatten",
                                                     "GRU",
                                                     "Gather",
                                                     "Gemm",
                                                     "GlobalAveragePool",
                                                     "GlobalMaxPool",
                                                     "HardSigmoid",
                                                     "Identity",
                                                     "LSTM",
                                                     "LeakyRelu",
                                                     "Log",
                                                     "LogSoftmax",
                                                     "MatMul",
                                                     "MaxPool",
                                                     "Mul",
                                                     "Neg",
                                                     "PRelu",
                                                     "Pad",
                                                     "Pow",
                                                     "QLinearConv",
                                                     "QLinearMatMul",
                                                     "QuantizeLinear",
                                                     "ReduceL2",
                                                     "ReduceMax",
                                                     "ReduceMean",
                                                     "ReduceSum",
                                                     "ReduceSumSquare",
                                                     "Relu",
                                                     "Reshape",
                                                     "Selu",
                                                     "Shape",
                                                     "Sigmoid",
                                                     "Slice",
                                                     "Softmax",
                                                     "Softplus",
                                                     "Split",
                                                     "Sqrt",
                                                     "Squeeze",
                                                     "Sub",
                                                     "Tanh",
                                                     "TopK",
                                                     "Transpose",
                                                     "Unsqueeze"};
    onnx::ModelProto model;
    if (!parse(folder / "model.onnx", model)) return false;
    return std::ranges::all_of(model.graph().node(), [](const auto& node) {
        return node.domain().empty() && kOperators.contains(node.op_type());
    });
}

// A reason without the names of one model: "Erf: operator not supported".
std::string kind_of(const std::string& reason) {
    std::string kind;
    bool quoted = false;
    for (const char c : reason.substr(0, reason.find(';'))) {
        if (c == '"') quoted = !quoted;
        if (!quoted && c != '"' && (std::isdigit(static_cast<unsigned char>(c)) == 0)) kind += c;
    }
    return kind.substr(0, 110);
}

bool names_a_cure(const std::string& reason) {
    constexpr std::array kWords = {"support", "need", "must", "at most", "lies in"};
    return std::ranges::any_of(
        kWords, [&](const char* word) { return reason.find(word) != std::string::npos; });
}

struct Tally {
    std::map<Outcome::Kind, std::size_t> all;
    std::size_t promised = 0;
    std::size_t promised_passed = 0;
    std::map<std::string, std::size_t> reasons;
    [[nodiscard]] std::size_t count(Outcome::Kind kind) const {
        const auto found = all.find(kind);
        return found == all.end() ? 0 : found->second;
    }
};

Tally tally_of(const std::string& set) {
    Tally tally;
    for (const auto& entry : fs::directory_iterator(kData / set)) {
        const Outcome outcome = run_case(entry.path());
        ++tally.all[outcome.kind];
        const bool promised = is_promised(entry.path());
        tally.promised += promised ? 1 : 0;
        tally.promised_passed += promised && outcome.kind == Outcome::Kind::passed ? 1 : 0;
        if (outcome.kind == Outcome::Kind::refused) {
            ++tally.reasons[(promised ? "promised: " : "") + kind_of(outcome.reason)];
            EXPECT_TRUE(names_a_cure(outcome.reason)) << entry.path() << ": " << outcome.reason;
        } else if (outcome.kind != Outcome::Kind::passed) {
            ADD_FAILURE() << entry.path().filename() << ": " << outcome.reason;
        }
    }
    return tally;
}

void print(const std::string& set, const Tally& tally) {
    std::cout << set << ": " << tally.count(Outcome::Kind::passed) << " passed, "
              << tally.count(Outcome::Kind::refused) << " refused, "
              << tally.count(Outcome::Kind::wrong) << " wrong, "
              << tally.count(Outcome::Kind::crashed) << " crashed; of " << tally.promised
              << " models of promised operators " << tally.promised_passed << " passed\n";
    for (const auto& [reason, count] : tally.reasons) {
        std::cout << "    " << count << " refused: " << reason << "\n";
    }
}

struct SetAndFloor {
    std::string set;
    std::size_t models;
    std::size_t passed;
    std::size_t promised_passed;
};

class OnnxConformance : public testing::TestWithParam<SetAndFloor> {};

TEST_P(OnnxConformance, passes_or_refuses_every_model) {
    if (!fs::exists(kData / GetParam().set)) {
        GTEST_SKIP() << kData << " is not there; install Debian's libonnx-testdata";
    }
    const Tally tally = tally_of(GetParam().set);
    print(GetParam().set, tally);
    EXPECT_EQ(tally.count(Outcome::Kind::wrong), 0U);
    EXPECT_EQ(tally.count(Outcome::Kind::crashed), 0U);
    EXPECT_EQ(tally.count(Outcome::Kind::passed) + tally.count(Outcome::Kind::refused),
              GetParam().models);
    EXPECT_GE(tally.count(Outcome::Kind::passed), GetParam().passed);
    EXPECT_GE(tally.promised_passed, GetParam().promised_passed);
}

INSTANTIATE_TEST_SUITE_P(Debian, OnnxConformance,
                         testing::Values(SetAndFloor{"node", 932, 287, 283},
                                         SetAndFloor{"pytorch-converted", 82, 79, 79},
                                         SetAndFloor{"pytorch-operator", 35, 23, 23},
                                         SetAndFloor{"simple", 23, 5, 5}),
                         [](const auto& entry) {
                             std::string name = entry.param.set;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace tamis::engine
