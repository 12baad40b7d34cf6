#include "config/deployment_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "config/deployment_warnings.hpp"
#include "models/event_inputs.hpp"
#include "streams/curve_keys.hpp"

namespace tamis::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kFolder =
    std::filesystem::path(TAMIS_SOURCE_DIR) / "tests/config/broken";

constexpr const char* kLeast = R"(name: "node" menu: "good.menu.pbtxt"
input { endpoint: "tcp://127.0.0.1:5570" source { id: 7 name: "calorimeter" } }
output { name: "file" recording: "run/a.mcap" }
)";

std::string least_and(std::string_view more) {
    std::string text = kLeast;
    text.append(more);
    return text;
}

Deployment deployment_of(const std::string& text) {
    const auto deployment = parse_deployment(text, kFolder / "x.pbtxt", {.cpu_count = 8});
    EXPECT_TRUE(deployment) << to_string(deployment.error());
    return deployment.value_or(Deployment{});
}

std::string mistakes_of(const std::string& text) {
    const auto deployment = parse_deployment(text, kFolder / "x.pbtxt", {.cpu_count = 8});
    return deployment ? "accepted" : to_string(deployment.error());
}

// The defaults of the schema are those of the plain structs: neither may drift alone.
TEST(DeploymentReader, gives_the_defaults_of_the_plain_structs) {
    const Deployment read = deployment_of(kLeast);
    const Deployment plain;
    EXPECT_EQ(read.input.run, plain.input.run);
    EXPECT_EQ(read.input.window_ms, plain.input.window_ms);
    EXPECT_EQ(read.input.mask_after_events, plain.input.mask_after_events);
    EXPECT_EQ(read.input.max_message_bytes, plain.input.max_message_bytes);
    EXPECT_EQ(read.input.max_event_bytes, plain.input.max_event_bytes);
    EXPECT_EQ(read.input.pool_events, plain.input.pool_events);
    EXPECT_EQ(read.input.pool_bytes, plain.input.pool_bytes);
    EXPECT_EQ(read.input.receive_high_water_mark, plain.input.receive_high_water_mark);
    EXPECT_EQ(read.input.link_bytes, plain.input.link_bytes);
    EXPECT_EQ(read.input.overload, plain.input.overload);
    EXPECT_EQ(read.input.insecure, plain.input.insecure);
    const OutputConfig output;
    EXPECT_EQ(read.outputs.at(0).pattern, output.pattern);
    EXPECT_EQ(read.outputs.at(0).full, output.full);
    EXPECT_EQ(read.outputs.at(0).send_high_water_mark, output.send_high_water_mark);
    EXPECT_EQ(read.outputs.at(0).insecure, output.insecure);
    EXPECT_EQ(read.threads.mode, plain.threads.mode);
    EXPECT_EQ(read.threads.workers, plain.threads.workers);
    EXPECT_EQ(read.threads.batch, plain.threads.batch);
    EXPECT_EQ(read.threads.idle, plain.threads.idle);
    EXPECT_EQ(read.threads.cpus, plain.threads.cpus);
    EXPECT_EQ(read.threads.keep_awake, plain.threads.keep_awake);
    EXPECT_EQ(read.threads.waking, plain.threads.waking);
    EXPECT_EQ(read.monitoring.enabled, plain.monitoring.enabled);
    EXPECT_EQ(read.monitoring.address, plain.monitoring.address);
    EXPECT_EQ(read.monitoring.port, plain.monitoring.port);
    EXPECT_EQ(read.monitoring.log_level, plain.monitoring.log_level);
    EXPECT_EQ(read.run_summary, plain.run_summary);
    EXPECT_EQ(read.drain_timeout_ms, plain.drain_timeout_ms);
    EXPECT_EQ(read.input.delivery, plain.input.delivery);
    EXPECT_EQ(read.ledger, plain.ledger);
}

TEST(DeploymentReader, reads_what_makes_a_node_reliable) {
    const Deployment read = deployment_of(R"(
name: "node" menu: "good.menu.pbtxt" ledger: "run/node.ledger"
input { endpoint: "tcp://127.0.0.1:5570" source { id: 7 name: "calorimeter" } delivery: RELIABLE }
output {
  name: "a" endpoint: "tcp://127.0.0.1:5571" pattern: RELIABLE spool: "run/a" spool_bytes: 90000000
  spool_drop_stream: "physics"
}
)");
    EXPECT_EQ(read.outputs.at(0).spool, "run/a");
    EXPECT_EQ(read.outputs.at(0).spool_bytes, 90'000'000U);
    EXPECT_THAT(read.outputs.at(0).spool_drop_streams, ElementsAre("physics"));
    EXPECT_EQ(read.ledger, "run/node.ledger");
    EXPECT_EQ(read.input.delivery, Delivery::reliable);
    EXPECT_EQ(read.outputs.at(0).pattern, OutputPattern::reliable);
    EXPECT_EQ(read.outputs.at(0).full, FullPolicy::block);
}

