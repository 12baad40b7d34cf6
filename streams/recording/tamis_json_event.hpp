// An event of an export in JSON lines (make_json_event_sink): what it holds besides the decision
// becomes the same event again.
#pragma once

#include "streams/recording/imported_event.hpp"
#include "streams/recording/json_row.hpp"

namespace tamis::streams {

void read_tamis_event(JsonRow& row, ImportedEvent& event);

}  // namespace tamis::streams
