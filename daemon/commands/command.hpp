// The subcommands of `tamis`. Each adds itself to the program and, when it is the one that was
// asked for, runs and says the exit status (sysexits: 0 ok, 64 usage, 65 bad data, 66 no input, 69
// unavailable, 74 I/O, 78 bad configuration).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace tamis::daemon {

// Where a subcommand leaves its exit status.
using ExitStatus = int;

// Prints "tamis: message" to standard error and gives the status back.
ExitStatus fail(ExitStatus status, std::string_view message);

void add_check(CLI::App& program, ExitStatus& status);
void add_keys(CLI::App& program, ExitStatus& status);
void add_demo(CLI::App& program, ExitStatus& status);
void add_generate(CLI::App& program, ExitStatus& status);
void add_record(CLI::App& program, ExitStatus& status);
void add_replay(CLI::App& program, ExitStatus& status);
void add_rates(CLI::App& program, ExitStatus& status);
void add_train(CLI::App& program, ExitStatus& status);
void add_evaluate(CLI::App& program, ExitStatus& status);
void add_calibrate(CLI::App& program, ExitStatus& status);
void add_score(CLI::App& program, ExitStatus& status);
void add_explain(CLI::App& program, ExitStatus& status);
void add_novelty(CLI::App& program, ExitStatus& status);
void add_import(CLI::App& program, ExitStatus& status);
void add_import_model(CLI::App& program, ExitStatus& status);
void add_export(CLI::App& program, ExitStatus& status);
void add_repair(CLI::App& program, ExitStatus& status);
void add_export_model(CLI::App& program, ExitStatus& status);
void add_inspect(CLI::App& program, ExitStatus& status);
void add_dispatch(CLI::App& program, ExitStatus& status);
void add_audit(CLI::App& program, ExitStatus& status);
void add_bench(CLI::App& program, ExitStatus& status);

}  // namespace tamis::daemon
