// Nodes against bare ZeroMQ echoes of the same messages, interleaved in one run: round trip of
// one event (its last fragment out, its answer back) and throughput. The clock stands at the
// sockets, for all alike; what the reliable links of source and downstream do beyond that is told
// in a line of its own. Round trips are measured with and without keep_awake, because the wake-up
// of a halted virtual core is most of them.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench/event_client.hpp"
#include "bench/node_peers.hpp"
#include "streams/synthetic/synthetic_source.hpp"

namespace {

using tamis::bench::EventClient;
using tamis::bench::EventMessages;
using tamis::bench::PeerEndpoints;
using tamis::bench::PeerProcess;
using tamis::bench::RoundTrip;
using tamis::bench::Wiring;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBlock = 100;   // events of one peer before the other's turn
constexpr std::size_t kWindow = 256;  // events under way in a throughput run

struct BenchOptions {
    std::filesystem::path programs;  // where tamisd lies
    std::filesystem::path menus;
    std::size_t blocks = 20;
    std::size_t throughput_events = 20'000;
};

// New events on and on: a node takes an event once. Made outside of what is timed.
class EventMaker {
 public:
    const EventMessages& next() {
        ++number_;
        for (std::size_t kind = 0; kind < messages_.size(); ++kind) {
            source_.encode_fragment(
                1, number_, static_cast<tamis::streams::SyntheticDetector>(kind), messages_[kind]);
        }
        return messages_;
    }

