// Working points of a manifest between the text's messages and plain data. Shows Protobuf: for this
// folder only. Cold path; any thread.
#pragma once

#include "config/manifest.pb.h"
#include "models/manifest.hpp"

namespace tamis::config {

// Both structs have the same four edges.
template <typename From, typename To>
void copy_edges(const From& from, To& to) {
    to.et_low_gev = from.et_low_gev();
    to.et_high_gev = from.et_high_gev();
    to.eta_low = from.eta_low();
    to.eta_high = from.eta_high();
}

template <typename From, typename To>
void write_edges(const From& from, To& to) {
    to.set_et_low_gev(from.et_low_gev);
    to.set_et_high_gev(from.et_high_gev);
    to.set_eta_low(from.eta_low);
    to.set_eta_high(from.eta_high);
}

[[nodiscard]] models::WorkingPoint working_point_of(const schema::WorkingPoint& text);
// `text` is empty before.
void write_working_point(const models::WorkingPoint& point, schema::WorkingPoint& text);

}  // namespace tamis::config
