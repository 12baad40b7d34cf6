// The toolbox: one program, a subcommand for each use. Standard output carries results, standard
// error progress and mistakes.
#include <sysexits.h>

#include <exception>
#include <iostream>

#include "daemon/commands/command.hpp"

int main(int argc, char** argv) {
    using namespace tamis::daemon;
    CLI::App program("Tamis: builds events from fragments, scores them, lets a menu decide.",
                     "tamis");
    program.set_version_flag("--version", TAMIS_VERSION);
    program.require_subcommand(1);
    ExitStatus status = EX_OK;
    for (const auto add :
         {add_check,    add_demo,      add_generate,     add_record,       add_replay,  add_rates,
          add_train,    add_calibrate, add_evaluate,     add_score,        add_explain, add_novelty,
          add_import,   add_export,    add_import_model, add_export_model, add_inspect, add_repair,
          add_dispatch, add_audit,     add_bench,        add_keys}) {
        add(program, status);
    }
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& mistake) {
        return program.exit(mistake) == 0 ? EX_OK : EX_USAGE;
    } catch (const std::exception& failure) {
        std::cerr << "tamis: " << failure.what() << '\n';
        return EX_SOFTWARE;
    }
    return status;
}
