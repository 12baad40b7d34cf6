// Who may connect to the links of a process that have keys, and the books of who did not: the
// answers of a ZAP 1.0 handler without its socket. Keys are read once, when a link is made: another
// list needs a restart. Cold path; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "streams/curve_keys.hpp"

namespace tamis::streams {

enum class Refusal : std::uint8_t {
    unlisted_key,      // CURVE with a key that is not on the list
    wrong_server_key,  // CURVE, but meant for another server, or damaged
    not_curve,         // no CURVE at all
    unfinished,        // ended before it had said who it is; some without CURVE hang up so early
};
inline constexpr std::size_t kRefusals = 4;
[[nodiscard]] std::string_view to_string(Refusal refusal) noexcept;

struct LinkAdmissions {
    std::string endpoint;
    std::uint64_t admitted = 0;  // connections
    std::array<std::uint64_t, kRefusals> refused{};
};

struct RefusedPeer {
    std::string endpoint;
    std::string address;  // empty: gone before it could be asked
    std::string key;      // Z85, of unlisted_key; the others do not say theirs
    Refusal why = Refusal::unfinished;
    std::uint64_t times = 1;

    [[nodiscard]] bool is_as(const RefusedPeer& other) const {
        return endpoint == other.endpoint && address == other.address && key == other.key &&
               why == other.why;
    }
};

// What libzmq asks of whoever answers at inproc://zeromq.zap.01.
struct ZapRequest {
    std::string version;
    std::string domain;
    std::string address;
    std::string mechanism;
    std::string credentials;
};

struct ZapAnswer {
    std::string status;  // "200" or "400"
    std::string text;
    std::string user;  // name of the key
};

class Admission {
 public:
    // The ZAP domain of a new link, never empty.
    [[nodiscard]] std::string add_link(const std::string& endpoint, std::vector<CurvePeer> peers);
    // With the port that the system chose.
    void set_endpoint(std::string_view domain, const std::string& endpoint);

    // Whatever is not a listed key of that very link is refused.
    [[nodiscard]] ZapAnswer answer(const ZapRequest& request);
    void refuse(std::string_view domain, Refusal why, const std::string& address,
                const std::string& key = {});

    // By link, in the order of add_link().
    [[nodiscard]] std::vector<LinkAdmissions> links() const;
    // Those refused since the last call, each once; of very many the first ones (all are counted in
    // the books).
    [[nodiscard]] std::vector<RefusedPeer> take_refused();

 private:
    struct Link {
        std::string domain;
        std::vector<CurvePeer> peers;
        LinkAdmissions books;
    };
    [[nodiscard]] Link* find(std::string_view domain) noexcept;
    void note(Link& link, RefusedPeer peer);

    mutable std::mutex mutex_;
    std::vector<Link> links_;
    std::vector<RefusedPeer> refused_;
};

}  // namespace tamis::streams
