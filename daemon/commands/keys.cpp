// tamis keys: a new pair of keys for links between machines.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <memory>

#include "daemon/commands/command.hpp"
#include "streams/curve_keys.hpp"

namespace tamis::daemon {
namespace {

ExitStatus write_keys(const std::filesystem::path& path) {
    const auto written = streams::write_key_pair(path, path.filename().string());
    if (!written) {
        return fail(EX_CANTCREAT, written.error());
    }
    fmt::print(
        "{0}.secret: stays here, for its owner alone\n"
        "{0}.public: give it to the other side\n",
        path.string());
    return EX_OK;
}

}  // namespace

void add_keys(CLI::App& program, ExitStatus& status) {
    auto* command =
        program.add_subcommand("keys", "Make a pair of keys for links between machines");
    auto path = std::make_shared<std::filesystem::path>();
    command
        ->add_option("name", *path,
                     "Of whom they are, or a path that ends so: NAME.secret and NAME.public are "
                     "written, nothing is overwritten")
        ->required();
    command->footer(
        "The side that binds lists the public keys of those who may connect, one a line; the side "
        "that connects has the server's. Key files are read at the start: a changed list needs a "
        "restart.\n"
        "Example:\n  tamis keys node && tamis keys source && cat source.public > peers\n"
        "  in the deployment: input { ... security { secret_key: \"node.secret\" peer_keys: "
        "\"peers\" } }\n"
        "  tamis generate --connect tcp://HOST:5500 --secret-key source.secret --server-key "
        "node.public");
    command->callback([path, &status] { status = write_keys(*path); });
}

}  // namespace tamis::daemon
