#include "streams/curve_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <gsl/assert>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace tamis::streams {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kKeyLetters = 40;
constexpr std::size_t kMostKeyBytes = std::size_t{1} << 20;
constexpr const char* kSecretFile = "NAME.secret, as tamis keys writes it";
using KeyText = std::array<char, kKeyLetters + 1>;
constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
constexpr mode_t kEveryoneReads = kOwnerOnly | S_IRGRP | S_IROTH;

struct KeyLine {
    bool is_secret = false;
    CurveKey key{};
    std::string name;
};

tl::unexpected<std::string> key_mistake(const fs::path& file, const std::string& why,
                                        const std::string& right) {
    return tl::unexpected("key file " + file.string() + " (" + why + "); " + right);
}

std::optional<CurveKey> key_of(const std::string& letters) {
    CurveKey key{};
    if (letters.size() != kKeyLetters || zmq_z85_decode(key.data(), letters.c_str()) == nullptr) {
        return std::nullopt;
    }
    return key;
}

tl::expected<std::vector<KeyLine>, std::string> key_lines(const fs::path& file,
                                                          const std::string& text) {
    std::vector<KeyLine> keys;
    std::istringstream lines(text);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        std::istringstream words(line);
        std::string kind;
        std::string letters;
        if (!(words >> kind) || kind.front() == '#') {
            continue;
        }
        words >> letters;
        const auto key = key_of(letters);
        if ((kind != "public" && kind != "secret") || !key) {
            return key_mistake(file, "line " + std::to_string(number) + " is not a key",
                               "lines \"public KEY NAME\" or \"secret KEY NAME\", as tamis keys "
                               "writes them");
        }
        KeyLine& read = keys.emplace_back(
            KeyLine{.is_secret = kind == "secret", .key = *key, .name = std::string()});
        if (!(words >> read.name)) {
            read.name = "line-" + std::to_string(number);
        }
    }
    return keys;
}

struct KeyFileText {
    std::string text;
    mode_t mode = 0;  // of what was opened, so that nothing can be put in its place between
};

// Neither waits for a writer of a pipe nor reads without an end.
tl::expected<KeyFileText, std::string> read_key_text(const fs::path& file,
                                                     const std::string& right) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return key_mistake(file, zmq_strerror(errno), right);
    }
    struct stat facts {};
    KeyFileText found;
    std::array<char, 4096> part{};
    const bool is_file = fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
    ssize_t size = is_file ? 1 : -1;
    while (size > 0 && found.text.size() <= kMostKeyBytes) {
        size = read(descriptor, part.data(), part.size());
        found.text.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
    close(descriptor);
    if (size != 0) {
        return key_mistake(file, "no regular file, or more than 1 MiB", right);
    }
    found.mode = facts.st_mode;
    return found;
}

tl::expected<void, std::string> write_new_file(const fs::path& file, mode_t mode,
                                               const std::string& text) {
    const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0) {
        return key_mistake(file, zmq_strerror(errno),
                           errno == EEXIST ? "another name, or remove that pair first"
                                           : "a name in a folder that you may write to");
    }
    const bool is_whole = fchmod(descriptor, mode) == 0 &&
                          write(descriptor, text.data(), text.size()) == std::ssize(text) &&
                          fsync(descriptor) == 0;
    const int error = errno;
    if (close(descriptor) != 0 || !is_whole) {
        unlink(file.c_str());
        return key_mistake(file, zmq_strerror(error), "a disk with room");
    }
    return {};
}

}  // namespace

std::string to_z85(const CurveKey& key) {
    KeyText text{};
    zmq_z85_encode(text.data(), key.data(), key.size());
    return text.data();
}

CurveKey public_key_of(const CurveKey& secret) {
    KeyText text{};
    Expects(zmq_curve_public(text.data(), to_z85(secret).c_str()) == 0);
    return key_of(text.data()).value();
}

