// The columns of the tables of events in an HDF5 file, for who writes and who reads them.
#pragma once

#include <string>
#include <vector>

#include "streams/recording/hdf5_tables.hpp"
#include "streams/recording/imported_event.hpp"

namespace tamis::streams {

// What an import needs of the table "events"; an export adds the decision.
[[nodiscard]] inline std::vector<TableColumn> event_content_columns() {
    return {{"run", ColumnType::u32},
            {"event", ColumnType::u64},
            {"timestamp_ns", ColumnType::u64},
            {"met_pt", ColumnType::f32},
            {"met_phi", ColumnType::f32},
            {"charged_hadrons", ColumnType::u32},
            {"neutral_hadrons", ColumnType::u32},
            {"vertices", ColumnType::u32},
            {"average_mu", ColumnType::f32},
            {"electron_count", ColumnType::u32},
            {"muon_count", ColumnType::u32},
            {"jet_count", ColumnType::u32},
            {"cluster_count", ColumnType::u32}};
}

[[nodiscard]] inline std::vector<TableColumn> event_columns() {
    std::vector<TableColumn> columns = event_content_columns();
    columns.push_back({"outcome", ColumnType::u8});
    columns.push_back({"streams", ColumnType::u64});
    columns.push_back({"latency_ns", ColumnType::u64});
    columns.push_back({"menu_hash", ColumnType::u64});
    return columns;
}

[[nodiscard]] inline std::vector<TableColumn> lepton_columns() {
    return {{"event_row", ColumnType::u64},  {"pt", ColumnType::f32},
            {"eta", ColumnType::f32},        {"phi", ColumnType::f32},
            {"charge", ColumnType::i32},     {"iso_charged", ColumnType::f32},
            {"iso_photon", ColumnType::f32}, {"iso_neutral", ColumnType::f32}};
}

[[nodiscard]] inline std::vector<TableColumn> jet_columns() {
    return {{"event_row", ColumnType::u64}, {"pt", ColumnType::f32},   {"eta", ColumnType::f32},
            {"phi", ColumnType::f32},       {"mass", ColumnType::f32}, {"btag", ColumnType::f32}};
}

[[nodiscard]] inline std::vector<TableColumn> cluster_columns() {
    return {{"event_row", ColumnType::u64},
            {"et", ColumnType::f32},
            {"eta", ColumnType::f32},
            {"phi", ColumnType::f32},
            {"rings", ColumnType::f32, kRingCount}};
}

[[nodiscard]] inline std::vector<TableColumn> feature_columns(std::size_t count) {
    return {{"event_row", ColumnType::u64}, {"values", ColumnType::f32, count}};
}

}  // namespace tamis::streams
