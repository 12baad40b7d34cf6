// Events from tables: CMS leptons (CSV, or a JSON array of flat objects) and ATLAS ring sums (CSV).
// Rows of the same run and event that follow each other are one event.
//
// cms_four_lepton: PIDn 11 or 13, ptn, etan, phin, Qn for n = 1 to 4. cms_dielectron, cms_dimuon:
// pt, eta, phi, Q of two leptons a row; an event of several rows (all pairs of its leptons) has
// each lepton once; iso_charged is isoTrack (iso of muons) over pt, iso_photon isoEcal, iso_neutral
// isoHcal. cms_w_electron, cms_w_muon: one lepton, MET and phiMET. None of them has jets.
//
// atlas_rings: one probe a row, l2_et_mev, l2_eta, l2_phi (of the fast calorimeter reconstruction,
// which the ringer sees), avgmu, ring0 to ring99 in MeV; the probes of an event are its clusters,
// in the order of the file.
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "streams/recording/event_source.hpp"
#include "streams/recording/text_lines.hpp"

namespace tamis::streams {

enum class TableLayout : std::uint8_t {
    cms_four_lepton,
    cms_dielectron,
    cms_dimuon,
    cms_w_electron,
    cms_w_muon,
    atlas_rings,
};

// `lines` must outlive the source. Error: a column that the layout needs is absent.
[[nodiscard]] tl::expected<std::unique_ptr<EventSource>, std::string> make_table_event_source(
    TextLines& lines, TableLayout layout);

}  // namespace tamis::streams
