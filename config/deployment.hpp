// How a node process runs (design 3.5): endpoints, sources, limits, threads. Plain data, read from
// text by config/deployment_reader. What differs between nodes of one run is here; what must be
// equal is the menu.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "streams/curve_keys.hpp"
#include "streams/recording/chunk_codec.hpp"
#include "streams/recording/recording_policy.hpp"

namespace tamis::config {

struct SourceConfig {
    std::uint32_t id = 0;  // on the wire
    std::string name;      // in metrics and messages
};

enum class OverloadPolicy : std::uint8_t {
    back_pressure,  // stop reading: the sources wait
    shed,           // refuse new events, counted
};

enum class Delivery : std::uint8_t { best_effort, reliable };

struct InputConfig {
    std::vector<std::string> endpoints;  // bound by the node
    std::vector<SourceConfig> sources;
    std::uint32_t run = 0;                 // 0: the run of the first fragment
    std::uint64_t window_ms = 500;         // an event waits so long for its last fragment
    std::uint64_t shortest_window_ms = 0;  // the window follows the sources down to here; 0: fixed
    std::uint64_t max_message_bytes = 4U << 20;
    std::uint64_t max_event_bytes = 16U << 20;
    std::uint32_t pool_events = 8192;
    std::uint64_t pool_bytes = 1ULL << 30;
    std::uint32_t receive_high_water_mark = 1000;  // messages per peer
    std::uint64_t link_bytes = 1ULL << 30;         // unread, of all peers of an endpoint
    std::uint32_t mask_after_events = 0;           // a silent source is masked; 0: never
    OverloadPolicy overload = OverloadPolicy::back_pressure;
    Delivery delivery = Delivery::best_effort;
    bool insecure = false;  // allows endpoints that are not local without keys
    streams::KeyFiles keys;
};

enum class OutputPattern : std::uint8_t { push, publish, reliable };
enum class FullPolicy : std::uint8_t { block, drop };

struct OutputConfig {
    std::string name;
    std::string endpoint;              // connected, or bound (publish); or
    std::string recording;             // a file to write
    std::vector<std::string> streams;  // empty: all
    OutputPattern pattern = OutputPattern::push;
    FullPolicy full = FullPolicy::block;
    std::uint32_t send_high_water_mark = 1000;
    bool insecure = false;  // allows an endpoint that is not local without keys
    streams::KeyFiles keys;
    std::string spool;  // of a reliable output: files for while the receiver is away
    std::uint64_t spool_bytes = 1ULL << 30;
    std::vector<std::string> spool_drop_streams;  // may be dropped when it is full
    // Of a recording.
    streams::Durability durability = streams::Durability::none;
    std::uint64_t file_bytes = 0;    // a new file after so many; 0: never
    std::uint32_t file_seconds = 0;  // a new file after so long; 0: never
    streams::Compression compression = streams::Compression::zstd;
    streams::ExistingRecording existing = streams::ExistingRecording::refuse;
};

enum class ThreadMode : std::uint8_t { dedicated, shared };
enum class IdleStrategy : std::uint8_t { spin, yield, park };
// What a thread that is woken does to others of normal priority on its core.
enum class Waking : std::uint8_t { give_way, interrupt };

struct ThreadConfig {
    ThreadMode mode = ThreadMode::dedicated;
    std::uint32_t workers = 1;
    std::uint32_t batch = 32;  // events scored together at most
    IdleStrategy idle = IdleStrategy::park;
    std::vector<std::uint32_t>
        cpus;                 // pinned in the order receive, workers, send; empty: not pinned
    bool keep_awake = false;  // one idle-priority spinner per core
    Waking waking = Waking::give_way;
};

struct MonitoringConfig {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free port, printed at start
    bool enabled = true;
    std::string log_level = "info";
};

struct Deployment {
    std::string name;
    std::string menu;  // path of the menu, resolved against the deployment file
    InputConfig input;
    std::vector<OutputConfig> outputs;
    ThreadConfig threads;
    MonitoringConfig monitoring;
    std::string run_summary;  // file of the run summary; empty: not written
    std::uint64_t drain_timeout_ms = 5000;
    std::string ledger;  // file of the verdicts; empty: not written
};

}  // namespace tamis::config