tl::expected<CurveKey, std::string> read_secret_key(const fs::path& file) {
    const auto found = read_key_text(file, kSecretFile);
    if (!found) {
        return tl::unexpected(found.error());
    }
    if ((found->mode & (S_IRWXG | S_IRWXO)) != 0) {
        return key_mistake(file, "others than its owner may read or write it",
                           "chmod 600 " + file.string());
    }
    const auto keys = key_lines(file, found->text);
    if (!keys) {
        return tl::unexpected(keys.error());
    }
    if (keys->size() != 1 || !keys->front().is_secret) {
        return key_mistake(file, "not one secret key", kSecretFile);
    }
    return keys->front().key;
}

tl::expected<std::vector<CurvePeer>, std::string> read_public_keys(const fs::path& file) {
    const auto found = read_key_text(file, "a file of lines \"public KEY NAME\"");
    if (!found) {
        return tl::unexpected(found.error());
    }
    const auto keys = key_lines(file, found->text);
    if (!keys) {
        return tl::unexpected(keys.error());
    }
    std::vector<CurvePeer> peers;
    for (const KeyLine& line : *keys) {
        if (line.is_secret) {
            return key_mistake(file, "holds the secret key of " + line.name,
                               "the lines of NAME.public; a secret stays where it was made");
        }
        const auto same = std::ranges::find(peers, line.key, &CurvePeer::key);
        if (same != peers.end()) {
            return key_mistake(file, same->name + " and " + line.name + " have the same key",
                               "each key once");
        }
        peers.push_back({.key = line.key, .name = line.name});
    }
    if (peers.empty()) {
        return key_mistake(file, "no key in it", "lines \"public KEY NAME\"");
    }
    return peers;
}

tl::expected<CurveKey, std::string> read_server_key(const fs::path& file) {
    const auto keys = read_public_keys(file);
    if (!keys) {
        return tl::unexpected(keys.error());
    }
    if (keys->size() != 1) {
        return key_mistake(file, std::to_string(keys->size()) + " keys in it",
                           "NAME.public of the one that is connected to");
    }
    return keys->front().key;
}

tl::expected<LinkSecurity, std::string> read_link_security(const KeyFiles& files,
                                                           Attachment attachment) {
    if (files.is_empty()) {
        return LinkSecurity();
    }
    const bool binds = attachment == Attachment::bind;
    const bool has_peer = binds ? !files.peer_keys.empty() : !files.server_key.empty();
    if (files.secret_key.empty() || !has_peer) {
        return tl::unexpected(
            std::string("keys are incomplete (a link that ") +
            (binds ? "binds has a secret key and those that may connect); give both"
                   : "connects has a secret key and that of its server); give both"));
    }
    const auto secret = read_secret_key(files.secret_key);
    if (!secret) {
        return tl::unexpected(secret.error());
    }
    if (binds) {
        return read_public_keys(files.peer_keys)
            .map([&](std::vector<CurvePeer>&& peers) -> LinkSecurity {
                return CurveServer{.secret = *secret, .peers = std::move(peers)};
            });
    }
    return read_server_key(files.server_key).map([&](const CurveKey& server) -> LinkSecurity {
        return CurveClient{.secret = *secret, .server = server};
    });
}

tl::expected<void, std::string> write_key_pair(const fs::path& path, const std::string& name) {
    if (name.empty() || name.find_first_of(" \t\r\n") != std::string::npos) {
        return tl::unexpected("key name \"" + name + "\" (not one word); a name without spaces");
    }
    KeyText open_key{};
    KeyText secret_key{};
    if (zmq_curve_keypair(open_key.data(), secret_key.data()) != 0) {
        return tl::unexpected(std::string("key pair (") + zmq_strerror(errno) +
                              "); a libzmq with CURVE");
    }
    const fs::path secret_file = path.string() + ".secret";
    auto written = write_new_file(secret_file, kOwnerOnly,
                                  std::string("secret ") + secret_key.data() + " " + name + "\n");
    if (!written) {
        return written;
    }
    written = write_new_file(path.string() + ".public", kEveryoneReads,
                             std::string("public ") + open_key.data() + " " + name + "\n");
    if (!written) {
        std::error_code ignored;
        fs::remove(secret_file, ignored);
    }
    return written;
}

}  // namespace tamis::streams
