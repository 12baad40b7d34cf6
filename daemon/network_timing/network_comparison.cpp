#include "daemon/network_timing/network_comparison.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>

#include "daemon/network_timing/fma_peak.hpp"
#include "engine/network.hpp"
#include "engine/random.hpp"
#include "engine/reference_network.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kComparedRows = 64;
constexpr std::uint64_t kReferenceProducts = 200'000'000;  // about a second of plain loops
constexpr std::uint64_t kInputSeed = 0x7a815;
constexpr std::size_t kInputSets = 4;

using PeerSet = std::vector<std::pair<std::string, std::unique_ptr<NetworkPeer>>>;

std::vector<std::size_t> input_sizes(const engine::Graph& graph) {
    std::vector<std::size_t> sizes;
    for (const engine::GraphInput& input : graph.inputs) {
        sizes.push_back(input.row_shape.element_count());
    }
    return sizes;
}

// The peers' answers to rows [0, kComparedRows), as many at a time as their batch holds.
tl::expected<PeerAnswers, std::string> answers_of(const std::string& name, NetworkPeer& peer,
                                                  const engine::Graph& graph, std::size_t batch) {
    PeerAnswers answers{name, std::vector<std::vector<double>>(graph.outputs.size())};
    const auto sizes = input_sizes(graph);
    for (std::size_t first = 0; first < kComparedRows; first += batch) {
        for (std::size_t port = 0; port < sizes.size(); ++port) {
            for (std::size_t row = 0; row < batch; ++row) {
                fill_row(peer.input(port).subspan(row * sizes[port], sizes[port]), first + row,
                         port);
            }
        }
        if (!peer.run()) {
            return tl::unexpected(name + " refused to run a batch of " + std::to_string(batch));
        }
        for (std::size_t port = 0; port < graph.outputs.size(); ++port) {
            const auto values = peer.output(port);
            const std::size_t row_size = values.size() / batch;
            const std::size_t wanted = std::min(batch, kComparedRows - first) * row_size;
            answers.ports[port].insert(answers.ports[port].end(), values.begin(),
                                       values.begin() + static_cast<std::ptrdiff_t>(wanted));
        }
    }
    return answers;
}

// As many of the first rows as plain loops do in a second.
PeerAnswers reference_answers(const engine::Graph& graph, std::uint64_t multiply_adds) {
    const std::size_t rows = std::clamp<std::size_t>(
        kReferenceProducts / std::max<std::uint64_t>(multiply_adds, 1), 1, kComparedRows);
    std::vector<std::vector<double>> inputs;
    for (std::size_t port = 0; port < graph.inputs.size(); ++port) {
        const std::size_t size = graph.inputs[port].row_shape.element_count();
        std::vector<float> values(rows * size);
        for (std::size_t row = 0; row < rows; ++row) {
            fill_row(std::span(values).subspan(row * size, size), row, port);
        }
        inputs.emplace_back(values.begin(), values.end());
    }
    PeerAnswers answers{"the reference in double precision", {}};
    if (auto outputs = engine::evaluate_reference(graph, rows, inputs)) {
        answers.ports = std::move(*outputs);
    }
    return answers;
}

// Peers that refuse the network are noted and left out, but for the first.
tl::expected<PeerSet, std::string> make_peers(NetworkComparison& comparison,
                                              const engine::Graph& graph,
                                              const std::vector<PeerKind>& kinds,
                                              std::size_t batch) {
    PeerSet peers;
    for (const PeerKind& kind : kinds) {
        auto peer = kind.make(graph, batch);
        if (peer) {
            peers.emplace_back(kind.name, std::move(*peer));
            continue;
        }
        if (peers.empty()) {
            return tl::unexpected(peer.error());
        }
        std::string note = fmt::format("{} takes no part: {}", kind.name, peer.error());
        if (std::ranges::find(comparison.notes, note) == comparison.notes.end()) {
            comparison.notes.push_back(std::move(note));
        }
    }
    return peers;
}

std::vector<Contender> contenders_of(PeerSet& peers, const engine::Graph& graph,
                                     std::size_t batch) {
    // Drawn before any clock runs: a row's values cost more than its score.
    auto sets = std::make_shared<std::vector<std::vector<std::vector<float>>>>(kInputSets);
    const auto sizes = input_sizes(graph);
    for (std::size_t set = 0; set < kInputSets; ++set) {
        for (std::size_t port = 0; port < sizes.size(); ++port) {
            auto& values = (*sets)[set].emplace_back(batch * sizes[port]);
            for (std::size_t row = 0; row < batch; ++row) {
                fill_row(std::span(values).subspan(row * sizes[port], sizes[port]),
                         set * batch + row, port);
            }
        }
    }
    std::vector<Contender> contenders;
    for (auto& [name, peer] : peers) {
        NetworkPeer* runs = peer.get();
        contenders.push_back({.name = name,
                              .renew =
                                  [runs, sets](std::size_t turn) {
                                      const auto& set = (*sets)[turn % kInputSets];
                                      for (std::size_t port = 0; port < set.size(); ++port) {
                                          std::ranges::copy(set[port], runs->input(port).begin());
                                      }
                                  },
                              .call = [runs] { runs->run(); }});
    }
    return contenders;
}