class DeploymentWithKeys : public testing::Test {
 protected:
    DeploymentWithKeys()
        : folder_(std::filesystem::temp_directory_path() /
                  ("tamis_deployment_" + std::to_string(getpid()))) {
        std::filesystem::create_directory(folder_);
        std::filesystem::copy_file(kFolder / "good.menu.pbtxt", folder_ / "good.menu.pbtxt");
        EXPECT_TRUE(streams::write_key_pair(folder_ / "node", "node"));
        EXPECT_TRUE(streams::write_key_pair(folder_ / "peer", "peer"));
    }
    ~DeploymentWithKeys() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] auto read() const {
        return parse_deployment(R"(
name: "node" menu: "good.menu.pbtxt"
input {
  endpoint: "tcp://*:5570" source { id: 7 name: "calorimeter" }
  security { secret_key: "node.secret" peer_keys: "peer.public" }
}
output {
  name: "a" endpoint: "tcp://node7:5571" pattern: RELIABLE
  security { secret_key: "node.secret" server_key: "peer.public" }
}
)",
                                folder_ / "x.pbtxt", {.cpu_count = 8});
    }

    std::filesystem::path folder_;
};

TEST_F(DeploymentWithKeys, is_read_with_its_files_beside_it_and_warns_of_nothing) {
    const auto deployment = read();
    ASSERT_TRUE(deployment) << to_string(deployment.error());
    EXPECT_EQ(deployment->input.keys.secret_key, folder_ / "node.secret");
    EXPECT_EQ(deployment->input.keys.peer_keys, folder_ / "peer.public");
    EXPECT_TRUE(deployment->input.keys.server_key.empty());
    EXPECT_EQ(deployment->outputs.at(0).keys.server_key, folder_ / "peer.public");
    EXPECT_THAT(warnings_of(*deployment), testing::IsEmpty());
}

TEST_F(DeploymentWithKeys, is_refused_when_others_may_read_its_secret) {
    std::filesystem::permissions(folder_ / "node.secret", std::filesystem::perms::group_read,
                                 std::filesystem::perm_options::add);
    const auto deployment = read();
    ASSERT_FALSE(deployment);
    EXPECT_THAT(to_string(deployment.error()), HasSubstr("x.pbtxt:5:26: key file"));
    EXPECT_THAT(to_string(deployment.error()), HasSubstr("chmod 600"));
}

TEST(DeploymentWarnings, name_every_bound_port_that_is_open_to_anyone) {
    const Deployment open = deployment_of(R"(
name: "node" menu: "good.menu.pbtxt"
input {
  endpoint: ["tcp://*:5570", "tcp://127.0.0.1:5571", "ipc:///run/a"] insecure: true
  source { id: 7 name: "calorimeter" }
}
output { name: "a" endpoint: "tcp://0.0.0.0:5572" pattern: PUBLISH insecure: true }
output { name: "b" endpoint: "tcp://node7:5573" insecure: true }
output { name: "c" endpoint: "tcp://127.0.0.1:5574" pattern: PUBLISH }
)");
    EXPECT_THAT(warnings_of(open),
                ElementsAre(testing::AllOf(HasSubstr("input endpoint \"tcp://*:5570\" is open"),
                                           HasSubstr("tamis keys")),
                            HasSubstr("output a endpoint \"tcp://0.0.0.0:5572\" is open")));
}

