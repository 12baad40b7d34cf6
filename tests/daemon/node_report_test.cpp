// Metrics, status page and run summary of one small node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/metrics.hpp"
#include "daemon/run_summary.hpp"
#include "tests/daemon/small_node.hpp"

namespace tamis::daemon {
namespace {

using tests::raw_fragment;
using tests::small_config;
using tests::small_menu;
using tests::sum_fragment;
using tests::sum_path;

// Three events: accepted, rejected, incomplete; one message of garbage.
class NodeReportTest : public testing::Test {
 protected:
    NodeReportTest() {
        deployment_.name = std::string("node \"1\"\n");
        deployment_.input.sources = {{.id = 1, .name = "calorimeter"}, {.id = 2, .name = "muons"}};
        deployment_.outputs.resize(1);
        deployment_.outputs[0].name = std::string("disk");
        tests::MemoryInput input({sum_fragment(3, 1, 1, {9}), raw_fragment(3, 1, 2, "x"),
                                  sum_fragment(3, 2, 1, {1}), raw_fragment(3, 2, 2, "x"),
                                  sum_fragment(3, 3, 1, {9}), "garbage"});
        Pipeline pipeline(small_config(),
                          {.menu = menu_,
                           .input = input,
                           .outputs = {{.name = "disk", .output = &output_, .streams = 0b11}}});
        pipeline.run_to_end(tests::test_clock);
        report_.deployment = &deployment_;
        report_.menu = &menu_;
        report_.state = RunState::stopped;
        report_.condition = RunCondition::complete;
        report_.started_unix_ns = 1'700'000'000'123'000'000;
        report_.stopped_unix_ns = 1'700'000'001'000'000'000;
        report_.input_endpoints = {"tcp://127.0.0.1:4321"};
        report_.input_links = {{.received = 20, .delivered = 6, .duplicates = 2, .damaged = 4}};
        report_.admissions = {
            {.endpoint = "tcp://127.0.0.1:4321", .admitted = 2, .refused = {5, 6, 7, 8}}};
        report_.cut_connections = {5};
        report_.output_endpoints = {"run.mcap"};
        report_.monitoring_port = 8080;
        report_.pipeline = pipeline.snapshot();
        report_.threads = {{.name = "tamis-loop",
                            .cycles = {.cycles = 3, .busy_ns = 4'000'000'000, .longest_ns = 5000}}};
    }

    tests::SumModel model_;
    TriggerMenu menu_ = tests::compile(small_menu({sum_path("high", 5)}), model_);
    tests::MemoryOutput output_;
    config::Deployment deployment_;
    NodeReport report_;
};

using RunSummary = NodeReportTest;
using Metrics = NodeReportTest;

TEST_F(RunSummary, tells_the_run_its_books_and_its_paths) {
    const auto json = nlohmann::json::parse(summary_text(report_));
    EXPECT_EQ(json["node"], "node \"1\"\n");
    EXPECT_EQ(json["run"], 3);
    EXPECT_EQ(json["condition"], "complete");
    EXPECT_EQ(json["input"]["cut_connections"], nlohmann::json({5}));
    EXPECT_EQ(json["started"], "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(json["menu"]["hash"], "000000000000002a");
    EXPECT_EQ(json["models"][0]["name"], "sum");
    const auto& books = json["books"];
    EXPECT_EQ(books["fragments"]["received"], 6);
    EXPECT_EQ(books["fragments"]["malformed"], 1);
    EXPECT_EQ(books["events"]["opened"], 3);
    EXPECT_EQ(books["events"]["accepted"], 1);
    EXPECT_EQ(books["events"]["rejected"], 1);
    EXPECT_EQ(books["events"]["debug_incomplete"], 1);
    EXPECT_EQ(books["deliveries"]["delivered"], 2);
    EXPECT_EQ(books["imbalance"]["events"], 0);
    EXPECT_EQ(books["closed"], true);
    EXPECT_EQ(json["paths"][0]["name"], "high");
    EXPECT_EQ(json["paths"][0]["seen"], 2);
    EXPECT_EQ(json["paths"][0]["accepted"], 1);
    EXPECT_EQ(json["paths"][0]["threshold"], 5.0);
    EXPECT_EQ(json["streams"][1]["events"], 1);
    EXPECT_EQ(json["sources"][0]["used"], 3);
    EXPECT_EQ(json["sources"][1]["absent_events"], 1);
    EXPECT_EQ(json["sources"][1]["lost"], 0);
    EXPECT_EQ(json["input"]["links"][0]["endpoint"], "tcp://127.0.0.1:4321");
    EXPECT_EQ(json["input"]["links"][0]["damaged"], 4);
    EXPECT_EQ(json["connections"][0]["endpoint"], "tcp://127.0.0.1:4321");
    EXPECT_EQ(json["connections"][0]["admitted"], 2);
    EXPECT_EQ(json["connections"][0]["unlisted_key"], 5);
    EXPECT_EQ(json["connections"][0]["wrong_server_key"], 6);
    EXPECT_EQ(json["connections"][0]["not_curve"], 7);
    EXPECT_EQ(json["outputs"][0]["delivered"], 2);
    EXPECT_EQ(json["latency_ns"]["count"], 2);
    const auto& time = json["time"];
    EXPECT_NEAR(time["live_fraction"].get<double>() + time["busy_fraction"].get<double>() +
                    time["dead_fraction"].get<double>(),
                1.0, 1e-12);
}

TEST_F(RunSummary, tells_a_starter_where_the_node_listens) {
    const auto json = nlohmann::json::parse(ready_text(report_));
    EXPECT_EQ(json["metrics_port"], 8080);
    EXPECT_EQ(json["endpoints"][0], "tcp://127.0.0.1:4321");
}

// Every line of the page is a comment or `name{labels} value`; every name has help and type.
TEST_F(Metrics, are_a_page_that_prometheus_reads) {
    std::istringstream page(metrics_text(report_));
    std::map<std::string, double> values;
    std::map<std::string, int> described;
    std::string line;
    while (std::getline(page, line)) {
        if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) {
            const std::string rest = line.substr(7);
            ++described[rest.substr(0, rest.find(' '))];
            continue;
        }
        const std::size_t space = line.rfind(' ');
        ASSERT_NE(space, std::string::npos) << line;
        values[line.substr(0, space)] = std::stod(line.substr(space + 1));
        const std::string name = line.substr(0, line.find_first_of("{ "));
        const std::string stem = name.ends_with("_bucket")  ? name.substr(0, name.size() - 7)
                                 : name.ends_with("_count") ? name.substr(0, name.size() - 6)
                                 : name.ends_with("_sum")   ? name.substr(0, name.size() - 4)
                                                            : name;
        EXPECT_TRUE(described[name] == 2 || described[stem] == 2) << line;
    }
    EXPECT_EQ(values["tamis_fragments_total{class=\"malformed\"}"], 1);
    EXPECT_EQ(values["tamis_events_opened_total"], 3);
    EXPECT_EQ(values["tamis_events_total{outcome=\"accepted\"}"], 1);
    EXPECT_EQ(values["tamis_events_total{outcome=\"debug_incomplete\"}"], 1);
    EXPECT_EQ(values["tamis_books_imbalance{equation=\"events\"}"], 0);
    EXPECT_EQ(values["tamis_path_events_total{path=\"high\",result=\"accepted\"}"], 1);
    EXPECT_EQ(values["tamis_stream_events_total{stream=\"debug\"}"], 1);
    EXPECT_EQ(values["tamis_decision_latency_seconds_count"], 2);
    EXPECT_EQ(values["tamis_decision_latency_seconds_bucket{le=\"+Inf\"}"], 2);
    EXPECT_EQ(values["tamis_run_state{state=\"stopped\"}"], 1);
    const std::string at = "endpoint=\"tcp://127.0.0.1:4321\"";
    EXPECT_EQ(values["tamis_link_received_total{" + at + "}"], 20);
    EXPECT_EQ(values["tamis_link_messages_total{" + at + ",class=\"damaged\"}"], 4);
    EXPECT_EQ(values["tamis_link_cut_connections_total{" + at + "}"], 5);
    EXPECT_EQ(values["tamis_link_messages_total{" + at + ",class=\"duplicate\"}"], 2);
    EXPECT_EQ(values["tamis_link_connections_total{" + at + ",class=\"admitted\"}"], 2);
    EXPECT_EQ(values["tamis_link_connections_total{" + at + ",class=\"unlisted_key\"}"], 5);
    EXPECT_EQ(values["tamis_link_connections_total{" + at + ",class=\"unfinished\"}"], 8);
    EXPECT_EQ(values["tamis_source_absent_events_total{source=\"muons\"}"], 1);
    EXPECT_EQ(values["tamis_source_masked{source=\"muons\"}"], 0);
    EXPECT_EQ(values["tamis_source_delay_seconds_count{source=\"calorimeter\"}"], 3);
    EXPECT_EQ(values["tamis_source_delay_seconds_bucket{source=\"muons\",le=\"+Inf\"}"], 2);
    EXPECT_EQ(values["tamis_thread_busy_seconds_total{thread=\"tamis-loop\"}"], 4);
}

}  // namespace
}  // namespace tamis::daemon
