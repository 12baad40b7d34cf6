#include "daemon/network_timing/worker_scaling.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "daemon/network_timing/call_timer.hpp"
#include "daemon/network_timing/network_comparison.hpp"
#include "daemon/stage_thread.hpp"
#include "daemon/steady_time.hpp"

namespace tamis::daemon {

namespace {

constexpr int kComparisons = 5;

struct Worker {
    engine::NetworkRunner runner;
    double rows_per_s = 0;
};

void work(Worker& worker, std::uint32_t core, std::size_t batch, std::uint64_t time_ns,
          std::latch& ready) {
    static_cast<void>(pin_this_thread(core));
    worker.runner.run(batch);
    ready.arrive_and_wait();
    const std::uint64_t start = steady_clock_ns();
    std::uint64_t now = start;
    std::size_t rows = 0;
    do {
        worker.runner.run(batch);
        rows += batch;
        now = steady_clock_ns();
    } while (now - start < time_ns);
    worker.rows_per_s = static_cast<double>(rows) * 1e9 / static_cast<double>(now - start);
}

double rows_per_s(std::vector<Worker>& workers, std::size_t count,
                  const std::vector<std::uint32_t>& cores, std::size_t batch, double seconds) {
    std::latch ready(static_cast<std::ptrdiff_t>(count));
    {
        std::vector<std::jthread> threads;
        for (std::size_t one = 0; one < count; ++one) {
            threads.emplace_back(work, std::ref(workers[one]), cores[one], batch,
                                 static_cast<std::uint64_t>(seconds * 1e9), std::ref(ready));
        }
    }
    double sum = 0;
    for (std::size_t one = 0; one < count; ++one) {
        sum += workers[one].rows_per_s;
    }
    return sum;
}

double median(std::vector<double>& values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

}  // namespace

WorkerScaling measure_workers(const std::shared_ptr<const engine::Network>& network,
                              std::size_t batch, double seconds) {
    const auto cores = allowed_cores();
    if (cores.size() < 2) {
        return {};
    }
    std::vector<Worker> workers;
    for (int one = 0; one < 2; ++one) {
        Worker& worker = workers.emplace_back(Worker{engine::NetworkRunner(network)});
        for (std::size_t port = 0; port < network->inputs().size(); ++port) {
            fill_row(worker.runner.input(port), 0, port);
        }
    }
    std::vector<double> one;
    std::vector<double> two;
    for (int round = 0; round < kComparisons; ++round) {
        one.push_back(rows_per_s(workers, 1, cores, batch, seconds / kComparisons / 2));
        two.push_back(rows_per_s(workers, 2, cores, batch, seconds / kComparisons / 2));
    }
    return {.one_rows_per_s = median(one), .two_rows_per_s = median(two)};
}

}  // namespace tamis::daemon
