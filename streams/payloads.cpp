#include "streams/payloads.hpp"

#include <google/protobuf/repeated_field.h>

#include <array>
#include <bit>
#include <string>

#include "streams/protobuf_log.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

using google::protobuf::RepeatedField;

// What is wrong, if anything is.
class Check {
 public:
    Check() = default;
    Check(PayloadFault fault) noexcept : is_bad_(true), fault_(fault) {}
    explicit operator bool() const noexcept { return is_bad_; }
    PayloadFault operator*() const noexcept { return fault_; }

 private:
    bool is_bad_ = false;
    PayloadFault fault_ = PayloadFault::absent;
};

constexpr std::size_t kRingCount = 100;
constexpr std::size_t kDoubletFeatures = 67;
constexpr std::size_t kAdcBytes = std::size_t{16} * 16 * 2;

// Bytes of the largest payload within the limits, every number written as a field of its own (two
// bytes of tag, four of value), and as much again as a small message for what else it may carry.
constexpr std::size_t kNumberBytes = 6;
constexpr std::size_t kOtherBytes = 65536;

std::size_t largest_physics_objects(const PayloadLimits& limits) noexcept {
    constexpr std::size_t kArrays = 7 + 7 + 5;
    // A charge may be a varint of ten bytes.
    return limits.objects * (kArrays * kNumberBytes + std::size_t{2} * 6) + kOtherBytes;
}
std::size_t largest_calorimeter_clusters(const PayloadLimits& limits) noexcept {
    return limits.clusters * (3 + kRingCount) * kNumberBytes +
           limits.cells * (3 * kNumberBytes + 1) + kOtherBytes;
}
std::size_t largest_pixel_doublets(const PayloadLimits& limits) noexcept {
    return limits.doublets * (2 * kAdcBytes + 2 + kDoubletFeatures * kNumberBytes) + kOtherBytes;
}
std::size_t largest_features(const PayloadLimits& limits) noexcept {
    return limits.features * kNumberBytes + kOtherBytes;
}

template <class T>
std::span<const T> view(const RepeatedField<T>& field) noexcept {
    return {field.data(), static_cast<std::size_t>(field.size())};
}

std::span<const std::uint8_t> view(const std::string& bytes) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

// Without a branch in the loop: an exponent of all ones is an infinity or no number.
bool is_finite(std::span<const float> values) noexcept {
    std::uint32_t found = 0;
    for (const float value : values) {
        const std::uint32_t exponent = std::bit_cast<std::uint32_t>(value) & 0x7f800000U;
        found |= exponent == 0x7f800000U ? 1U : 0U;
    }
    return found == 0;
}

// Arrays of one collection: as long as the first, finite, not too long.
class CollectionCheck {
 public:
    CollectionCheck(std::size_t count, std::size_t limit) noexcept : count_(count) {
        if (count > limit) {
            fault_ = PayloadFault::too_many;
        }
    }
    CollectionCheck& floats(const RepeatedField<float>& field, std::size_t each = 1) noexcept {
        size(static_cast<std::size_t>(field.size()), each);
        if (!fault_ && !is_finite(view(field))) {
            fault_ = PayloadFault::not_finite;
        }
        return *this;
    }
    CollectionCheck& size(std::size_t size, std::size_t each = 1) noexcept {
        if (!fault_ && size != count_ * each) {
            fault_ = PayloadFault::uneven_arrays;
        }
        return *this;
    }
    [[nodiscard]] Check result() const noexcept { return fault_; }

 private:
    std::size_t count_;
    Check fault_;
};

std::size_t count_of(const RepeatedField<float>& field) noexcept {
    return static_cast<std::size_t>(field.size());
}

