#include "daemon/network_timing/network_load.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "daemon/network_timing/call_timer.hpp"
#include "daemon/steady_time.hpp"
#include "engine/onnx_writer.hpp"

namespace tamis::daemon {

namespace {

[[noreturn]] void load_in_child(const PeerKind& peer, const std::string& onnx,
                                const engine::Graph& graph, int answer) {
    const PinnedToLastCore pinned;
    const std::uint64_t start = steady_clock_ns();
    const bool scored = peer.load_and_score(onnx, graph);
    const std::uint64_t spent_ns = scored ? steady_clock_ns() - start : 0;
    const bool told = write(answer, &spent_ns, sizeof spent_ns) == sizeof spent_ns;
    _exit(told ? 0 : 1);  // no destructors: the parent's objects are not ours to end
}

std::optional<double> load_once_ms(const PeerKind& peer, const std::string& onnx,
                                   const engine::Graph& graph) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) {
        return std::nullopt;
    }
    const pid_t child = fork();
    if (child == 0) {
        load_in_child(peer, onnx, graph, ends[1]);
    }
    close(ends[1]);
    std::uint64_t spent_ns = 0;
    const bool told =
        child > 0 && read(ends[0], &spent_ns, sizeof spent_ns) == sizeof spent_ns && spent_ns > 0;
    close(ends[0]);
    if (child > 0) {
        waitpid(child, nullptr, 0);
    }
    return told ? std::optional(static_cast<double>(spent_ns) / 1e6) : std::nullopt;
}

}  // namespace

std::vector<LoadTime> measure_load(const engine::Graph& graph, const std::vector<PeerKind>& peers,
                                   std::size_t repetitions) {
    const auto onnx = engine::write_onnx(graph);
    std::vector<std::vector<double>> times(peers.size());
    for (std::size_t repetition = 0; onnx && repetition < repetitions; ++repetition) {
        for (std::size_t one = 0; one < peers.size(); ++one) {
            if (const auto spent = load_once_ms(peers[one], *onnx, graph)) {
                times[one].push_back(*spent);
            }
        }
    }
    std::vector<LoadTime> loads;
    for (std::size_t one = 0; one < peers.size(); ++one) {
        std::ranges::sort(times[one]);
        loads.push_back(
            {peers[one].name, times[one].empty() ? 0 : times[one][times[one].size() / 2]});
    }
    return loads;
}

}  // namespace tamis::daemon
