// The options by which a command says the keys of its links.
#pragma once

#include "daemon/commands/command.hpp"
#include "streams/curve_keys.hpp"

namespace tamis::daemon {

// --secret-key and --server-key: of a link that connects.
void add_client_key_options(CLI::App& command, streams::KeyFiles& files);
// --secret-key and --peer-keys: of a link that binds.
void add_server_key_options(CLI::App& command, streams::KeyFiles& files);

}  // namespace tamis::daemon