tl::expected<void, std::string> compare_batch(NetworkComparison& comparison,
                                              const engine::Graph& graph, PeerSet& peers,
                                              std::size_t batch, const PeerAnswers& reference) {
    PeerAnswers first;
    for (auto& [name, peer] : peers) {
        auto answers =
            answers_of(fmt::format("{} in batches of {}", name, batch), *peer, graph, batch);
        if (!answers) {
            return tl::unexpected(answers.error());
        }
        if (!first.ports.empty()) {
            compare_answers(comparison, first, *answers);
            continue;
        }
        first = std::move(*answers);
        compare_answers(comparison, first, reference);
        const std::uint64_t digest = digest_of(first);
        if (comparison.digest != 0 && comparison.digest != digest) {
            comparison.disagreements.push_back(
                fmt::format("{}: other bits than in smaller batches (digest {:016x}, not {:016x})",
                            first.peer, digest, comparison.digest));
        }
        comparison.digest = digest;
    }
    return {};
}

}  // namespace

void fill_row(std::span<float> values, std::size_t row, std::size_t port) noexcept {
    for (std::size_t place = 0; place < values.size(); ++place) {
        values[place] = engine::random_normal(kInputSeed + port, row, place);
    }
}

void compare_answers(NetworkComparison& comparison, const PeerAnswers& first,
                     const PeerAnswers& other) {
    for (std::size_t port = 0; port < other.ports.size(); ++port) {
        double largest = 0;
        double difference = 0;
        for (std::size_t place = 0; place < other.ports[port].size(); ++place) {
            const double one = first.ports[port][place];
            const double two = other.ports[port][place];
            largest = std::max(largest, std::abs(one));
            // A NaN on either side is no agreement.
            difference =
                std::isnan(one - two) ? INFINITY : std::max(difference, std::abs(one - two));
        }
        const double relative = difference == 0 ? 0 : difference / std::max(largest, 1e-30);
        comparison.difference = std::max(comparison.difference, relative);
        if (!(relative <= kAgreement)) {
            comparison.disagreements.push_back(
                fmt::format("output {}: {} and {} differ by {:.2g} of the largest answer; at most "
                            "{:.0e} is agreement",
                            port, first.peer, other.peer, relative, kAgreement));
        }
    }
}

std::uint64_t digest_of(const PeerAnswers& answers) noexcept {
    std::uint64_t digest = 0xcbf29ce484222325U;
    for (const auto& port : answers.ports) {
        for (const double value : port) {
            digest =
                (digest ^ std::bit_cast<std::uint32_t>(static_cast<float>(value))) * 0x100000001b3U;
        }
    }
    return digest;
}

void time_contenders(NetworkComparison& comparison, std::size_t rows,
                     const std::vector<Contender>& contenders, const ComparisonOptions& options) {
    const PinnedToLastCore pinned;
    for (const CacheState caches : options.caches) {
        const double seconds =
            caches == CacheState::hot ? options.hot_seconds : options.cold_seconds;
        ComparisonRow row{
            .rows = rows, .caches = caches, .fma_peak = measure_fma_peak(), .peers = {}};
        const auto times = time_in_turns(contenders, caches, {.seconds = seconds});
        row.fma_peak = std::max(row.fma_peak, measure_fma_peak());
        for (std::size_t one = 0; one < contenders.size(); ++one) {
            row.peers.push_back({contenders[one].name, times[one]});
        }
        comparison.rows.push_back(std::move(row));
    }
}

tl::expected<NetworkComparison, std::string> time_network(const std::string& name,
                                                          const engine::Graph& graph,
                                                          const std::vector<PeerKind>& peers,
                                                          const ComparisonOptions& options) {
    NetworkComparison comparison;
    comparison.name = name;
    for (const std::size_t batch : options.batches) {
        auto made = make_peers(comparison, graph, peers, batch);
        if (!made) {
            return tl::unexpected(made.error());
        }
        time_contenders(comparison, batch, contenders_of(*made, graph, batch), options);
    }
    return comparison;
}

tl::expected<NetworkComparison, std::string> compare_network(const std::string& name,
                                                             const engine::Graph& graph,
                                                             const std::vector<PeerKind>& peers,
                                                             const ComparisonOptions& options) {
    const auto network = engine::Network::compile(graph, {.max_batch = 1});
    if (!network) {
        return tl::unexpected(network.error());
    }
    NetworkComparison comparison;
    comparison.name = name;
    comparison.multiply_adds = (*network)->multiply_adds();
    const PeerAnswers reference = reference_answers(graph, comparison.multiply_adds);
    for (const std::size_t batch : options.batches) {
        auto made = make_peers(comparison, graph, peers, batch);
        if (!made) {
            return tl::unexpected(made.error());
        }
        if (auto compared = compare_batch(comparison, graph, *made, batch, reference); !compared) {
            return tl::unexpected(compared.error());
        }
        time_contenders(comparison, batch, contenders_of(*made, graph, batch), options);
    }
    return comparison;
}

}  // namespace tamis::daemon
