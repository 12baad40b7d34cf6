// Events from HDF5 files.
//
// tamis_hdf5: the tables of an export (event_sink.hpp).
//
// adc2021 (the data of the anomaly detection challenge of 2021): dataset "Particles", N events x 19
// objects x (pt, eta, phi, class), GeV: class 1 the missing energy, 2 an electron, 3 a muon, 4 a
// jet, 0 nothing. It has neither charges (0 here), isolation nor event numbers: run is 1, the event
// number the row's, from 1. Other datasets are left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "streams/recording/event_source.hpp"

namespace tamis::streams {

enum class Hdf5Layout : std::uint8_t { tamis_hdf5, adc2021 };

// Rows instead of bytes.
class Hdf5EventSource : public EventSource {
 public:
    [[nodiscard]] virtual std::uint64_t rows_read() const = 0;
    [[nodiscard]] virtual std::uint64_t row_count() const = 0;
    // Empty while all is well.
    [[nodiscard]] virtual const std::string& error() const = 0;
};

[[nodiscard]] bool is_hdf5_file(const std::string& path);
// Errors: no such layout in the file.
[[nodiscard]] tl::expected<Hdf5Layout, std::string> detect_hdf5_layout(const std::string& path);
[[nodiscard]] tl::expected<std::unique_ptr<Hdf5EventSource>, std::string> make_hdf5_event_source(
    const std::string& path, Hdf5Layout layout);

}  // namespace tamis::streams
