// The client of the node benchmark: fragments of events out, answers in, on plain ZeroMQ sockets.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace tamis::bench {

inline constexpr std::size_t kFragmentsPerEvent = 4;
using EventMessages = std::array<std::string, kFragmentsPerEvent>;  // serialised fragments

class EventClient {
 public:
    // Connects to `input`, binds `answer`. Exits with a message when it cannot.
    EventClient(const std::string& input, const std::string& answer);
    ~EventClient();
    EventClient(const EventClient&) = delete;
    EventClient& operator=(const EventClient&) = delete;

    void send(const std::string& message);
    // Waits for the next answer; exits with a message when none comes within ten seconds.
    void receive();

 private:
    struct Sockets;
    std::unique_ptr<Sockets> sockets_;
};

}  // namespace tamis::bench
