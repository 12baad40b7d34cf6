#include "streams/recording/json_event_source.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <numbers>

#include "streams/recording/json_row.hpp"
#include "streams/recording/tamis_json_event.hpp"

namespace tamis::streams {
namespace {

float narrow(double value) { return static_cast<float>(value); }

double separation(double eta_1, double phi_1, double eta_2, double phi_2) {
    return std::hypot(eta_1 - eta_2, std::remainder(phi_1 - phi_2, 2 * std::numbers::pi));
}

// Transverse momentum, pseudorapidity, azimuth and mass of [px, py, pz, E].
struct Momentum {
    double pt, eta, phi, mass;
};

Momentum momentum_of(double px, double py, double pz, double energy) {
    const double pt = std::hypot(px, py);
    const double mass_squared = energy * energy - pt * pt - pz * pz;
    return {pt, std::asinh(pz / pt), std::atan2(py, px), std::sqrt(std::max(0.0, mass_squared))};
}

void check_momentum(JsonRow& row, const char* name, std::size_t index, double pt) {
    if (!(pt > 0)) {
        row.refuse(std::string(name) + "[" + std::to_string(index) + "]", "no transverse momentum");
    }
}

std::uint32_t run_of(JsonRow& row) {
    return static_cast<std::uint32_t>(row.count("run", std::numeric_limits<std::uint32_t>::max()));
}

// "2012-Jul-04 16:35:03.254795 GMT"
std::uint64_t parse_time_ns(JsonRow& row, const std::string& text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    std::tm time{};
    std::array<char, 4> month{};
    std::array<char, 7> fraction{};
    const int fields =
        std::sscanf(text.c_str(), "%4d-%3s-%2d %2d:%2d:%2d.%6[0-9]", &time.tm_year, month.data(),
                    &time.tm_mday, &time.tm_hour, &time.tm_min, &time.tm_sec, fraction.data());
    const std::size_t place = kMonths.find(month.data());
    if (fields < 6 || place == std::string_view::npos || place % 3 != 0) {
        row.refuse("time", "not as 2012-Jul-04 16:35:03.254795 GMT");
        return 0;
    }
    time.tm_year -= 1900;
    time.tm_mon = static_cast<int>(place / 3);
    std::string micro(fraction.data());
    micro.resize(6, '0');
    return static_cast<std::uint64_t>(::timegm(&time)) * 1'000'000'000ULL +
           std::stoull(micro) * 1000ULL;
}

using Track = std::array<double, 4>;  // pt, eta, phi, charge

// Tracks this near to a lepton are its own.
constexpr double kOwnTrackCone = 0.015;
constexpr double kIsolationCone = 0.3;

std::vector<ImportedLepton> ispy_leptons(JsonRow& row, const char* name,
                                         const std::vector<Track>& tracks) {
    std::vector<ImportedLepton> leptons;
    for (const auto& [pt, eta, phi, charge] : row.table<4>(name)) {
        check_momentum(row, name, leptons.size(), pt);
        double sum = 0;
        for (const auto& [track_pt, track_eta, track_phi, track_charge] : tracks) {
            const double distance = separation(eta, phi, track_eta, track_phi);
            sum += distance > kOwnTrackCone && distance < kIsolationCone ? track_pt : 0;
        }
        ImportedLepton& lepton = leptons.emplace_back();
        lepton.pt = narrow(pt);
        lepton.eta = narrow(eta);
        lepton.phi = narrow(phi);
        lepton.charge = charge < 0 ? -1 : 1;
        lepton.iso_charged = narrow(sum / pt);
    }
    return leptons;
}

bool is_lepton_track(const Track& track, const std::vector<ImportedLepton>& leptons) {
    return std::any_of(leptons.begin(), leptons.end(), [&](const ImportedLepton& lepton) {
        return separation(track[1], track[2], lepton.eta, lepton.phi) < kOwnTrackCone;
    });
}

void read_ispy(JsonRow& row, std::uint64_t /*line*/, ImportedEvent& event) {
    event.run = run_of(row);
    event.number = row.count("event");
    event.label = row.text("dataset");
    event.timestamp_ns = parse_time_ns(row, row.text("time"));
    const auto tracks = row.table<4>("tracks");
    event.electrons = ispy_leptons(row, "ele", tracks);
    event.muons = ispy_leptons(row, "mu", tracks);
    for (const auto& [et, eta, phi] : row.table<3>("jets")) {
        check_momentum(row, "jets", event.jets.size(), et);
        event.jets.push_back({narrow(et), narrow(eta), narrow(phi), 0, 0});
    }
    const auto [met_pt, met_phi] = row.numbers<2>("met");
    event.met_pt = narrow(met_pt);
    event.met_phi = narrow(met_phi);
    event.vertices = static_cast<std::uint32_t>(row.count("nvtx", 10'000));
    for (const Track& track : tracks) {
        const bool is_lepton =
            is_lepton_track(track, event.electrons) || is_lepton_track(track, event.muons);
        event.charged_hadrons += is_lepton ? 0 : 1;
    }
}

// HEP tutorial: MyJet::IsBTagged cuts its discriminant at 1.74.
constexpr double kTutorialBtagCut = 1.74;

std::vector<ImportedLepton> tutorial_leptons(JsonRow& row, const char* name) {
    std::vector<ImportedLepton> leptons;
    for (const auto& [px, py, pz, energy, charge, isolation] : row.table<6>(name)) {
        const Momentum momentum = momentum_of(px, py, pz, energy);
        check_momentum(row, name, leptons.size(), momentum.pt);
        ImportedLepton& lepton = leptons.emplace_back();
        lepton.pt = narrow(momentum.pt);
        lepton.eta = narrow(momentum.eta);
        lepton.phi = narrow(momentum.phi);
        lepton.charge = charge < 0 ? -1 : 1;
        lepton.iso_charged = narrow(isolation / momentum.pt);
    }
    return leptons;
}

void read_heptutorial(JsonRow& row, std::uint64_t line, ImportedEvent& event) {
    event.run = 1;
    event.number = line;
    event.label = row.text("proc");
    event.electrons = tutorial_leptons(row, "el");
    event.muons = tutorial_leptons(row, "mu");
    std::size_t index = 0;
    for (const auto& [px, py, pz, energy, btag, id] : row.table<6>("jet")) {
        const Momentum momentum = momentum_of(px, py, pz, energy);
        check_momentum(row, "jet", index++, momentum.pt);
        if (id != 0) {
            event.jets.push_back({narrow(momentum.pt), narrow(momentum.eta), narrow(momentum.phi),
                                  narrow(momentum.mass),
                                  btag > 0 ? narrow(btag / (btag + kTutorialBtagCut)) : 0});
        }
    }
    const auto [met_x, met_y] = row.numbers<2>("met");
    event.met_pt = narrow(std::hypot(met_x, met_y));
    event.met_phi = narrow(std::atan2(met_y, met_x));
    event.vertices = static_cast<std::uint32_t>(row.count("npv", 10'000));
}

// ATLAS Open Data 2020: MV2c10 above this is the 70 % efficient b-tag.
constexpr double kMv2c10Cut = 0.8244273;

float map_mv2c10(double weight) {
    return narrow(weight < kMv2c10Cut ? 0.5 * (weight + 1) / (kMv2c10Cut + 1)
                                      : 0.5 + 0.5 * (weight - kMv2c10Cut) / (1 - kMv2c10Cut));
}

void read_atlas_4lep(JsonRow& row, std::uint64_t /*line*/, ImportedEvent& event) {
    event.run = run_of(row);
    event.number = row.count_or_wrapped("event");
    event.label = row.text("period");
    std::size_t index = 0;
    for (const auto& [pt, eta, phi, energy, charge, type, track_cone, energy_cone, tight] :
         row.table<9>("lep")) {
        check_momentum(row, "lep", index, pt);
        if (type != 11 && type != 13) {
            row.refuse("lep[" + std::to_string(index) + "][5]",
                       "neither 11 (electron) nor 13 (muon)");
        }
        ImportedLepton& lepton = (type == 11 ? event.electrons : event.muons).emplace_back();
        lepton.pt = narrow(pt * kGevPerMev);
        lepton.eta = narrow(eta);
        lepton.phi = narrow(phi);
        lepton.charge = charge < 0 ? -1 : 1;
        lepton.iso_charged = narrow(std::max(0.0, track_cone / pt));
        lepton.iso_neutral = narrow(std::max(0.0, energy_cone / pt));
        ++index;
    }
    for (const auto& [pt, eta, phi, energy, weight] : row.table<5>("jet")) {
        check_momentum(row, "jet", event.jets.size(), pt);
        const double momentum = pt * std::cosh(eta);
        const double mass =
            std::sqrt(std::max(0.0, (energy - momentum) * (energy + momentum))) * kGevPerMev;
        event.jets.push_back(
            {narrow(pt * kGevPerMev), narrow(eta), narrow(phi), narrow(mass), map_mv2c10(weight)});
    }
    const auto [met_pt, met_phi] = row.numbers<2>("met");
    event.met_pt = narrow(met_pt * kGevPerMev);
    event.met_phi = narrow(met_phi);
}

void read_tamis(JsonRow& row, std::uint64_t /*line*/, ImportedEvent& event) {
    read_tamis_event(row, event);
}

class JsonEventSource final : public EventSource {
 public:
    using ReadRow = void (*)(JsonRow& row, std::uint64_t line, ImportedEvent& event);
    JsonEventSource(TextLines& lines, ReadRow read_row) : lines_(lines), read_row_(read_row) {}

    std::optional<ImportedEvent> next(
        const std::function<void(const RowProblem&)>& report) override {
        while (const auto line = lines_.next()) {
            if (line->find_first_not_of(" \t") == std::string_view::npos) {
                continue;
            }
            JsonRow row(*line);
            ImportedEvent event;
            if (!row.problem()) {
                read_row_(row, lines_.line_number(), event);
            }
            if (!row.problem()) {
                return event;
            }
            RowProblem problem = *row.problem();
            problem.line = lines_.line_number();
            report(problem);
        }
        return std::nullopt;
    }

 private:
    TextLines& lines_;
    ReadRow read_row_;
};

}  // namespace

std::unique_ptr<EventSource> make_json_event_source(TextLines& lines, JsonLayout layout) {
    constexpr std::array kReaders = {read_ispy, read_heptutorial, read_atlas_4lep, read_tamis};
    return std::make_unique<JsonEventSource>(lines, kReaders[static_cast<std::size_t>(layout)]);
}

}  // namespace tamis::streams