Check check(const wire::PhysicsObjects& m, const PayloadLimits& limits) noexcept {
    CollectionCheck electrons(count_of(m.electron_pt()), limits.objects);
    electrons.floats(m.electron_pt()).floats(m.electron_eta()).floats(m.electron_phi());
    electrons.size(static_cast<std::size_t>(m.electron_charge_size()));
    electrons.floats(m.electron_iso_charged()).floats(m.electron_iso_photon());
    electrons.floats(m.electron_iso_neutral());
    CollectionCheck muons(count_of(m.muon_pt()), limits.objects);
    muons.floats(m.muon_pt()).floats(m.muon_eta()).floats(m.muon_phi());
    muons.size(static_cast<std::size_t>(m.muon_charge_size()));
    muons.floats(m.muon_iso_charged()).floats(m.muon_iso_photon()).floats(m.muon_iso_neutral());
    CollectionCheck jets(count_of(m.jet_pt()), limits.objects);
    jets.floats(m.jet_pt()).floats(m.jet_eta()).floats(m.jet_phi()).floats(m.jet_mass());
    jets.floats(m.jet_btag());
    for (const Check fault : {electrons.result(), muons.result(), jets.result()}) {
        if (fault) {
            return fault;
        }
    }
    const std::array<float, 2> scalars{m.met_pt(), m.met_phi()};
    return is_finite(scalars) ? Check{} : PayloadFault::not_finite;
}

Check check(const wire::CalorimeterClusters& m, const PayloadLimits& limits) noexcept {
    CollectionCheck clusters(count_of(m.et()), limits.clusters);
    clusters.floats(m.et()).floats(m.eta()).floats(m.phi());
    if (m.rings_size() > 0) {
        clusters.floats(m.rings(), kRingCount);
    }
    if (clusters.result()) {
        return clusters.result();
    }
    CollectionCheck cells(count_of(m.cell_eta()), limits.cells);
    cells.floats(m.cell_eta()).floats(m.cell_phi()).floats(m.cell_energy());
    cells.size(m.cell_layer().size());
    if (cells.result()) {
        return cells.result();
    }
    const std::array<float, 1> scalars{m.average_mu()};
    return is_finite(scalars) ? Check{} : PayloadFault::not_finite;
}

Check check(const wire::PixelDoublets& m, const PayloadLimits& limits) noexcept {
    return CollectionCheck(m.count(), limits.doublets)
        .size(m.inner_adc().size(), kAdcBytes)
        .size(m.outer_adc().size(), kAdcBytes)
        .size(m.inner_layer().size())
        .size(m.outer_layer().size())
        .floats(m.features(), kDoubletFeatures)
        .result();
}

Check check(const wire::Features& m, const PayloadLimits& limits) noexcept {
    const std::size_t count = count_of(m.values());
    return CollectionCheck(count, limits.features).floats(m.values()).result();
}

// The rule of Protocol Buffers appends arrays of numbers but replaces bytes; here bytes are arrays
// too, and the doublets of two fragments add up.
void append(const wire::PhysicsObjects& part, wire::PhysicsObjects& all) { all.MergeFrom(part); }

void append(wire::CalorimeterClusters& part, wire::CalorimeterClusters& all) {
    part.mutable_cell_layer()->insert(0, all.cell_layer());
    all.MergeFrom(part);
}

void append(wire::PixelDoublets& part, wire::PixelDoublets& all) {
    part.set_count(part.count() + all.count());
    part.mutable_inner_adc()->insert(0, all.inner_adc());
    part.mutable_outer_adc()->insert(0, all.outer_adc());
    part.mutable_inner_layer()->insert(0, all.inner_layer());
    part.mutable_outer_layer()->insert(0, all.outer_layer());
    all.MergeFrom(part);
}

