// Physics objects from newline-delimited JSON, one event a line.
//
// cms_ispy (CMS 2012 collisions): jets are [et, eta, phi], taken as massless; no b-tag; electrons
// and global muons [pt, eta, phi, charge]; iso_charged is the sum of the tracks' pt within 0.3,
// without those within 0.015 (the lepton's own); charged hadrons are tracks farther than 0.015 from
// every lepton; time to the microsecond. Photons, tracker-only muons, cells and trigger bits are
// left.
//
// cms_heptutorial (CMS simulation): momenta [px, py, pz, E]; jets whose ID is 0 (detector noise)
// are left out; btag is d / (d + 1.74) for the tutorial's discriminant d > 0, 0 without one, so
// that 0.5 is its b-tag cut of 1.74; iso_charged is the isolation sum over pt. The file has no
// numbers: run is 1, the event number is the line's.
//
// atlas_4lep (ATLAS 2016 collisions): MeV; jet mass from energy and momentum; btag is the MV2c10
// weight w in -1..1 mapped linearly below and above the 70 % working point 0.8244, which becomes
// 0.5; iso_charged is ptcone30 / pt, iso_neutral etcone20 / pt, 0 where pile-up correction made it
// negative. Event numbers above 2^31 stand in the file as negative ones.
//
// tamis_ndjson: an export in JSON lines (event_sink.hpp).
#pragma once

#include <memory>

#include "streams/recording/event_source.hpp"
#include "streams/recording/text_lines.hpp"

namespace tamis::streams {

enum class JsonLayout : std::uint8_t { cms_ispy, cms_heptutorial, atlas_4lep, tamis_ndjson };

// `lines` must outlive the source.
[[nodiscard]] std::unique_ptr<EventSource> make_json_event_source(TextLines& lines,
                                                                  JsonLayout layout);

}  // namespace tamis::streams
