#include "streams/synthetic/synthetic_source.hpp"

#include <gsl/assert>
#include <span>

#include "streams/fragment.hpp"
#include "streams/synthetic/calorimeter.hpp"
#include "streams/synthetic/collision_generator.hpp"
#include "streams/synthetic/payload_encoding.hpp"

namespace tamis::streams {
namespace {

constexpr std::array<std::string_view, kSyntheticDetectors> kDetectorNames = {"calorimeter", "muon",
                                                                              "tracker", "pixel"};

}  // namespace

struct SyntheticSource::Buffers {
    std::uint32_t run = 0;
    std::uint64_t event = 0;  // 0: no collision yet
    Collision collision;
    CalorimeterView calorimeter;
    PixelDoubletView pixel;
    PayloadEncoder encoder;
    std::string payload;
};

std::string_view to_string(SyntheticDetector detector) noexcept {
    return kDetectorNames[static_cast<std::size_t>(detector)];
}

std::optional<SyntheticDetector> find_detector(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kDetectorNames.size(); ++i) {
        if (kDetectorNames[i] == name) {
            return static_cast<SyntheticDetector>(i);
        }
    }
    return std::nullopt;
}

SyntheticSource::SyntheticSource(const SyntheticConfig& config)
    : config_(config), buffers_(std::make_unique<Buffers>()) {}
SyntheticSource::~SyntheticSource() = default;

const Collision& SyntheticSource::collision(std::uint32_t run, std::uint64_t event) {
    Expects(event > 0);
    if (buffers_->event != event || buffers_->run != run) {
        generate_collision(config_.seed, run, event, config_.mix, buffers_->collision);
        buffers_->run = run;
        buffers_->event = event;
    }
    return buffers_->collision;
}

void SyntheticSource::encode_fragment(std::uint32_t run, std::uint64_t event,
                                      SyntheticDetector detector, std::string& out) {
    Expects(event > 0);
    Buffers& buffers = *buffers_;
    Fragment fragment{
        .run = run,
        .event = event,
        .source = config_.source[static_cast<std::size_t>(detector)],
        .timestamp_ns = config_.first_timestamp_ns + (event - 1) * config_.event_period_ns,
        .sequence = event,
        .payload_type = PayloadType::physics_objects,
        .crc32c = std::nullopt,
        .payload = {}};
    switch (detector) {
        case SyntheticDetector::calorimeter:
            generate_clusters(config_.seed, run, event, collision(run, event), buffers.calorimeter);
            buffers.encoder.encode(buffers.calorimeter.view(), buffers.payload);
            fragment.payload_type = PayloadType::calorimeter_clusters;
            break;
        case SyntheticDetector::muon: {
            PhysicsObjects muons;
            muons.muons = collision(run, event).view().muons;
            buffers.encoder.encode(muons, buffers.payload);
            break;
        }
        case SyntheticDetector::tracker: {
            PhysicsObjects others = collision(run, event).view();
            others.muons = {};
            buffers.encoder.encode(others, buffers.payload);
            break;
        }
        case SyntheticDetector::pixel:
            generate_doublets(config_.seed, run, event, config_.pixel, buffers.pixel);
            buffers.encoder.encode(buffers.pixel.view(), buffers.payload);
            fragment.payload_type = PayloadType::pixel_doublets;
            break;
    }
    fragment.payload = std::as_bytes(std::span(buffers.payload));
    streams::encode_fragment(fragment, Checksum::computed, out);
}

}  // namespace tamis::streams