PhysicsObjects make_view(const wire::PhysicsObjects& m) noexcept {
    PhysicsObjects objects;
    objects.electrons = {view(m.electron_pt()),          view(m.electron_eta()),
                         view(m.electron_phi()),         view(m.electron_charge()),
                         view(m.electron_iso_charged()), view(m.electron_iso_photon()),
                         view(m.electron_iso_neutral())};
    objects.muons = {view(m.muon_pt()),          view(m.muon_eta()),
                     view(m.muon_phi()),         view(m.muon_charge()),
                     view(m.muon_iso_charged()), view(m.muon_iso_photon()),
                     view(m.muon_iso_neutral())};
    objects.jets = {view(m.jet_pt()), view(m.jet_eta()), view(m.jet_phi()), view(m.jet_mass()),
                    view(m.jet_btag())};
    objects.met_pt = m.met_pt();
    objects.met_phi = m.met_phi();
    objects.charged_hadrons = m.charged_hadrons();
    objects.neutral_hadrons = m.neutral_hadrons();
    objects.vertices = m.vertices();
    return objects;
}

CalorimeterClusters make_view(const wire::CalorimeterClusters& m) noexcept {
    return {m.average_mu(),     view(m.et()),          view(m.eta()),
            view(m.phi()),      view(m.rings()),       view(m.cell_eta()),
            view(m.cell_phi()), view(m.cell_energy()), view(m.cell_layer())};
}

PixelDoublets make_view(const wire::PixelDoublets& m) noexcept {
    return {m.count(),
            view(m.inner_adc()),
            view(m.outer_adc()),
            view(m.inner_layer()),
            view(m.outer_layer()),
            view(m.features())};
}

template <class Message>
bool parse(const EventFragment& fragment, Message& message) {
    return message.ParseFromArray(fragment.payload.data(),
                                  static_cast<int>(fragment.payload.size()));
}

// The merged payloads of one type: decoded at the first question, remembered until the next event.
template <class Message, class View>
class Merged {
 public:
    Merged(PayloadType type, std::size_t largest_bytes) noexcept
        : type_(type), largest_bytes_(largest_bytes) {}

    void forget(std::size_t keep_bytes) noexcept {
        is_decoded_ = false;
        if (bytes_ > keep_bytes) {  // what one large event needed is not kept for ever
            all_ = std::make_unique<Message>();
            part_ = std::make_unique<Message>();
        }
        bytes_ = 0;
    }

    tl::expected<const View*, PayloadFault> get(const Event& event,
                                                const PayloadLimits& limits) noexcept {
        if (!is_decoded_) {
            fault_ = decode(event, limits);
            is_decoded_ = true;
        }
        if (fault_) {
            return tl::unexpected(*fault_);
        }
        return &view_;
    }

 private:
    Check decode(const Event& event, const PayloadLimits& limits) noexcept {
        std::size_t found = 0;
        for (SourceIndex source = 0; source < event.fragments.size(); ++source) {
            const EventFragment& fragment = event.fragments[source];
            if (!event.has(source) || fragment.payload_type != type_) {
                continue;
            }
            if (fragment.payload.size() > largest_bytes_) {
                return PayloadFault::too_many;
            }
            bytes_ += fragment.payload.size();
            Message& target = found == 0 ? *all_ : *part_;
            if (!parse(fragment, target)) {
                return PayloadFault::malformed;
            }
            if (const Check fault = check(target, limits)) {
                return fault;
            }
            if (found > 0) {
                append(*part_, *all_);
            }
            ++found;
        }
        if (found == 0) {
            return PayloadFault::absent;
        }
        // Each part was within the limits; are they together?
        if (const Check fault = found > 1 ? check(*all_, limits) : Check{}) {
            return fault;
        }
        view_ = make_view(*all_);
        return {};
    }

    PayloadType type_;
    std::size_t largest_bytes_;
    std::unique_ptr<Message> all_ = std::make_unique<Message>();
    std::unique_ptr<Message> part_ = std::make_unique<Message>();
    std::size_t bytes_ = 0;
    bool is_decoded_ = false;
    Check fault_;
    View view_;
};

}  // namespace

std::string_view to_string(PayloadFault fault) noexcept {
    switch (fault) {
        case PayloadFault::absent:
            return "absent";
        case PayloadFault::malformed:
            return "malformed";
        case PayloadFault::uneven_arrays:
            return "uneven arrays";
        case PayloadFault::too_many:
            return "too many";
        case PayloadFault::not_finite:
            return "not finite";
    }
    return "unknown";
}

