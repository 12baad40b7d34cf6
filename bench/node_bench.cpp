// The node against a bare ZeroMQ echo of the same messages, interleaved in one run: round trip of
// one event (its last fragment out, its answer back) and throughput. Each is measured with and
// without keep_awake, because the wake-up of a halted virtual core is most of a round trip. Usage:
// node_bench [TAMISD [MENUS]]
#include <fmt/core.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/node_peers.hpp"
#include "streams/synthetic/synthetic_source.hpp"

namespace {

using tamis::bench::NodeSettings;
using tamis::bench::PeerEndpoints;
using Nanoseconds = std::chrono::nanoseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kFragments = 4;
constexpr std::size_t kBlock = 100;           // events of one peer before the other's turn
constexpr std::size_t kDistinctEvents = 512;  // the branch predictor must not learn one event

using EventMessages = std::array<std::string, kFragments>;

std::vector<EventMessages> make_events(std::size_t count) {
    std::vector<EventMessages> events(count);
    tamis::streams::SyntheticSource source({.seed = 1});
    for (std::size_t number = 0; number < count; ++number) {
        for (std::size_t kind = 0; kind < kFragments; ++kind) {
            source.encode_fragment(1, number + 1, static_cast<tamis::streams::SourceKind>(kind),
                                   events[number][kind]);
        }
    }
    return events;
}

// One end of the client: fragments out, answers in.
class Link {
 public:
    Link(void* context, const PeerEndpoints& endpoints)
        : out_(zmq_socket(context, ZMQ_PUSH)), in_(zmq_socket(context, ZMQ_PULL)) {
        const int unlimited = 0;
        zmq_setsockopt(in_, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
        zmq_setsockopt(out_, ZMQ_LINGER, &unlimited, sizeof unlimited);
        if (zmq_bind(in_, endpoints.answer.c_str()) != 0 ||
            zmq_connect(out_, endpoints.input.c_str()) != 0) {
            fmt::print(stderr, "bench: {}\n", zmq_strerror(zmq_errno()));
            std::exit(1);
        }
        zmq_msg_init(&message_);
    }
    ~Link() {
        zmq_msg_close(&message_);
        zmq_close(out_);
        zmq_close(in_);
    }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void send(const std::string& message) { zmq_send(out_, message.data(), message.size(), 0); }
    // Size of the answer, or -1 when none came within ten seconds.
    int receive() {
        const int patience_ms = 10'000;
        zmq_setsockopt(in_, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        return zmq_msg_recv(&message_, in_, 0);
    }

 private:
    void* out_;
    void* in_;
    zmq_msg_t message_;
};

[[noreturn]] void give_up(const char* peer) {
    fmt::print(stderr, "bench: no answer from {} within 10 s\n", peer);
    std::exit(1);
}

double round_trip_us(Link& link, const EventMessages& event, const char* peer) {
    for (std::size_t fragment = 0; fragment + 1 < kFragments; ++fragment) {
        link.send(event[fragment]);
    }
    const auto start = SteadyClock::now();
    link.send(event.back());
    if (link.receive() < 0) {
        give_up(peer);
    }
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

// Event numbers go on over calls: a node takes an event once.
class EventNumbers {
 public:
    // The messages of the next event. Its number is part of the message, so events are made anew.
    const EventMessages& next() {
        if (used_ == events_.size()) {
            for (auto& event : events_) {
                ++number_;
                for (std::size_t kind = 0; kind < kFragments; ++kind) {
                    source_.encode_fragment(
                        1, number_, static_cast<tamis::streams::SourceKind>(kind), event[kind]);
                }
            }
            used_ = 0;
        }
        return events_[used_++];
    }

 private:
    tamis::streams::SyntheticSource source_{{.seed = 1}};
    std::vector<EventMessages> events_ = std::vector<EventMessages>(kDistinctEvents);
    std::size_t used_ = kDistinctEvents;
    std::uint64_t number_ = 0;
};

RoundTrips measure_round_trips(Link& echo, Link& node, EventNumbers& events, std::size_t blocks) {
    RoundTrips times;
    for (std::size_t block = 0; block < blocks + 1; ++block) {
        for (std::size_t i = 0; i < kBlock; ++i) {
            const double time = round_trip_us(echo, events.next(), "the echo");
            if (block > 0) {  // the first block warms up
                times.echo.push_back(time);
            }
        }
        for (std::size_t i = 0; i < kBlock; ++i) {
            const double time = round_trip_us(node, events.next(), "tamisd");
            if (block > 0) {
                times.node.push_back(time);
            }
        }
    }
    return times;
}

struct Throughput {
    double events_per_s = 0;
    double megabytes_per_s = 0;
};

Throughput measure_throughput(Link& link, const std::vector<EventMessages>& events,
                              const char* peer) {
    std::size_t bytes = 0;
    std::size_t answers = 0;
    const auto start = SteadyClock::now();
    constexpr std::size_t kWindow = 256;  // events under way, so that neither side's memory grows
    for (std::size_t number = 0; number < events.size(); ++number) {
        for (const auto& fragment : events[number]) {
            link.send(fragment);
            bytes += fragment.size();
        }
        if (number + 1 - answers >= kWindow) {
            if (link.receive() < 0) {
                give_up(peer);
            }
            ++answers;
        }
    }
    for (; answers < events.size(); ++answers) {
        if (link.receive() < 0) {
            give_up(peer);
        }
    }
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    return {static_cast<double>(events.size()) / seconds,
            static_cast<double>(bytes) / 1e6 / seconds};
}

void print_round_trips(const std::string& name, RoundTrips& times) {
    fmt::print("  {:<34}", name);
    for (const double percent : {50.0, 99.0}) {
        const double echo = percentile(times.echo, percent);
        const double node = percentile(times.node, percent);
        fmt::print("  p{:.0f} echo {:7.1f} us  node {:7.1f} us  ratio {:5.2f}", percent, echo, node,
                   node / echo);
    }
    fmt::print("\n");
}

}  // namespace
