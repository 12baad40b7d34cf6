#include "daemon/commands/inspect_network.hpp"

#include <fmt/core.h>
#include <sysexits.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "daemon/commands/text_table.hpp"
#include "daemon/network_timing/network_comparison.hpp"
#include "engine/network.hpp"
#include "engine/onnx_reader.hpp"
#include "engine/onnx_survey.hpp"

namespace tamis::daemon {

namespace {

using Json = nlohmann::ordered_json;

std::string read_bytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

Json ports_json(const std::vector<engine::OnnxPort>& ports) {
    auto json = Json::array();
    for (const auto& port : ports) {
        json.push_back({{"name", port.name}, {"type", port.type}, {"shape", port.shape}});
    }
    return json;
}

Json survey_json(const std::filesystem::path& file, const engine::OnnxSurvey& survey) {
    Json json{{"file", file.string()},
              {"producer", survey.producer},
              {"opset", survey.opset},
              {"parameters", survey.parameters},
              {"inputs", ports_json(survey.inputs)},
              {"outputs", ports_json(survey.outputs)},
              {"operators", Json::array()},
              {"unsupported_nodes", survey.unsupported_nodes}};
    for (const auto& one : survey.operators) {
        json["operators"].push_back(
            {{"operator", one.name}, {"count", one.count}, {"supported", one.is_supported}});
    }
    return json;
}

// Every layer with what runs it.
Json executors_json(const engine::Network& network) {
    auto json = Json::array();
    for (const std::string& line : network.executors()) {
        const std::size_t end_of_layer = line.rfind(": ");
        json.push_back(
            {{"layer", line.substr(0, end_of_layer)}, {"executor", line.substr(end_of_layer + 2)}});
    }
    return json;
}

// The times and the digest; the answers were compared with the reference in double precision.
tl::expected<void, std::string> add_times(Json& json, const engine::Graph& graph) {
    const std::vector<PeerKind> engine{engine_peers().front()};
    const auto measured = compare_network(graph.name, graph, engine, short_comparison());
    if (!measured) {
        return tl::unexpected(measured.error());
    }
    json["reference_difference"] = measured->difference;
    json["times"] = Json::array();
    for (const ComparisonRow& row : measured->rows) {
        const CallTimes& times = row.peers.front().times;
        json["times"].push_back(
            {{"rows", row.rows},
             {"p50_us", times.p50_us},
             {"p99_us", times.p99_us},
             {"rows_per_s", 1e6 * static_cast<double>(row.rows) / times.mean_us}});
    }
    return {};
}

// All that needs the engine to take the network; the error is why it does not.
tl::expected<void, std::string> add_compiled(Json& json, const std::string& bytes) {
    const auto graph = engine::read_onnx(std::as_bytes(std::span(bytes)));
    if (!graph) {
        return tl::unexpected(graph.error());
    }
    const auto network = engine::Network::compile(*graph);
    if (!network) {
        return tl::unexpected(network.error());
    }
    json["multiply_adds"] = (*network)->multiply_adds();
    json["layers"] = executors_json(**network);
    return add_times(json, *graph);
}

void print_ports(const Json& json, const std::string& what, const std::string& key) {
    for (const auto& port : json[key]) {
        fmt::print("  {} {}: {} {}\n", what, port["name"].get<std::string>(),
                   port["type"].get<std::string>(), port["shape"].get<std::string>());
    }
}

void print_compiled(const Json& json) {
    TextTable layers({"layer", "executor"});
    for (const auto& layer : json["layers"]) {
        layers.add_row({layer["layer"].get<std::string>(), layer["executor"].get<std::string>()});
    }
    fmt::print("{}", layers.to_string());
    TextTable times({"batch", "p50 us", "p99 us", "rows/s"});
    for (const auto& row : json["times"]) {
        times.add_row({std::to_string(row["rows"].get<std::size_t>()),
                       fmt::format("{:.2f}", row["p50_us"].get<double>()),
                       fmt::format("{:.2f}", row["p99_us"].get<double>()),
                       fmt::format("{:.0f}", row["rows_per_s"].get<double>())});
    }
    fmt::print("{}", times.to_string());
    fmt::print(
        "  largest difference from the reference in double precision: {:.2g} of the "
        "largest answer\n",
        json["reference_difference"].get<double>());
}

void print_network(const Json& json) {
    fmt::print("{}: network of opset {}{}, {} parameters", json["file"].get<std::string>(),
               json["opset"].get<std::int64_t>(),
               json["producer"].get<std::string>().empty()
                   ? ""
                   : " by " + json["producer"].get<std::string>(),
               json["parameters"].get<std::uint64_t>());
    if (json.contains("multiply_adds")) {
        fmt::print(", {} multiply-adds per row", json["multiply_adds"].get<std::uint64_t>());
    }
    fmt::print("\n");
    print_ports(json, "input", "inputs");
    print_ports(json, "output", "outputs");
    TextTable operators({"operator", "nodes", "supported"});
    for (const auto& one : json["operators"]) {
        operators.add_row({one["operator"].get<std::string>(),
                           std::to_string(one["count"].get<std::size_t>()),
                           one["supported"].get<bool>() ? "yes" : "NO"});
    }
    fmt::print("{}", operators.to_string());
    for (const auto& node : json["unsupported_nodes"]) {
        fmt::print("  not supported: {}\n", node.get<std::string>());
    }
    if (json.contains("refused")) {
        fmt::print("  refused: {}\n", json["refused"].get<std::string>());
    } else {
        print_compiled(json);
    }
}

}  // namespace

ExitStatus inspect_network(const std::filesystem::path& file, InspectForm form) {
    const std::string bytes = read_bytes(file);
    const auto survey = engine::survey_onnx(std::as_bytes(std::span(bytes)));
    if (!survey) {
        return fail(EX_DATAERR, fmt::format("{}: {}", file.string(), survey.error()));
    }
    Json json = survey_json(file, *survey);
    const auto compiled = add_compiled(json, bytes);
    if (!compiled) {
        json["refused"] = compiled.error();
    }
    if (form == InspectForm::json) {
        fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
    } else {
        print_network(json);
    }
    if (!compiled) {
        return fail(EX_DATAERR, fmt::format("{}: {}", file.string(), compiled.error()));
    }
    return EX_OK;
}

}  // namespace tamis::daemon
