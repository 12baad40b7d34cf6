// tamis rates: how often each path of a menu accepts the events of a recording: counts, rates with
// their errors, unique rates and overlaps.
#include <fmt/core.h>
#include <sysexits.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "daemon/commands/command.hpp"
#include "daemon/commands/menu_file.hpp"
#include "daemon/commands/progress.hpp"
#include "daemon/commands/replay_options.hpp"
#include "daemon/commands/text_table.hpp"
#include "daemon/rate_study.hpp"
#include "models/calibration.hpp"

namespace tamis::daemon {

namespace {

struct RatesCommand {
    ReplayOptions replay;
    double input_rate_hz = 0;
    std::filesystem::path csv;
};

class StudyObserver final : public DecisionObserver {
 public:
    explicit StudyObserver(RateStudy& study) : study_(study) {}
    void on_decision(const streams::Event& /*event*/, const streams::Decision& decision,
                     Delivery /*delivery*/) noexcept override {
        study_.add(decision);
    }

 private:
    RateStudy& study_;
};

// A count as a rate: of the input rate, or without one as a percentage of the events.
struct Rate {
    double value = 0, low = 0, high = 0;
};

Rate rate_of(std::uint64_t count, const RateStudy& study, double input_rate_hz) {
    const double unit = input_rate_hz > 0 ? input_rate_hz : 100.0;
    if (study.events() == 0) {
        return {};
    }
    const auto interval = models::clopper_pearson(count, study.events(), 0.6827);
    return {unit * static_cast<double>(count) / static_cast<double>(study.events()),
            unit * interval.low, unit * interval.high};
}

std::string error_text(const Rate& rate) {
    return fmt::format("-{:.3g} +{:.3g}", rate.value - rate.low, rate.high - rate.value);
}

void print_paths(const RateStudy& study, double input_rate_hz) {
    const std::string unit = input_rate_hz > 0 ? "Hz" : "%";
    TextTable table({"path", "prescale", "seeded", "count", "rate " + unit, "68 % interval",
                     "unique", "unique " + unit, "prescaled away"});
    for (std::size_t index = 0; index < study.menu().paths().size(); ++index) {
        const TriggerPath& path = study.menu().paths()[index];
        const auto& counts = study.path(index);
        const Rate rate = rate_of(counts.accepted, study, input_rate_hz);
        const Rate unique = rate_of(counts.unique, study, input_rate_hz);
        table.add_row({path.name, std::to_string(path.prescale.factor()),
                       std::to_string(counts.seeded), std::to_string(counts.accepted),
                       fmt::format("{:.4g}", rate.value), error_text(rate),
                       std::to_string(counts.unique), fmt::format("{:.4g}", unique.value),
                       std::to_string(counts.prescaled_away)});
    }
    const Rate total = rate_of(study.accepted(), study, input_rate_hz);
    table.add_row({"any path", "", "", std::to_string(study.accepted()),
                   fmt::format("{:.4g}", total.value), error_text(total), "", "", ""});
    fmt::print("{}", table.to_string());
}

// Row: of the events this path accepts, the share that the column's path accepts too.
void print_overlaps(const RateStudy& study) {
    const auto paths = study.menu().paths();
    std::vector<std::string> header{"overlap, % of row"};
    for (std::size_t index = 0; index < paths.size(); ++index) {
        header.push_back(fmt::format("{}", index + 1));
    }
    TextTable table(header);
    for (std::size_t row = 0; row < paths.size(); ++row) {
        std::vector<std::string> cells{fmt::format("{} {}", row + 1, paths[row].name)};
        for (std::size_t column = 0; column < paths.size(); ++column) {
            const auto own = study.overlap(row, row);
            cells.push_back(
                own == 0 ? "-"
                         : fmt::format("{:.1f}",
                                       100.0 * static_cast<double>(study.overlap(row, column)) /
                                           static_cast<double>(own)));
        }
        table.add_row(cells);
    }
    fmt::print("{}", table.to_string());
}

nlohmann::ordered_json to_json(const RateStudy& study, double input_rate_hz) {
    nlohmann::ordered_json json{{"events", study.events()},
                                {"accepted", study.accepted()},
                                {"debug", study.debug()},
                                {"unit", input_rate_hz > 0 ? "Hz" : "percent"},
                                {"paths", nlohmann::ordered_json::array()},
                                {"streams", nlohmann::ordered_json::array()},
                                {"overlaps", nlohmann::ordered_json::array()}};
    const auto paths = study.menu().paths();
    for (std::size_t index = 0; index < paths.size(); ++index) {
        const auto& counts = study.path(index);
        const Rate rate = rate_of(counts.accepted, study, input_rate_hz);
        json["paths"].push_back({{"name", paths[index].name},
                                 {"prescale", paths[index].prescale.factor()},
                                 {"seeded", counts.seeded},
                                 {"count", counts.accepted},
                                 {"unique", counts.unique},
                                 {"prescaled_away", counts.prescaled_away},
                                 {"rate", rate.value},
                                 {"rate_low", rate.low},
                                 {"rate_high", rate.high}});
        auto row = nlohmann::ordered_json::array();
        for (std::size_t other = 0; other < paths.size(); ++other) {
            row.push_back(study.overlap(index, other));
        }
        json["overlaps"].push_back(row);
    }
    const auto& names = study.menu().context().stream_names;
    for (std::size_t index = 0; index < names.size(); ++index) {
        json["streams"].push_back({{"name", names[index]}, {"count", study.stream(index)}});
    }
    return json;
}

// Columns as rate tables of trigger studies have them.
bool write_csv(const RateStudy& study, const RatesCommand& command) {
    std::ofstream file(command.csv);
    const std::string unit = command.input_rate_hz > 0 ? "Hz" : "percent";
    file << fmt::format(
        "Path,Prescale,Total Count,Total Rate ({0}),Rate Low ({0}),Rate High ({0}),"
        "Pure Count,Pure Rate ({0})\n",
        unit);
    for (std::size_t index = 0; index < study.menu().paths().size(); ++index) {
        const TriggerPath& path = study.menu().paths()[index];
        const auto& counts = study.path(index);
        const Rate rate = rate_of(counts.accepted, study, command.input_rate_hz);
        file << fmt::format("{},{},{},{},{},{},{},{}\n", path.name, path.prescale.factor(),
                            counts.accepted, rate.value, rate.low, rate.high, counts.unique,
                            rate_of(counts.unique, study, command.input_rate_hz).value);
    }
    file.flush();
    return file.good();
}

ExitStatus rates(const RatesCommand& command) {
    if (!std::filesystem::exists(command.replay.recording)) {
        return fail(EX_NOINPUT, fmt::format("{}: no such file", command.replay.recording.string()));
    }
    const auto menu = open_menu(menu_or_default(command.replay));
    if (!menu) {
        return menu.error();
    }
    RateStudy study(menu->compiled);
    StudyObserver observer(study);
    Progress progress("deciding", "events", 0);
    const auto result =
        run_recording(menu->compiled, recording_run_options(command.replay), observer,
                      [&progress](std::uint64_t done) { progress.update(done); });
    progress.finish();
    if (!result) {
        return fail(EX_DATAERR, result.error());
    }
    print_recording_end(command.replay, *result);
    if (!command.csv.empty() && !write_csv(study, command)) {
        return fail(EX_IOERR, fmt::format("{}: cannot be written", command.csv.string()));
    }
    if (command.replay.json) {
        fmt::print("{}\n", to_json(study, command.input_rate_hz).dump());
        return EX_OK;
    }
    fmt::print("menu {} on {} events of {}\n", menu->text.name, study.events(),
               command.replay.recording.string());
    print_paths(study, command.input_rate_hz);
    print_overlaps(study);
    const auto& names = menu->compiled.context().stream_names;
    TextTable streams_table({"stream", "events"});
    for (std::size_t index = 0; index < names.size(); ++index) {
        streams_table.add_row({names[index], std::to_string(study.stream(index))});
    }
    fmt::print("{}", streams_table.to_string());
    print_books(result->books.run.books);
    return EX_OK;
}

}  // namespace

void add_rates(CLI::App& program, ExitStatus& status) {
    auto* subcommand =
        program.add_subcommand("rates", "Rates of a menu on a recording, with errors and overlaps");
    auto command = std::make_shared<RatesCommand>();
    add_replay_options(*subcommand, command->replay);
    subcommand->add_option("--input-rate", command->input_rate_hz,
                           "Rate of the recorded events in Hz; without it rates are percentages");
    subcommand->add_option("--csv", command->csv, "Also write the path table to this CSV file");
    subcommand->footer(
        "Overlapping samples and prescales are counted as the node would: the interval is the\n"
        "68 % Clopper-Pearson interval of the counted fraction.\n"
        "Example:\n  tamis rates events.mcap --menu config/menus/physics.pbtxt --input-rate "
        "100000");
    subcommand->callback([command, &status] { status = rates(*command); });
}

}  // namespace tamis::daemon
