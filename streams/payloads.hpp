// The contents of an event's payloads, decoded only when asked for and at most once. One object per
// place in a worker's batch, reused: its buffers keep their capacity, so that after warm-up nothing
// is allocated for payloads of up to keep_bytes. Spans live until the next attach(). One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tl/expected.hpp>

#include "streams/event.hpp"

namespace tamis::streams {

// Structure of arrays; momenta, masses, energies in GeV, angles in radians. Arrays of a collection
// have equal length.
struct LeptonArrays {
    std::span<const float> pt, eta, phi;
    std::span<const std::int32_t> charge;
    std::span<const float> iso_charged, iso_photon,
        iso_neutral;  // sums of pt in a cone of 0.3 over the lepton's pt
};
struct JetArrays {
    std::span<const float> pt, eta, phi, mass, btag;
};
struct PhysicsObjects {
    LeptonArrays electrons, muons;
    JetArrays jets;
    float met_pt = 0, met_phi = 0;
    std::uint32_t charged_hadrons = 0, neutral_hadrons = 0, vertices = 0;
};

struct CalorimeterClusters {
    float average_mu = 0;
    std::span<const float> et, eta, phi;
    std::span<const float> rings;  // clusters x 100, or empty
    std::span<const float> cell_eta, cell_phi, cell_energy;
    std::span<const std::uint8_t> cell_layer;
};

struct PixelDoublets {
    std::uint32_t count = 0;
    std::span<const std::uint8_t> inner_adc,
        outer_adc;  // count x 16 x 16 little-endian uint16, row by row
    std::span<const std::uint8_t> inner_layer, outer_layer;
    std::span<const float> features;  // count x 67
};

struct NamedFeatures {
    std::string_view schema;
    std::span<const float> values;
};

enum class PayloadFault : std::uint8_t {
    absent,         // no fragment of the event carries it
    malformed,      // not a message of the announced type
    uneven_arrays,  // arrays of one collection differ in length
    too_many,       // over the limits below
    not_finite,     // NaN or infinity where a number is needed
};

[[nodiscard]] std::string_view to_string(PayloadFault fault) noexcept;

struct PayloadLimits {
    std::size_t objects = 1024;  // of one collection
    std::size_t clusters = 256;
    std::size_t cells = 65536;
    std::size_t doublets = 10000;  // as the CMS producer
    std::size_t features = 65536;
    std::size_t keep_bytes = std::size_t{1} << 20;  // buffers of larger payloads are given back
};

class Payloads {
 public:
    explicit Payloads(const PayloadLimits& limits = {});
    ~Payloads();
    Payloads(const Payloads&) = delete;
    Payloads& operator=(const Payloads&) = delete;

    // Forgets what was decoded. `event` must outlive the queries that follow.
    void attach(const Event& event) noexcept;

    // Each merges the fragments of its type in the order of the sources: arrays are appended, and
    // counts of doublets added; of any other scalar that several fragments carry the last one that
    // is not zero counts (the merge rule of Protocol Buffers). Every fragment is checked by itself
    // before, so that the arrays of one cannot make up for those of another; one bad fragment of
    // the type spoils the answer.
    [[nodiscard]] tl::expected<const PhysicsObjects*, PayloadFault> physics_objects() noexcept;
    [[nodiscard]] tl::expected<const CalorimeterClusters*, PayloadFault>
    calorimeter_clusters() noexcept;
    [[nodiscard]] tl::expected<const PixelDoublets*, PayloadFault> pixel_doublets() noexcept;
    // The first FEATURES fragment of that schema.
    [[nodiscard]] tl::expected<const NamedFeatures*, PayloadFault> features(
        std::string_view schema) noexcept;

 private:
    struct Decoded;
    std::unique_ptr<Decoded> decoded_;
};

}  // namespace tamis::streams
