#include "config/security_checks.hpp"

#include <algorithm>
#include <string>

#include "config/field_words.hpp"
#include "streams/curve_keys.hpp"

namespace tamis::config {

void check_security(TextReader& reader, const Block& block, const schema::Security& security,
                    streams::Attachment attachment, const std::filesystem::path& directory) {
    const bool binds = attachment == streams::Attachment::bind;
    const auto check = [&](const char* field, const std::string& name, const auto& read) {
        if (name.empty()) {
            return;  // told already
        }
        const auto file = (directory / name).lexically_normal();
        const auto found = read(file);
        if (!found) {
            const std::string& error = found.error();  // "what (why); what would be right"
            const std::size_t split = std::min(error.rfind("; "), error.size() - 2);
            reader.add(block, field, error.substr(0, split), error.substr(split + 2));
        }
    };
    check("secret_key", security.secret_key(), streams::read_secret_key);
    const char* wanted = binds ? "peer_keys" : "server_key";
    const char* other = binds ? "server_key" : "peer_keys";
    const bool has_wanted = binds ? security.has_peer_keys() : security.has_server_key();
    const bool has_other = binds ? security.has_server_key() : security.has_peer_keys();
    if (has_other) {
        reader.add(block, other,
                   in_quotes(other) + " is of a link that " + (binds ? "connects" : "binds") +
                       "; this one " + (binds ? "binds" : "connects"),
                   std::string("write ") + wanted + " instead");
    } else if (!has_wanted && !reader.is_damaged(block, wanted)) {
        reader.add(
            block.place,
            binds ? "it does not say who may connect" : "it does not say whom it connects to",
            binds ? "add peer_keys: \"FILE\", lines of the NAME.public of those who may"
                  : "add server_key: \"NAME.public\" of the receiver");
    }
    if (binds && has_wanted) {
        check(wanted, security.peer_keys(), streams::read_public_keys);
    } else if (has_wanted) {
        check(wanted, security.server_key(), streams::read_server_key);
    }
}

}  // namespace tamis::config
