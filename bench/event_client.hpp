// The client of the node benchmark: fragments of events out, answers in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tamis::bench {

inline constexpr std::size_t kFragmentsPerEvent = 4;
using EventMessages = std::array<std::string, kFragmentsPerEvent>;  // serialised fragments

struct PeerEndpoints {
    std::string input;   // the peer binds it
    std::string answer;  // the client binds it; unused where answers come back on the input
};

enum class Wiring : std::uint8_t {
    push_pull,      // plain sockets
    dealer_router,  // plain sockets, answers on the same connection
    reliable,       // Tamis' reliable links
};

[[nodiscard]] std::string_view to_string(Wiring wiring) noexcept;

// From the last fragment to its answer.
struct RoundTrip {
    double at_sockets_us = 0;  // from before it is given to the socket until its answer is read
    double whole_us = 0;       // and what the links of source and downstream do before and after
};

class EventClient {
 public:
    // Exits with a message when it cannot connect.
    [[nodiscard]] static std::unique_ptr<EventClient> make(Wiring wiring,
                                                           const PeerEndpoints& endpoints);
    virtual ~EventClient() = default;

    virtual void send(const std::string& message) = 0;
    // Waits for the next answer; exits with a message when none comes within ten seconds.
    virtual void receive() = 0;
    // Sends an event and waits for its answer.
    [[nodiscard]] virtual RoundTrip round_trip(const EventMessages& event) = 0;
};

}  // namespace tamis::bench
