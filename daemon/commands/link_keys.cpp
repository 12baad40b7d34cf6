#include "daemon/commands/link_keys.hpp"

namespace tamis::daemon {
namespace {

void add_secret_key_option(CLI::App& command, streams::KeyFiles& files) {
    if (command.get_option_no_throw("--secret-key") == nullptr) {
        command.add_option("--secret-key", files.secret_key,
                           "This side's key, NAME.secret as tamis keys wrote it; tcp:// only");
    }
}

}  // namespace

void add_client_key_options(CLI::App& command, streams::KeyFiles& files) {
    add_secret_key_option(command, files);
    command.add_option("--server-key", files.server_key,
                       "NAME.public of the side that is connected to");
}

void add_server_key_options(CLI::App& command, streams::KeyFiles& files) {
    add_secret_key_option(command, files);
    command.add_option("--peer-keys", files.peer_keys,
                       "File of those who may connect: lines of their NAME.public; read once");
}

}  // namespace tamis::daemon
