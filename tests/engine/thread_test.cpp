// Threads: oneDNN's team stays at one thread whichever call of the engine a thread makes first, and
// workers that share a network get the bits of one that works alone.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <latch>
#include <thread>

#include "engine/loss.hpp"
#include "engine/network.hpp"
#include "engine/trainable_network.hpp"
#include "engine/trainer.hpp"
#include "tests/engine/test_networks.hpp"

namespace tamis::engine {
namespace {

std::vector<test::NamedGraph> all_networks() {
    std::vector<test::NamedGraph> all = test::dense_networks();
    for (auto& more : test::convolution_networks()) all.push_back(std::move(more));
    for (auto& more : test::layer_networks()) all.push_back(std::move(more));
    return all;
}

std::size_t threads_of_process() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// 0: oneDNN runs without OpenMP.
int default_team() {
    using GetThreads = int (*)();
    const auto get = reinterpret_cast<GetThreads>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    return get == nullptr ? 0 : get();
}

// A thread that was joined is still listed for a moment; counted, it would hide one that is made.
void wait_for_joined_threads() {
    constexpr std::size_t kMainAndThisOne = 2;
    for (int i = 0; i < 1000 && threads_of_process() > kMainAndThisOne; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// How many threads a call makes that is the first one of its thread. A team lives as long as the
// thread that made it, so the count is taken there.
std::size_t threads_made_by(const std::function<void()>& call) {
    std::size_t made = 0;
    std::thread fresh([&] {
        wait_for_joined_threads();
        const std::size_t before = threads_of_process();
        call();
        made = threads_of_process() - before;
    });
    fresh.join();
    return made;
}

struct NamedCall {
    const char* name;
    std::function<void()> make;
};

// Every call of the engine that creates or executes primitives, in an order in which each finds
// what the ones before it made.
struct Calls {
    explicit Calls(const Graph& of)
        : graph(of), targets(kRows * check_graph(of)->at(of.outputs[0]).element_count(), 1.F) {
        for (const GraphInput& input : graph.inputs) {
            inputs.emplace_back(kRows * input.row_shape.element_count(), 0.5F);
        }
        data.rows = kRows;
        data.target = targets;
        data.inputs.assign(inputs.begin(), inputs.end());
    }

    std::vector<NamedCall> list() {
        return {
            {"Network::compile", [this] { network = *Network::compile(graph); }},
            {"NetworkRunner", [this] { runner = std::make_unique<NetworkRunner>(network); }},
            {"run", [this] { (void)runner->run(64); }},
            {"TrainableNetwork::create",
             [this] {
                 trainable = *TrainableNetwork::create(graph, {kRows, true, 5});
             }},
            {"forward", [this] { (void)trainable->forward(kRows); }},
            {"forward in evaluation",
             [this] { (void)trainable->forward(kRows, ForwardMode::evaluation); }},
            {"backward", [this] { (void)trainable->backward(); }},
            {"train", [this] {
                 (void)train(*trainable, optimizer, MeanSquaredError(), {data, {}}, {.epochs = 1});
             }}};
    }

    static constexpr std::size_t kRows = 64;
    Graph graph;
    std::vector<std::vector<float>> inputs;
    std::vector<float> targets;
    Dataset data;
    std::shared_ptr<const Network> network;
    std::unique_ptr<NetworkRunner> runner;
    std::unique_ptr<TrainableNetwork> trainable;
    Optimizer optimizer{{.learning_rate = 1e-3F}};
};

// Runs in a process of its own, for OpenMP reads its environment once. Exit status: 0 as it should
// be, 1 a team was made, 2 the environment had no effect, which would prove nothing.
[[noreturn]] void count_teams() {
    int team = 0;
    std::thread([&] { team = default_team(); }).join();
    if (team != 0 && team != 4) std::exit(2);
    int status = 0;
    for (const auto& [name, graph] : all_networks()) {
        Calls calls(graph);
        for (const NamedCall& call : calls.list()) {
            const std::size_t made = threads_made_by(call.make);
            if (made == 0) continue;
            std::cerr << name << ": " << call.name << " made " << made << " threads\n";
            status = 1;
        }
    }
    std::exit(status);
}

TEST(Threads, no_first_call_of_a_thread_makes_a_team) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";  // starts the program again
    const char* given = std::getenv("OMP_NUM_THREADS");
    const std::string before = given == nullptr ? "" : given;
    ::setenv("OMP_NUM_THREADS", "4", 1);
    EXPECT_EXIT(count_teams(), testing::ExitedWithCode(0), "");
    if (given == nullptr) {
        ::unsetenv("OMP_NUM_THREADS");
    } else {
        ::setenv("OMP_NUM_THREADS", before.c_str(), 1);
    }
}

constexpr std::size_t kRows = 60;
using Ports = std::vector<std::vector<float>>;

Ports rows_for(const Network& network) {
    Ports rows;
    for (const NetworkPort& port : network.inputs()) {
        const auto values = test::random_rows(kRows * port.row_size, rows.size());
        rows.emplace_back(values.begin(), values.end());
    }
    return rows;
}

// All output ports of all rows, scored in calls of this many.
Ports scores(const std::shared_ptr<const Network>& network, const Ports& inputs,
             std::size_t batch) {
    NetworkRunner runner(network);
    Ports all(network->outputs().size());
    for (std::size_t first = 0; first < kRows; first += batch) {
        const std::size_t rows = std::min(batch, kRows - first);
        for (std::size_t port = 0; port < inputs.size(); ++port) {
            const std::size_t size = network->inputs()[port].row_size;
            const auto part = std::span(inputs[port]).subspan(first * size, rows * size);
            std::ranges::copy(part, runner.input(port).begin());
        }
        EXPECT_EQ(runner.run(rows), RunStatus::ok);
        for (std::size_t port = 0; port < all.size(); ++port) {
            const auto part = runner.output(port).first(rows * network->outputs()[port].row_size);
            all[port].insert(all[port].end(), part.begin(), part.end());
        }
    }
    return all;
}

TEST(Threads, workers_that_share_a_network_get_the_bits_of_one_alone) {
    constexpr std::array<std::size_t, 4> kBatches = {5, 12, 1, 60};
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value()) << network.error();
        const Ports inputs = rows_for(**network);
        const Ports alone = scores(*network, inputs, kRows);
        std::array<Ports, kBatches.size()> together;
        std::latch start(kBatches.size());
        std::vector<std::thread> workers;
        for (std::size_t worker = 0; worker < kBatches.size(); ++worker) {
            workers.emplace_back([&, worker] {
                start.arrive_and_wait();
                together.at(worker) = scores(*network, inputs, kBatches.at(worker));
            });
        }
        for (std::thread& worker : workers) worker.join();
        for (const Ports& by_worker : together) {
            for (std::size_t port = 0; port < alone.size(); ++port) {
                ASSERT_EQ(by_worker[port].size(), alone[port].size());
                EXPECT_EQ(std::memcmp(by_worker[port].data(), alone[port].data(),
                                      alone[port].size() * sizeof(float)),
                          0);
            }
        }
    }
}

}  // namespace
}  // namespace tamis::engine
