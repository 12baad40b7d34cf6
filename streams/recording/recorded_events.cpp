#include "streams/recording/recorded_events.hpp"

#include <algorithm>
#include <charconv>

#include "streams/fragment.hpp"
#include "streams/recording/recording_contents.hpp"
#include "streams/recording/wire_schema.hpp"
#include "streams/wire.pb.h"

namespace tamis::streams {
namespace {

constexpr std::size_t kMostPaths = 65536;

std::vector<ImportedLepton> copy_leptons(const LeptonArrays& arrays) {
    std::vector<ImportedLepton> leptons(arrays.pt.size());
    for (std::size_t i = 0; i < leptons.size(); ++i) {
        leptons[i] = {arrays.pt[i],         arrays.eta[i],         arrays.phi[i],
                      arrays.charge[i],     arrays.iso_charged[i], arrays.iso_photon[i],
                      arrays.iso_neutral[i]};
    }
    return leptons;
}

void copy_objects(const PhysicsObjects& objects, ImportedEvent& event) {
    event.electrons = copy_leptons(objects.electrons);
    event.muons = copy_leptons(objects.muons);
    for (std::size_t i = 0; i < objects.jets.pt.size(); ++i) {
        event.jets.push_back({objects.jets.pt[i], objects.jets.eta[i], objects.jets.phi[i],
                              objects.jets.mass[i], objects.jets.btag[i]});
    }
    event.met_pt = objects.met_pt;
    event.met_phi = objects.met_phi;
    event.charged_hadrons = objects.charged_hadrons;
    event.neutral_hadrons = objects.neutral_hadrons;
    event.vertices = objects.vertices;
}

void copy_clusters(const CalorimeterClusters& clusters, ImportedEvent& event) {
    event.average_mu = clusters.average_mu;
    for (std::size_t i = 0; i < clusters.et.size(); ++i) {
        ImportedCluster& cluster = event.clusters.emplace_back(
            ImportedCluster{clusters.et[i], clusters.eta[i], clusters.phi[i], {}});
        if (clusters.rings.size() >= (i + 1) * kRingCount) {
            std::copy_n(clusters.rings.begin() + static_cast<std::ptrdiff_t>(i * kRingCount),
                        kRingCount, cluster.rings.begin());
        }
    }
}

bool copy_features(const Event& event, ImportedEvent& contents) {
    for (const EventFragment& fragment : event.fragments) {
        if (fragment.payload_type != PayloadType::features) {
            continue;
        }
        wire::Features features;
        if (!features.ParseFromArray(fragment.payload.data(),
                                     static_cast<int>(fragment.payload.size()))) {
            return false;
        }
        contents.feature_schema = features.schema();
        contents.features.assign(features.values().begin(), features.values().end());
        return true;
    }
    return true;
}

// All that an event with these fragments has.
Event event_of(std::uint32_t run, std::uint64_t number, std::vector<EventFragment> fragments) {
    Event event;
    event.run = run;
    event.number = number;
    event.state = EventState::complete;
    fragments.resize(std::min(fragments.size(), kMaxSources));
    event.sources_seen = fragments.size() == kMaxSources
                             ? ~std::uint64_t{0}
                             : (std::uint64_t{1} << fragments.size()) - 1;
    event.fragments = std::move(fragments);
    return event;
}

}  // namespace

tl::expected<RecordedEvents, std::string> RecordedEvents::open(std::string_view path,
                                                               const RecordingSelection& selection,
                                                               Derive derive) {
    auto reader = RecordingReader::open(path, selection);
    if (!reader) {
        return tl::unexpected(std::move(reader.error()));
    }
    RecordedEvents events(std::move(*reader), std::move(derive));
    events.read_path_names();
    return events;
}

RecordedEvents::RecordedEvents(RecordingReader reader, Derive derive)
    : reader_(std::move(reader)),
      derive_(std::move(derive)),
      payloads_(std::make_unique<Payloads>()) {}

void RecordedEvents::read_path_names() {
    const auto summary = reader_.file().read_summary();
    if (!summary) {
        return;
    }
    for (const McapMetadataIndex& index : summary->contents.metadata) {
        if (index.name != kPathNamesMetadata) {
            continue;
        }
        const auto metadata = reader_.file().read_metadata(index);
        for (std::size_t path = 0; metadata && path < kMostPaths; ++path) {
            const auto name = metadata->texts.find(std::to_string(path));
            if (name == metadata->texts.end()) {
                break;
            }
            path_names_.push_back(name->second);
        }
    }
}

std::optional<RecordedEvent> RecordedEvents::next() {
    while (failure_.empty()) {
        const McapMessage* const message = reader_.next();
        if (message == nullptr) {
            break;
        }
        if (auto event = take(*message)) {
            return event;
        }
    }
    if (open_ && failure_.empty()) {
        Event event = std::move(*open_);
        open_.reset();
        return finish(event_of(event.run, event.number, std::move(event.fragments)), {});
    }
    return std::nullopt;
}

std::optional<RecordedEvent> RecordedEvents::take(const McapMessage& message) {
    const McapChannel& channel = *reader_.file().find_channel(message.channel_id);
    const McapSchema* const schema = reader_.file().find_schema(channel.schema_id);
    if (schema != nullptr && schema->name == kFragmentSchema) {
        return take_fragment(message);
    }
    if (schema != nullptr && schema->name == kSelectedEventSchema) {
        return take_selected(message);
    }
    return std::nullopt;
}

// Gives the event before, once its last fragment has passed.
std::optional<RecordedEvent> RecordedEvents::take_fragment(const McapMessage& message) {
    const auto fragment = FragmentDecoder().decode(message.contents);
    if (!fragment) {
        ++malformed_count_;
        return std::nullopt;
    }
    std::optional<RecordedEvent> done;
    if (open_ && (open_->run != fragment->run || open_->number != fragment->event)) {
        Event event = std::move(*open_);
        open_.reset();
        done = finish(event_of(event.run, event.number, std::move(event.fragments)), {});
    }
    if (!open_) {
        if (!closed_.emplace(fragment->run, fragment->event).second) {
            failure_ = "fragments of event " + std::to_string(fragment->event) +
                       " lie apart in the recording; build its events first: tamis replay or a "
                       "node writes a recording of selected events";
            return std::nullopt;
        }
        open_.emplace();
        open_->run = fragment->run;
        open_->number = fragment->event;
    }
    open_->fragments.push_back({fragment->source,
                                fragment->timestamp_ns,
                                fragment->sequence,
                                fragment->payload_type,
                                fragment->crc32c,
                                {fragment->payload.begin(), fragment->payload.end()}});
    return done;
}

std::optional<RecordedEvent> RecordedEvents::take_selected(const McapMessage& message) {
    auto selected = decode_selected_event(message.contents);
    if (!selected) {
        ++malformed_count_;
        return std::nullopt;
    }
    const std::pair event(selected->decision.run, selected->decision.event);
    if (last_selected_ == event) {
        return std::nullopt;  // its copy in another stream
    }
    last_selected_ = event;
    return finish(event_of(event.first, event.second, std::move(selected->fragments)),
                  std::move(selected->decision));
}

RecordedEvent RecordedEvents::finish(const Event& event, std::optional<ReadDecision> decision) {
    RecordedEvent recorded;
    recorded.decision = std::move(decision);
    ImportedEvent& contents = recorded.contents;
    contents.run = event.run;
    contents.number = event.number;
    for (const EventFragment& fragment : event.fragments) {
        contents.timestamp_ns =
            contents.timestamp_ns == 0 ? fragment.timestamp_ns : contents.timestamp_ns;
    }
    payloads_->attach(event);
    bool is_good = copy_features(event, contents);
    const auto note = [&](const auto& payload, const auto& copy) {
        if (payload) {
            copy(**payload, contents);
        } else {
            is_good = is_good && payload.error() == PayloadFault::absent;
        }
    };
    note(payloads_->physics_objects(), copy_objects);
    note(payloads_->calorimeter_clusters(), copy_clusters);
    malformed_count_ += is_good ? 0 : 1;
    if (derive_ && !derive_(event, recorded.derived)) {
        recorded.derived.clear();
    }
    return recorded;
}

}  // namespace tamis::streams
