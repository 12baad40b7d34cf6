// Memory taken while a warm network runs. operator new of the whole process is counted here; who
// called it is told apart by the return address, for oneDNN's execute takes small objects of its
// own.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include "engine/network.hpp"
#include "engine/trainable_network.hpp"
#include "tests/engine/test_networks.hpp"

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> ours{0};
std::atomic<std::size_t> of_library{0};

void count(const void* caller) {
    if (!counting.exchange(false)) return;  // not while dladdr works
    Dl_info where{};
    const bool library = dladdr(caller, &where) != 0 && where.dli_fname != nullptr &&
                         std::strstr(where.dli_fname, "libdnnl") != nullptr;
    ++(library ? of_library : ours);
    counting = true;
}

void* taken(std::size_t bytes, std::size_t alignment, const void* caller) {
    count(caller);
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

}  // namespace

// Inlined into GoogleTest's factories these pairs look mismatched to the compiler.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

void* operator new(std::size_t bytes) {
    return taken(bytes, alignof(std::max_align_t), __builtin_return_address(0));
}
void* operator new[](std::size_t bytes) {
    return taken(bytes, alignof(std::max_align_t), __builtin_return_address(0));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return taken(bytes, static_cast<std::size_t>(alignment), __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tamis::engine {
namespace {

std::vector<test::NamedGraph> all_networks() {
    std::vector<test::NamedGraph> all = test::dense_networks();
    for (auto& more : test::convolution_networks()) all.push_back(std::move(more));
    for (auto& more : test::layer_networks()) all.push_back(std::move(more));
    return all;
}

TEST(Allocation, a_warm_network_takes_no_memory_of_ours) {
    for (const auto& [name, graph] : test::all_networks()) {
        SCOPED_TRACE(name);
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value());
        NetworkRunner runner(*network);
        for (std::size_t rows = 1; rows <= 64; ++rows) (void)runner.run(rows);
        ours = of_library = 0;
        counting = true;
        for (std::size_t rows = 1; rows <= 64; ++rows) (void)runner.run(rows);
        counting = false;
        EXPECT_EQ(ours, 0U);
    }
    std::cout << "oneDNN's own in the last network, 64 runs: " << of_library << "\n";
}

TEST(Allocation, a_warm_training_step_takes_no_memory_of_ours) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        auto network = TrainableNetwork::create(graph, {8});
        ASSERT_TRUE(network.has_value()) << network.error();
        Optimizer adam({.learning_rate = 1e-3F});
        const auto step = [&] {
            (void)(*network)->forward(8);
            (void)(*network)->backward();
            adam.step((*network)->parameters());
        };
        step();
        ours = 0;
        counting = true;
        for (int i = 0; i < 5; ++i) step();
        counting = false;
        EXPECT_EQ(ours, 0U);
    }
}

TEST(Network, gives_the_same_bits_on_two_threads_that_share_it) {
    for (const auto& [name, graph] : all_networks()) {
        SCOPED_TRACE(name);
        const auto network = Network::compile(graph);
        ASSERT_TRUE(network.has_value());
        const auto scores = [&](std::size_t batch) {
            NetworkRunner runner(*network);
            std::vector<float> all;
            for (std::size_t first = 0; first < 60; first += batch) {
                for (std::size_t port = 0; port < (*network)->inputs().size(); ++port) {
                    const std::size_t size = (*network)->inputs()[port].row_size;
                    const auto rows = test::random_rows(60 * size, port);
                    for (std::size_t i = 0; i < batch * size; ++i) {
                        runner.input(port)[i] = static_cast<float>(rows[first * size + i]);
                    }
                }
                EXPECT_EQ(runner.run(batch), RunStatus::ok);
                const std::size_t size = (*network)->outputs()[0].row_size;
                const auto part = runner.output(0).first(batch * size);
                all.insert(all.end(), part.begin(), part.end());
            }
            return all;
        };
        std::vector<float> by_twelve;
        std::vector<float> by_five;
        std::thread one([&] { by_twelve = scores(12); });
        std::thread two([&] { by_five = scores(5); });
        one.join();
        two.join();
        ASSERT_EQ(by_twelve.size(), by_five.size());
        EXPECT_EQ(std::memcmp(by_twelve.data(), by_five.data(), by_five.size() * sizeof(float)), 0);
    }
}

}  // namespace
}  // namespace tamis::engine