struct Payloads::Decoded {
    explicit Decoded(const PayloadLimits& given)
        : limits(given),
          objects(PayloadType::physics_objects, largest_physics_objects(given)),
          clusters(PayloadType::calorimeter_clusters, largest_calorimeter_clusters(given)),
          doublets(PayloadType::pixel_doublets, largest_pixel_doublets(given)) {}

    // One fragment's feature vector; those of an event are told apart by their schema.
    struct Vector {
        std::unique_ptr<wire::Features> message = std::make_unique<wire::Features>();
        std::size_t bytes = 0;
        bool is_decoded = false;
        Check fault;
        NamedFeatures view;
    };

    void read_vector(const EventFragment& fragment, Vector& vector) const noexcept {
        vector.is_decoded = true;
        vector.bytes = fragment.payload.size();
        if (fragment.payload.size() > largest_features(limits)) {
            vector.fault = PayloadFault::too_many;
        } else if (!parse(fragment, *vector.message)) {
            vector.fault = PayloadFault::malformed;
        } else {
            vector.fault = check(*vector.message, limits);
            vector.view = {vector.message->schema(), view(vector.message->values())};
        }
    }

    PayloadLimits limits;
    const Event* event = nullptr;
    Merged<wire::PhysicsObjects, PhysicsObjects> objects;
    Merged<wire::CalorimeterClusters, CalorimeterClusters> clusters;
    Merged<wire::PixelDoublets, PixelDoublets> doublets;
    std::array<Vector, kMaxSources> vectors;  // by source
};

Payloads::Payloads(const PayloadLimits& limits) : decoded_(std::make_unique<Decoded>(limits)) {
    silence_protobuf_log();
}

Payloads::~Payloads() = default;

void Payloads::attach(const Event& event) noexcept {
    Decoded& decoded = *decoded_;
    const std::size_t keep_bytes = decoded.limits.keep_bytes;
    decoded.event = &event;
    decoded.objects.forget(keep_bytes);
    decoded.clusters.forget(keep_bytes);
    decoded.doublets.forget(keep_bytes);
    for (Decoded::Vector& vector : decoded.vectors) {
        vector.is_decoded = false;
        if (vector.bytes > keep_bytes) {
            vector.message = std::make_unique<wire::Features>();
        }
        vector.bytes = 0;
    }
}

tl::expected<const PhysicsObjects*, PayloadFault> Payloads::physics_objects() noexcept {
    return decoded_->objects.get(*decoded_->event, decoded_->limits);
}

tl::expected<const CalorimeterClusters*, PayloadFault> Payloads::calorimeter_clusters() noexcept {
    return decoded_->clusters.get(*decoded_->event, decoded_->limits);
}

tl::expected<const PixelDoublets*, PayloadFault> Payloads::pixel_doublets() noexcept {
    return decoded_->doublets.get(*decoded_->event, decoded_->limits);
}

tl::expected<const NamedFeatures*, PayloadFault> Payloads::features(
    std::string_view schema) noexcept {
    const Event& event = *decoded_->event;
    PayloadFault fault = PayloadFault::absent;
    for (SourceIndex source = 0; source < event.fragments.size(); ++source) {
        const EventFragment& fragment = event.fragments[source];
        if (!event.has(source) || fragment.payload_type != PayloadType::features) {
            continue;
        }
        Decoded::Vector& vector = decoded_->vectors[source];
        if (!vector.is_decoded) {
            decoded_->read_vector(fragment, vector);
        }
        const bool is_nameless = vector.fault && *vector.fault != PayloadFault::not_finite;
        if (is_nameless) {
            fault = *vector.fault;  // perhaps it was the one; another may still be
        } else if (vector.view.schema == schema) {
            if (vector.fault) {
                return tl::unexpected(*vector.fault);
            }
            return &vector.view;
        }
    }
    return tl::unexpected(fault);
}

}  // namespace tamis::streams
