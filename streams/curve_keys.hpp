// Keys of links outside the machine (CURVE of ZeroMQ) and the files they are kept in: lines
// "public KEY NAME" or "secret KEY NAME", KEY in Z85, '#' begins a comment line. `tamis keys`
// writes them. Cold path; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "streams/endpoint.hpp"

namespace tamis::streams {

using CurveKey = std::array<std::uint8_t, 32>;

struct CurvePeer {
    CurveKey key{};    // public
    std::string name;  // in logs
};

// Of a link that binds: who may connect to it.
struct CurveServer {
    CurveKey secret{};
    std::vector<CurvePeer> peers;
};

// Of a link that connects.
struct CurveClient {
    CurveKey secret{};
    CurveKey server{};  // public
};

using LinkSecurity = std::variant<std::monostate, CurveServer, CurveClient>;

// All empty: no keys.
struct KeyFiles {
    std::filesystem::path secret_key;
    std::filesystem::path peer_keys;   // of a link that binds
    std::filesystem::path server_key;  // of a link that connects

    [[nodiscard]] bool is_empty() const noexcept {
        return secret_key.empty() && peer_keys.empty() && server_key.empty();
    }
};

// 40 letters.
[[nodiscard]] std::string to_z85(const CurveKey& key);
[[nodiscard]] CurveKey public_key_of(const CurveKey& secret);

// Errors are "what (why); what would be right". A secret that group or others may read is refused.
[[nodiscard]] tl::expected<CurveKey, std::string> read_secret_key(
    const std::filesystem::path& file);
// One at least; each key once.
[[nodiscard]] tl::expected<std::vector<CurvePeer>, std::string> read_public_keys(
    const std::filesystem::path& file);
// A file of exactly one.
[[nodiscard]] tl::expected<CurveKey, std::string> read_server_key(
    const std::filesystem::path& file);
// What a link with that attachment needs.
[[nodiscard]] tl::expected<LinkSecurity, std::string> read_link_security(const KeyFiles& files,
                                                                         Attachment attachment);

// A new pair: PATH.secret for its owner alone, PATH.public for all. Neither may exist. `name`
// is one word.
[[nodiscard]] tl::expected<void, std::string> write_key_pair(const std::filesystem::path& path,
                                                             const std::string& name);

}  // namespace tamis::streams
