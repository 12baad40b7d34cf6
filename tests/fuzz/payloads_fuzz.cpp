// Any bytes in the payloads: what is handed out has arrays of equal length and finite numbers. An
// input is a list of fragments: a byte for the type, two for the length, the bytes.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <gsl/assert>
#include <initializer_list>
#include <span>

#include "streams/payloads.hpp"

namespace {

using namespace tamis::streams;

void fill(Event& event, std::span<const std::uint8_t> input) {
    event = {};
    while (input.size() >= 3 && event.fragments.size() < kMaxSources) {
        const std::size_t announced = input[1] | static_cast<std::size_t>(input[2]) << 8U;
        const std::size_t length = std::min(announced, input.size() - 3);
        event.sources_seen |= std::uint64_t{1} << event.fragments.size();
        EventFragment& fragment = event.fragments.emplace_back();
        fragment.payload_type = PayloadType{input[0] % 5U};
        const auto payload = std::as_bytes(input.subspan(3, length));
        fragment.payload.assign(payload.begin(), payload.end());
        input = input.subspan(3 + length);
    }
}

void check_arrays(std::size_t count, std::initializer_list<std::span<const float>> arrays) {
    for (const std::span<const float> array : arrays) {
        Ensures(array.size() == count);
        Ensures(std::ranges::all_of(array, [](float value) { return std::isfinite(value); }));
    }
}

void check_leptons(const LeptonArrays& l) {
    check_arrays(l.pt.size(), {l.pt, l.eta, l.phi, l.iso_charged, l.iso_photon, l.iso_neutral});
    Ensures(l.charge.size() == l.pt.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Payloads payloads;
    static Event event;
    fill(event, {data, size});
    payloads.attach(event);
    if (const auto objects = payloads.physics_objects()) {
        check_leptons((*objects)->electrons);
        check_leptons((*objects)->muons);
        const JetArrays& jets = (*objects)->jets;
        check_arrays(jets.pt.size(), {jets.pt, jets.eta, jets.phi, jets.mass, jets.btag});
    }
    if (const auto read = payloads.calorimeter_clusters()) {
        const CalorimeterClusters& c = **read;
        check_arrays(c.et.size(), {c.et, c.eta, c.phi});
        check_arrays(c.rings.empty() ? 0 : 100 * c.et.size(), {c.rings});
        check_arrays(c.cell_layer.size(), {c.cell_eta, c.cell_phi, c.cell_energy});
    }
    if (const auto read = payloads.pixel_doublets()) {
        const PixelDoublets& d = **read;
        check_arrays(std::size_t{67} * d.count, {d.features});
        Ensures(d.inner_adc.size() == std::size_t{512} * d.count);
        Ensures(d.outer_adc.size() == d.inner_adc.size());
        Ensures(d.inner_layer.size() == d.count && d.outer_layer.size() == d.count);
    }
    if (const auto read = payloads.features("features")) {
        check_arrays((*read)->values.size(), {(*read)->values});
    }
    return 0;
}