TEST(DeploymentReader, reads_every_field) {
    const Deployment read = deployment_of(R"(
name: "node" menu: "good.menu.pbtxt" run_summary: "s.json" drain_timeout_ms: 700
input {
  endpoint: ["tcp://*:5570", "ipc:///run/a"] insecure: true
  source { id: 7 name: "calorimeter" } source { id: 9 name: "muons" }
  run: 3 window_ms: 20 max_message_bytes: 2048 max_event_bytes: 4096 pool_events: 5
  pool_bytes: 8192 link_bytes: 4097 receive_high_water_mark: 6 overload: SHED mask_after_events: 9
}
output { name: "a" endpoint: "tcp://node7:5571" insecure: true stream: "physics" full: DROP send_high_water_mark: 8 }
output { name: "b" endpoint: "tcp://127.0.0.1:*" pattern: PUBLISH }
output { name: "c" recording: "run/c.mcap" durability: GROUP_COMMIT file_bytes: 1000000
         file_seconds: 60 compression: LZ4 existing: CONTINUE }
threads { mode: SHARED workers: 2 batch: 4 idle: SPIN cpu: 3 keep_awake: true waking: INTERRUPT }
monitoring { enabled: false address: "::1" port: 9100 log_level: WARN }
)");
    EXPECT_EQ(read.menu, (kFolder / "good.menu.pbtxt").string());
    EXPECT_EQ(read.run_summary, "s.json");
    EXPECT_EQ(read.drain_timeout_ms, 700U);
    EXPECT_THAT(read.input.endpoints, ElementsAre("tcp://*:5570", "ipc:///run/a"));
    ASSERT_EQ(read.input.sources.size(), 2U);
    EXPECT_EQ(read.input.sources[1].id, 9U);
    EXPECT_EQ(read.input.sources[1].name, "muons");
    EXPECT_EQ(read.input.run, 3U);
    EXPECT_EQ(read.input.window_ms, 20U);
    EXPECT_EQ(read.input.mask_after_events, 9U);
    EXPECT_EQ(read.input.max_message_bytes, 2048U);
    EXPECT_EQ(read.input.max_event_bytes, 4096U);
    EXPECT_EQ(read.input.pool_events, 5U);
    EXPECT_EQ(read.input.pool_bytes, 8192U);
    EXPECT_EQ(read.input.receive_high_water_mark, 6U);
    EXPECT_EQ(read.input.link_bytes, 4097U);
    EXPECT_EQ(read.input.overload, OverloadPolicy::shed);
    EXPECT_TRUE(read.input.insecure);
    ASSERT_EQ(read.outputs.size(), 3U);
    EXPECT_EQ(read.outputs[0].endpoint, "tcp://node7:5571");
    EXPECT_EQ(read.outputs[0].full, FullPolicy::drop);
    EXPECT_EQ(read.outputs[0].send_high_water_mark, 8U);
    EXPECT_THAT(read.outputs[0].streams, ElementsAre("physics"));
    EXPECT_TRUE(read.outputs[0].insecure);
    EXPECT_EQ(read.outputs[1].pattern, OutputPattern::publish);
    EXPECT_EQ(read.outputs[1].full, FullPolicy::drop);  // the only one for PUBLISH
    EXPECT_EQ(read.outputs[2].recording, "run/c.mcap");
    EXPECT_EQ(read.outputs[2].full, FullPolicy::block);
    EXPECT_EQ(read.outputs[2].durability, streams::Durability::group_commit);
    EXPECT_EQ(read.outputs[2].file_bytes, 1'000'000U);
    EXPECT_EQ(read.outputs[2].file_seconds, 60U);
    EXPECT_EQ(read.outputs[2].compression, streams::Compression::lz4);
    EXPECT_EQ(read.outputs[2].existing, streams::ExistingRecording::continue_with);
    EXPECT_EQ(read.threads.mode, ThreadMode::shared);
    EXPECT_EQ(read.threads.workers, 2U);
    EXPECT_EQ(read.threads.batch, 4U);
    EXPECT_EQ(read.threads.idle, IdleStrategy::spin);
    EXPECT_THAT(read.threads.cpus, ElementsAre(3U));
    EXPECT_TRUE(read.threads.keep_awake);
    EXPECT_EQ(read.threads.waking, Waking::interrupt);
    EXPECT_FALSE(read.monitoring.enabled);
    EXPECT_EQ(read.monitoring.address, "::1");
    EXPECT_EQ(read.monitoring.port, 9100);
    EXPECT_EQ(read.monitoring.log_level, "warn");
}

TEST(DeploymentReader, lets_two_endpoints_have_any_free_port) {
    const std::string text = least_and(
        "output { name: \"p\" endpoint: \"tcp://127.0.0.1:*\" pattern: PUBLISH }\n"
        "output { name: \"q\" endpoint: \"tcp://127.0.0.1:*\" pattern: PUBLISH }\n");
    EXPECT_EQ(mistakes_of(text), "accepted");
}

TEST(DeploymentReader, cannot_connect_to_any_free_port) {
    const std::string text = least_and("output { name: \"p\" endpoint: \"tcp://127.0.0.1:*\" }\n");
    EXPECT_THAT(mistakes_of(text),
                HasSubstr(":4:30: endpoint \"tcp://127.0.0.1:*\" (one can bind to *"));
}

TEST(DeploymentReader, counts_processors_of_this_machine_by_default) {
    const auto first =
        parse_deployment(least_and("threads { mode: SHARED cpu: 0 }"), kFolder / "x.pbtxt");
    EXPECT_TRUE(first) << to_string(first.error());
    EXPECT_FALSE(
        parse_deployment(least_and("threads { mode: SHARED cpu: 4000000 }"), kFolder / "x.pbtxt"));
}

TEST(ReadConfiguration, gives_both_files) {
    const auto folder = std::filesystem::path(testing::TempDir()) /
                        ("tamis_read_configuration_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(kFolder / "good.menu.pbtxt", folder / "good.menu.pbtxt",
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy(kFolder / "model", folder / "model",
                          std::filesystem::copy_options::overwrite_existing |
                              std::filesystem::copy_options::recursive);
    std::ofstream(folder / "node.pbtxt") << kLeast;
    const auto both = read_configuration(
        folder / "node.pbtxt", {.quantities = models::quantity_names()}, {.cpu_count = 2});
    ASSERT_TRUE(both) << to_string(both.error());
    EXPECT_EQ(both->deployment.name, "node");
    EXPECT_EQ(both->menu.name, "test");
    EXPECT_NE(both->menu.hash, 0U);
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace tamis::config
