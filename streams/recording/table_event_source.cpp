#include "streams/recording/table_event_source.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "streams/recording/table_rows.hpp"

namespace tamis::streams {
namespace {

// Columns pt, eta, phi and Q with that suffix.
ImportedLepton read_lepton(TableRows& rows, const std::string& suffix) {
    ImportedLepton lepton;
    const double pt = rows.number("pt" + suffix);
    if (!(pt > 0)) {
        rows.refuse("pt" + suffix, "no transverse momentum");
    }
    lepton.pt = static_cast<float>(pt);
    lepton.eta = static_cast<float>(rows.number("eta" + suffix));
    lepton.phi = static_cast<float>(rows.number("phi" + suffix));
    lepton.charge = rows.number("Q" + suffix) < 0 ? -1 : 1;
    const auto isolation = [&](const std::string& column) {
        return rows.has_column(column) ? static_cast<float>(std::max(0.0, rows.number(column) / pt))
                                       : 0.0F;
    };
    lepton.iso_charged = isolation("isoTrack" + suffix) + isolation("iso" + suffix);
    lepton.iso_photon = isolation("isoEcal" + suffix);
    lepton.iso_neutral = isolation("isoHcal" + suffix);
    return lepton;
}

bool is_same(const ImportedLepton& left, const ImportedLepton& right) {
    return left.pt == right.pt && left.eta == right.eta && left.phi == right.phi;
}

void add_once(std::vector<ImportedLepton>& leptons, const ImportedLepton& lepton) {
    if (std::none_of(leptons.begin(), leptons.end(),
                     [&](const ImportedLepton& known) { return is_same(known, lepton); })) {
        leptons.push_back(lepton);
    }
}

void read_four_leptons(TableRows& rows, ImportedEvent& event) {
    for (const std::string suffix : {"1", "2", "3", "4"}) {
        const double identifier = std::abs(rows.number("PID" + suffix));
        if (identifier != 11 && identifier != 13) {
            rows.refuse("PID" + suffix, "neither 11 (electron) nor 13 (muon)");
        }
        add_once(identifier == 11 ? event.electrons : event.muons, read_lepton(rows, suffix));
    }
}

void read_dielectron(TableRows& rows, ImportedEvent& event) {
    add_once(event.electrons, read_lepton(rows, "1"));
    add_once(event.electrons, read_lepton(rows, "2"));
}

void read_dimuon(TableRows& rows, ImportedEvent& event) {
    add_once(event.muons, read_lepton(rows, "1"));
    add_once(event.muons, read_lepton(rows, "2"));
}

void read_met(TableRows& rows, ImportedEvent& event) {
    event.met_pt = static_cast<float>(rows.number("MET"));
    event.met_phi = static_cast<float>(rows.number("phiMET"));
}

void read_w_electron(TableRows& rows, ImportedEvent& event) {
    add_once(event.electrons, read_lepton(rows, ""));
    read_met(rows, event);
}

void read_w_muon(TableRows& rows, ImportedEvent& event) {
    add_once(event.muons, read_lepton(rows, ""));
    read_met(rows, event);
}

void read_probe(TableRows& rows, ImportedEvent& event) {
    event.average_mu = static_cast<float>(rows.number("avgmu"));
    ImportedCluster& cluster = event.clusters.emplace_back();
    cluster.et = static_cast<float>(rows.number("l2_et_mev") * kGevPerMev);
    cluster.eta = static_cast<float>(rows.number("l2_eta"));
    cluster.phi = static_cast<float>(rows.number("l2_phi"));
    for (std::size_t ring = 0; ring < kRingCount; ++ring) {
        cluster.rings[ring] =
            static_cast<float>(rows.number("ring" + std::to_string(ring)) * kGevPerMev);
    }
}

struct Layout {
    void (*read_row)(TableRows& rows, ImportedEvent& event);
    std::vector<std::string> columns;  // that it needs
};

std::vector<std::string> columns_of(std::vector<std::string> columns,
                                    const std::vector<std::string>& suffixes,
                                    const std::vector<std::string>& names) {
    for (const std::string& suffix : suffixes) {
        for (const std::string& name : names) {
            columns.push_back(name + suffix);
        }
    }
    return columns;
}

Layout layout_of(TableLayout layout) {
    switch (layout) {
        case TableLayout::cms_four_lepton:
            return {read_four_leptons,
                    columns_of({}, {"1", "2", "3", "4"}, {"PID", "pt", "eta", "phi", "Q"})};
        case TableLayout::cms_dielectron:
            return {read_dielectron, columns_of({}, {"1", "2"}, {"pt", "eta", "phi", "Q"})};
        case TableLayout::cms_dimuon:
            return {read_dimuon, columns_of({}, {"1", "2"}, {"pt", "eta", "phi", "Q"})};
        case TableLayout::cms_w_electron:
            return {read_w_electron, {"pt", "eta", "phi", "Q", "MET", "phiMET"}};
        case TableLayout::cms_w_muon:
            return {read_w_muon, {"pt", "eta", "phi", "Q", "MET", "phiMET"}};
        case TableLayout::atlas_rings:
            break;
    }
    std::vector<std::string> rings;
    for (std::size_t ring = 0; ring < kRingCount; ++ring) {
        rings.push_back(std::to_string(ring));
    }
    return {read_probe, columns_of({"avgmu", "l2_et_mev", "l2_eta", "l2_phi"}, rings, {"ring"})};
}

class TableEventSource final : public EventSource {
 public:
    TableEventSource(TableRows rows, const Layout& layout, std::string run, std::string number)
        : rows_(std::move(rows)),
          read_row_(layout.read_row),
          run_(std::move(run)),
          number_(std::move(number)) {}

