#include "bench/ringer_bank_bench.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "engine/dense_bank.hpp"
#include "engine/network.hpp"
#include "engine/random.hpp"

namespace tamis::bench {

namespace {

using daemon::Contender;
using daemon::NetworkComparison;
using daemon::NetworkPeer;
using daemon::PeerAnswers;
using daemon::PeerKind;

constexpr std::size_t kMostClusters = 10;
constexpr std::size_t kEvents = 64;
constexpr std::uint64_t kBinSeed = 0xb125;

// Rows and the network of each, for the events of one multiplicity.
struct Clusters {
    std::size_t row_size = 0;
    std::vector<float> rows;
    std::vector<std::uint32_t> bins;
};

Clusters draw_clusters(std::size_t count, std::size_t row_size, std::size_t networks) {
    Clusters clusters{row_size, std::vector<float>(count * row_size), {}};
    for (std::size_t row = 0; row < count; ++row) {
        daemon::fill_row(std::span(clusters.rows).subspan(row * row_size, row_size), row, 0);
        clusters.bins.push_back(
            static_cast<std::uint32_t>(engine::random_below(networks, kBinSeed, 0, row)));
    }
    return clusters;
}

// Scores each row by the network of its bin.
using ScoreRows =
    std::function<void(std::span<const float> rows, std::span<const std::uint32_t> network_of_row,
                       std::span<float> scores)>;

// Tamis has banks; the others have a network a bin, run cluster by cluster.
tl::expected<ScoreRows, std::string> make_bank(const PeerKind& kind,
                                               const std::vector<engine::Graph>& graphs) {
    if (kind.name == daemon::kTamis) {
        auto bank = engine::DenseBank::make(graphs);
        if (!bank) {
            return tl::unexpected(bank.error());
        }
        return [bank = *bank](
                   std::span<const float> rows, std::span<const std::uint32_t> network_of_row,
                   std::span<float> scores) { bank->score(rows, network_of_row, scores); };
    }
    auto networks = std::make_shared<std::vector<std::unique_ptr<NetworkPeer>>>();
    for (const engine::Graph& graph : graphs) {
        auto peer = kind.make(graph, 1);
        if (!peer) {
            return tl::unexpected(peer.error());
        }
        networks->push_back(std::move(*peer));
    }
    return [networks](std::span<const float> rows, std::span<const std::uint32_t> network_of_row,
                      std::span<float> scores) {
        const std::size_t row_size = rows.size() / network_of_row.size();
        for (std::size_t row = 0; row < network_of_row.size(); ++row) {
            NetworkPeer& network = *(*networks)[network_of_row[row]];
            std::ranges::copy(rows.subspan(row * row_size, row_size), network.input(0).begin());
            network.run();
            scores[row] = network.output(0)[0];
        }
    };
}

using Banks = std::vector<std::pair<std::string, ScoreRows>>;

void compare_scores(NetworkComparison& comparison, const Banks& banks, const Clusters& clusters) {
    PeerAnswers first;
    for (const auto& [name, bank] : banks) {
        std::vector<float> scores(clusters.bins.size());
        bank(clusters.rows, clusters.bins, scores);
        const PeerAnswers answers{name, {std::vector<double>(scores.begin(), scores.end())}};
        if (first.ports.empty()) {
            first = answers;
            comparison.digest = daemon::digest_of(answers);
        } else {
            daemon::compare_answers(comparison, first, answers);
        }
    }
}

// Every call scores the next event.
Contender contender_of(const std::string& name, const ScoreRows& bank, const Clusters& clusters,
                       std::size_t candidates) {
    auto event = std::make_shared<std::size_t>(0);
    auto scores = std::make_shared<std::vector<float>>(candidates);
    return {.name = name,
            .renew = [event](std::size_t turn) { *event = turn % kEvents; },
            .call =
                [&bank, &clusters, candidates, event, scores] {
                    const std::size_t first = *event * candidates;
                    bank(std::span(clusters.rows)
                             .subspan(first * clusters.row_size, candidates * clusters.row_size),
                         std::span(clusters.bins).subspan(first, candidates), *scores);
                    *event = (*event + 1) % kEvents;
                }};
}

}  // namespace

tl::expected<NetworkComparison, std::string> compare_banks(
    const std::string& name, const std::vector<engine::Graph>& networks,
    const std::vector<PeerKind>& peers, const daemon::ComparisonOptions& options) {
    const auto one = engine::Network::compile(networks.front(), {.max_batch = 1});
    if (!one) {
        return tl::unexpected(one.error());
    }
    NetworkComparison comparison;
    comparison.name = name;
    comparison.multiply_adds = (*one)->multiply_adds();
    Banks banks;
    for (const PeerKind& kind : peers) {
        auto bank = make_bank(kind, networks);
        if (bank) {
            banks.emplace_back(kind.name, std::move(*bank));
        } else if (banks.empty()) {
            return tl::unexpected(bank.error());
        } else {
            comparison.notes.push_back(kind.name + " takes no part: " + bank.error());
        }
    }
    const Clusters clusters =
        draw_clusters(kEvents * kMostClusters, (*one)->inputs()[0].row_size, networks.size());
    compare_scores(comparison, banks, clusters);
    for (const std::size_t candidates : {std::size_t{1}, std::size_t{4}, kMostClusters}) {
        std::vector<Contender> contenders;
        for (const auto& [peer, bank] : banks) {
            contenders.push_back(contender_of(peer, bank, clusters, candidates));
        }
        daemon::time_contenders(comparison, candidates, contenders, options);
    }
    return comparison;
}

}  // namespace tamis::bench