 private:
    tamis::streams::SyntheticSource source_{tamis::streams::SyntheticConfig{}};
    EventMessages messages_;
    std::uint64_t number_ = 0;
};

double percentile(std::vector<double>& values, double percent) {
    const auto rank =
        static_cast<std::ptrdiff_t>(percent / 100.0 * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

struct Peer {
    std::string name;
    PeerEndpoints at;
    Wiring wiring;
    std::vector<double> at_sockets_us = {};
    std::vector<double> whole_us = {};
    std::unique_ptr<EventClient> client = nullptr;
};

void measure_block(Peer& peer, EventMaker& events) {
    for (std::size_t i = 0; i < kBlock; ++i) {
        const RoundTrip time = peer.client->round_trip(events.next());
        peer.at_sockets_us.push_back(time.at_sockets_us);
        peer.whole_us.push_back(time.whole_us);
    }
}

void measure_round_trips(std::vector<Peer>& peers, EventMaker& events, std::size_t blocks) {
    for (std::size_t block = 0; block <= blocks; ++block) {
        for (Peer& peer : peers) {
            measure_block(peer, events);
            if (block == 0) {  // it warms up
                peer.at_sockets_us.clear();
                peer.whole_us.clear();
            }
        }
    }
}

// Events per second, and payload in MB/s, of events that are all ready before the clock starts.
struct Throughput {
    double events_per_s = 0;
    double megabytes_per_s = 0;
};

Throughput measure_throughput(EventClient& client, const std::vector<EventMessages>& events) {
    std::size_t bytes = 0;
    std::size_t answers = 0;
    const auto start = SteadyClock::now();
    for (std::size_t number = 0; number < events.size(); ++number) {
        for (const auto& fragment : events[number]) {
            client.send(fragment);
            bytes += fragment.size();
        }
        if (number + 1 - answers >= kWindow) {
            client.receive();
            ++answers;
        }
    }
    for (; answers < events.size(); ++answers) {
        client.receive();
    }
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    return {static_cast<double>(events.size()) / seconds,
            static_cast<double>(bytes) / 1e6 / seconds};
}

// The two echoes come first.
void print_peers(std::vector<Peer>& peers, const std::vector<Throughput>& rates) {
    fmt::print("    {:<22} {:>8} {:>8} {:>13} {:>11} {:>10} {:>7}\n", "", "p50 us", "p99 us",
               "p50 : D/R", "p50 : P/P", "events/s", "MB/s");
    const double pipeline_us = percentile(peers[0].at_sockets_us, 50);
    const double router_us = percentile(peers[1].at_sockets_us, 50);
    const auto times = [&](std::string_view name, std::vector<double>& times_us) {
        const double p50 = percentile(times_us, 50);
        fmt::print("    {:<22} {:>8.1f} {:>8.1f} {:>13.2f} {:>11.2f}", name, p50,
                   percentile(times_us, 99), p50 / router_us, p50 / pipeline_us);
    };
    for (std::size_t i = 0; i < peers.size(); ++i) {
        times(peers[i].name, peers[i].at_sockets_us);
        fmt::print(" {:>10.0f} {:>7.0f}\n", rates[i].events_per_s, rates[i].megabytes_per_s);
        if (peers[i].wiring == Wiring::reliable) {
            times("  and its clients' work", peers[i].whole_us);
            fmt::print("\n");
        }
    }
}

// One menu, with or without keep_awake: round trips, then throughput, of the nodes beside the
// echoes.
void bench_menu(const BenchOptions& options, const std::string& menu, bool keep_awake) {
    const auto folder = std::filesystem::temp_directory_path() /
                        fmt::format("tamis-bench-{}", static_cast<int>(getpid()));
    const auto make_peer = [&folder](const std::string& kind, Wiring wiring) {
        const auto home = folder / fmt::format("{}-{}", kind, static_cast<int>(wiring));
        std::filesystem::create_directories(home);
        return Peer{.name = fmt::format("{} {}", kind, tamis::bench::to_string(wiring)),
                    .at = {"ipc://" + (home / "in").string(), "ipc://" + (home / "out").string()},
                    .wiring = wiring};
    };
    std::vector<Peer> peers;
    std::vector<PeerProcess> processes;
    for (const Wiring wiring : {Wiring::push_pull, Wiring::dealer_router}) {
        peers.push_back(make_peer("echo", wiring));
        processes.push_back(tamis::bench::start_echo(wiring, peers.back().at));
    }
    for (const Wiring wiring : {Wiring::push_pull, Wiring::reliable}) {
        peers.push_back(make_peer("node", wiring));
        processes.push_back(tamis::bench::start_node(
            peers.back().at, {.program = options.programs / "tamisd",
                              .menu = options.menus / (menu + ".pbtxt"),
                              .folder = folder / fmt::format("node-{}", static_cast<int>(wiring)),
                              .keep_awake = keep_awake,
                              .wiring = wiring}));
    }
    for (Peer& peer : peers) {
        peer.client = EventClient::make(peer.wiring, peer.at);
    }
    EventMaker events;
    measure_round_trips(peers, events, options.blocks);
    std::vector<EventMessages> ready;
    for (std::size_t i = 0; i < options.throughput_events; ++i) {
        ready.push_back(events.next());
    }
    std::vector<Throughput> rates;
    rates.reserve(peers.size());
    for (const Peer& peer : peers) {
        rates.push_back(measure_throughput(*peer.client, ready));
    }
    fmt::print("  menu {}, keep_awake {}\n", menu, keep_awake ? "on" : "off");
    print_peers(peers, rates);
    peers.clear();
    processes.clear();
    std::filesystem::remove_all(folder);
}

}  // namespace

// node_bench PROGRAMS MENUS [BLOCKS [EVENTS]]
int main(int argc, char** argv) {
    if (argc < 3) {
        fmt::print(stderr,
                   "usage: node_bench FOLDER_OF_TAMISD FOLDER_OF_MENUS [BLOCKS [EVENTS]]\n");
        return 64;
    }
    BenchOptions options;
    options.programs = argv[1];
    options.menus = argv[2];
    if (argc > 3) {
        options.blocks = std::strtoul(argv[3], nullptr, 10);
    }
    if (argc > 4) {
        options.throughput_events = std::strtoul(argv[4], nullptr, 10);
    }
    fmt::print(
        "nodes beside bare ZeroMQ echoes (over ipc) of the same messages: four fragments in, one\n"
        "answer out; {} round trips of each, interleaved in blocks of {}; ratios to the echo by\n"
        "DEALER/ROUTER (D/R) and by PUSH/PULL (P/P)\n",
        options.blocks * kBlock, kBlock);
    for (const bool keep_awake : {false, true}) {
        for (const char* menu : {"accept_all", "all_models"}) {
            bench_menu(options, menu, keep_awake);
        }
    }
    return 0;
}
