// A network, or anything else that scores rows, run by several peers: their answers are compared
// with the double-precision reference and with each other, then they are timed in turns.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "daemon/network_timing/call_timer.hpp"
#include "daemon/network_timing/network_peer.hpp"
#include "engine/graph.hpp"

namespace tamis::daemon {

// Largest difference of two answers over the largest answer; beyond it peers disagree.
inline constexpr double kAgreement = 1e-4;

struct PeerTimes {
    std::string peer;
    CallTimes times;
};

// One size of call and one state of the caches.
struct ComparisonRow {
    std::size_t rows = 1;
    CacheState caches = CacheState::hot;
    double fma_peak = 0;  // multiply-adds per second, measured beside
    std::vector<PeerTimes> peers;
};

struct NetworkComparison {
    std::string name;
    std::uint64_t multiply_adds = 0;  // per row
    std::vector<ComparisonRow> rows;
    double difference = 0;                   // the largest between two peers, or with the reference
    std::uint64_t digest = 0;                // of the first peer's answers, bit by bit
    std::vector<std::string> notes;          // peers left out, and why
    std::vector<std::string> disagreements;  // what must not be: see kAgreement
};

struct ComparisonOptions {
    std::vector<std::size_t> batches = {1, 8, 64, 512};
    std::vector<CacheState> caches = {CacheState::hot, CacheState::cold};
    double hot_seconds = 0.5;  // per batch, all peers together
    double cold_seconds = 0.4;
};

// For a line beside other results: half a second.
[[nodiscard]] inline ComparisonOptions short_comparison() {
    return {.batches = {1, 8, 64}, .caches = {CacheState::hot}, .hot_seconds = 0.2};
}

// The first peer is the one the others are compared with. Error: it does not take the network.
[[nodiscard]] tl::expected<NetworkComparison, std::string> compare_network(
    const std::string& name, const engine::Graph& graph, const std::vector<PeerKind>& peers,
    const ComparisonOptions& options);

// The times alone, for peers that are not meant to agree.
[[nodiscard]] tl::expected<NetworkComparison, std::string> time_network(
    const std::string& name, const engine::Graph& graph, const std::vector<PeerKind>& peers,
    const ComparisonOptions& options);

// Hot and cold rows of any contenders; the thread stays on one core meanwhile.
void time_contenders(NetworkComparison& comparison, std::size_t rows,
                     const std::vector<Contender>& contenders, const ComparisonOptions& options);

// Answers of several peers to the same rows: fills difference, digest and disagreements.
struct PeerAnswers {
    std::string peer;
    std::vector<std::vector<double>> ports;
};
void compare_answers(NetworkComparison& comparison, const PeerAnswers& first,
                     const PeerAnswers& other);
// FNV-1a over the bits of the answers.
[[nodiscard]] std::uint64_t digest_of(const PeerAnswers& answers) noexcept;

// Row `row` of an input: standard normal values, a function of row, place and port.
void fill_row(std::span<float> values, std::size_t row, std::size_t port) noexcept;

}  // namespace tamis::daemon
