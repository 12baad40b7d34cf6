// The two that the node benchmark compares: a bare ZeroMQ process that echoes, and tamisd. Both are
// processes of their own.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include "bench/event_client.hpp"

namespace tamis::bench {

// Stops its process when destroyed.
class PeerProcess {
 public:
    explicit PeerProcess(pid_t pid) : pid_(pid) {}
    PeerProcess(PeerProcess&& other) noexcept;
    PeerProcess& operator=(PeerProcess&&) = delete;
    ~PeerProcess();

 private:
    pid_t pid_;
};

// After every kFragmentsPerEvent messages answers with one that holds their bytes. wiring: of plain
// sockets. Must be called before this process has a ZeroMQ context.
[[nodiscard]] PeerProcess start_echo(Wiring wiring, const PeerEndpoints& endpoints);

struct NodeSettings {
    std::filesystem::path program;  // tamisd
    std::filesystem::path menu;
    std::filesystem::path folder;  // for its deployment file and log
    bool keep_awake = false;
    Wiring wiring = Wiring::push_pull;  // or reliable
};

// Returns when the node is ready; exits with a message when it does not become so.
[[nodiscard]] PeerProcess start_node(const PeerEndpoints& endpoints, const NodeSettings& settings);

}  // namespace tamis::bench
