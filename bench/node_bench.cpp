// The node against a bare ZeroMQ echo of the same messages, interleaved in one run: round trip of
// one event (its last fragment out, its answer back) and throughput. Round trips are measured with
// and without keep_awake, because the wake-up of a halted virtual core is most of them.
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
using tamis::bench::NodeSettings;
using tamis::bench::PeerEndpoints;
using tamis::bench::PeerProcess;
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

double round_trip_us(EventClient& client, const EventMessages& event) {
    for (std::size_t fragment = 0; fragment + 1 < event.size(); ++fragment) {
        client.send(event[fragment]);
    }
    const auto start = SteadyClock::now();
    client.send(event.back());
    client.receive();
    return std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count();
}

double percentile(std::vector<double>& values, double percent) {
    const auto rank =
        static_cast<std::ptrdiff_t>(percent / 100.0 * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + rank, values.end());
    return values[static_cast<std::size_t>(rank)];
}

struct RoundTrips {
    std::vector<double> echo;
    std::vector<double> node;
};

RoundTrips measure_round_trips(EventClient& echo, EventClient& node, EventMaker& events,
                               std::size_t blocks) {
    RoundTrips times;
    for (std::size_t block = 0; block <= blocks; ++block) {
        for (auto* peer : {&echo, &node}) {
            auto& values = peer == &echo ? times.echo : times.node;
            for (std::size_t i = 0; i < kBlock; ++i) {
                const double time = round_trip_us(*peer, events.next());
                if (block > 0) {  // the first block warms up
                    values.push_back(time);
                }
            }
        }
    }
    return times;
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

void print_round_trips(RoundTrips& times) {
    for (const double percent : {50.0, 99.0}) {
        const double echo = percentile(times.echo, percent);
        const double node = percentile(times.node, percent);
        fmt::print(
            "    p{:<4.0f} echo {:8.1f} us   node {:8.1f} us   ratio {:5.2f}   added {:7.1f} us\n",
            percent, echo, node, node / echo, node - echo);
    }
}

// One menu, with or without keep_awake: round trips, then throughput, each beside the echo.
void bench_menu(const BenchOptions& options, const std::string& menu, bool keep_awake) {
    const auto folder = std::filesystem::temp_directory_path() /
                        fmt::format("tamis-bench-{}", static_cast<int>(getpid()));
    std::filesystem::create_directories(folder);
    const auto endpoint = [&folder](const std::string& name) {
        return "ipc://" + (folder / name).string();
    };
    const PeerEndpoints echo_at{endpoint("echo-in"), endpoint("echo-out")};
    const PeerEndpoints node_at{endpoint("node-in"), endpoint("node-out")};
    const std::size_t answer_bytes = 12'000;  // about a selected event
    {
        const PeerProcess echo_process =
            tamis::bench::start_echo(echo_at, tamis::bench::kFragmentsPerEvent, answer_bytes);
        const PeerProcess node_process =
            tamis::bench::start_node(node_at, {.program = options.programs / "tamisd",
                                               .menu = options.menus / (menu + ".pbtxt"),
                                               .folder = folder,
                                               .keep_awake = keep_awake,
                                               .mode = "SHARED"});
        EventClient echo(echo_at.input, echo_at.answer);
        EventClient node(node_at.input, node_at.answer);
        EventMaker events;
        fmt::print("  menu {}, keep_awake {}\n", menu, keep_awake ? "on" : "off");
        auto times = measure_round_trips(echo, node, events, options.blocks);
        print_round_trips(times);
        std::vector<EventMessages> ready;
        for (std::size_t i = 0; i < options.throughput_events; ++i) {
            ready.push_back(events.next());
        }
        const auto echo_rate = measure_throughput(echo, ready);
        const auto node_rate = measure_throughput(node, ready);
        fmt::print(
            "    throughput: echo {:.0f} events/s, {:.0f} MB/s; node {:.0f} events/s, {:.0f} MB/s; "
            "ratio {:.2f}\n",
            echo_rate.events_per_s, echo_rate.megabytes_per_s, node_rate.events_per_s,
            node_rate.megabytes_per_s, node_rate.events_per_s / echo_rate.events_per_s);
    }
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
        "node beside a bare ZeroMQ echo (PULL, PUSH over ipc) of the same messages: four "
        "fragments\n"
        "in, one answer out; {} round trips of each, interleaved in blocks of {}\n",
        options.blocks * kBlock, kBlock);
    for (const bool keep_awake : {false, true}) {
        for (const char* menu : {"accept_all", "all_models"}) {
            bench_menu(options, menu, keep_awake);
        }
    }
    return 0;
}