    std::optional<ImportedEvent> next(
        const std::function<void(const RowProblem&)>& report) override {
        while (rows_.next()) {
            std::optional<ImportedEvent> event = open_;
            const auto run = static_cast<std::uint32_t>(
                rows_.count(run_, std::numeric_limits<std::uint32_t>::max()));
            const std::uint64_t number = rows_.count(number_);
            const bool is_next = !event || event->run != run || event->number != number;
            if (is_next) {
                event.emplace();
                event->run = run;
                event->number = number;
            }
            if (!rows_.problem()) {
                read_row_(rows_, *event);
            }
            if (rows_.problem()) {
                report(*rows_.problem());  // and the event is as it was before this row
                continue;
            }
            std::swap(open_, event);
            if (is_next && event) {
                return event;
            }
        }
        return std::exchange(open_, std::nullopt);
    }

 private:
    TableRows rows_;
    void (*read_row_)(TableRows& rows, ImportedEvent& event);
    std::string run_;
    std::string number_;
    std::optional<ImportedEvent> open_;  // may get more rows
};

}  // namespace

tl::expected<std::unique_ptr<EventSource>, std::string> make_table_event_source(
    TextLines& lines, TableLayout layout) {
    TableRows rows(lines);
    Layout description = layout_of(layout);
    const auto first_of = [&](std::initializer_list<std::string> names) {
        const auto found = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
            return rows.has_column(name);
        });
        return found == names.end() ? *names.begin() : *found;
    };
    const std::string run = first_of({"Run", "RunNo", "RunNumber"});
    const std::string number = first_of({"Event", "EvNo", "EventNumber"});
    description.columns.push_back(run);
    description.columns.push_back(number);
    for (const std::string& column : description.columns) {
        if (!rows.has_column(column)) {
            return tl::unexpected(lines.path() + ":1: no column \"" + column +
                                  "\", which this layout needs; name the layout of the file");
        }
    }
    return std::make_unique<TableEventSource>(std::move(rows), description, run, number);
}

}  // namespace tamis::streams
