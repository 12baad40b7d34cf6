#include "tests/daemon/small_node.hpp"

#include <algorithm>
#include <bit>
#include <gsl/assert>
#include <string_view>

#include "streams/fragment.hpp"
#include "streams/wire.pb.h"

namespace tamis::tests {
namespace {

std::atomic<std::uint64_t> test_now_ns = 1'000'000;

std::string features_payload(std::initializer_list<float> values) {
    wire::Features features;
    features.set_schema("sum");
    features.mutable_values()->Assign(values.begin(), values.end());
    return features.SerializeAsString();
}

}  // namespace

class SumModel::SumScorer final : public models::Scorer {
 public:
    SumScorer(const SumModel& model, std::size_t max_events)
        : model_(model), results_(max_events) {}

    void score(std::span<models::EventInputs* const> events) noexcept override {
        model_.evaluations_ += events.size();
        for (std::size_t i = 0; i < events.size(); ++i) {
            Result& result = results_[i];
            result = {};
            const auto features = events[i]->payloads().features("sum");
            if (!features) {
                result.status = models::status_of(features.error());
                continue;
            }
            result.values = (*features)->values;
            if (result.values.empty()) {
                result.status = models::ScoreStatus::not_applicable;
                continue;
            }
            result.status = models::ScoreStatus::scored;
            for (const float value : result.values) {
                result.score += value;
            }
            result.largest = static_cast<std::uint32_t>(
                std::max_element(result.values.begin(), result.values.end()) -
                result.values.begin());
        }
    }
    [[nodiscard]] models::ScoreStatus status(std::size_t position) const noexcept override {
        return results_[position].status;
    }
    [[nodiscard]] float score_of(std::size_t position) const noexcept override {
        return results_[position].score;
    }
    [[nodiscard]] models::Cut cut(std::size_t position,
                                  std::size_t working_point) const noexcept override {
        const float threshold = working_point == 0 ? 10 : 100;
        const float score = results_[position].score;
        return {.passed = score > threshold, .score = score, .threshold = threshold};
    }
    [[nodiscard]] models::Explanation explanation(std::size_t position) const noexcept override {
        const Result& result = results_[position];
        return {.contributions = result.values, .kept = std::span(&result.largest, 1)};
    }

 private:
    struct Result {
        models::ScoreStatus status = models::ScoreStatus::not_applicable;
        float score = 0;
        std::uint32_t largest = 0;
        std::span<const float> values;
    };
    const SumModel& model_;
    std::vector<Result> results_;
};

SumModel::SumModel() {
    manifest_.name = std::string("sum");
    manifest_.kind = std::string("sum");
    manifest_.working_points.resize(2);
    manifest_.working_points[0].name = std::string("loose");
    manifest_.working_points[1].name = std::string("tight");
}

std::unique_ptr<models::Scorer> SumModel::make_scorer(std::size_t max_events) const {
    return std::make_unique<SumScorer>(*this, max_events);
}

void SumModel::score_table(std::span<const float> rows, std::span<float> answers) const {
    std::copy(rows.begin(), rows.end(), answers.begin());
}

config::Menu small_menu(std::vector<config::Path> paths) {
    config::Menu menu;
    menu.name = std::string("small");
    menu.version = std::string("1");
    menu.models = {{.name = "sum", .directory = ""}};
    menu.streams = {{.name = "physics", .description = ""}, {.name = "debug", .description = ""}};
    menu.debug_stream = std::string("debug");
    menu.paths = std::move(paths);
    menu.hash = 42;
    return menu;
}

config::Path sum_path(const std::string& name, double threshold, std::uint32_t prescale) {
    config::Path path;
    path.name = name;
    path.cut =
        config::ModelCut{.model = "sum", .working_point = std::nullopt, .threshold = threshold};
    path.prescale = prescale;
    path.streams = {"physics"};
    return path;
}

daemon::TriggerMenu compile(const config::Menu& menu, const models::Model& model) {
    const models::Model* const models[] = {&model};
    auto compiled = daemon::TriggerMenu::compile(menu, models);
    Expects(compiled.has_value());
    return std::move(*compiled);
}

std::string raw_fragment(std::uint32_t run, std::uint64_t event, std::uint32_t source,
                         std::string_view payload) {
    streams::Fragment fragment;
    fragment.run = run;
    fragment.event = event;
    fragment.source = source;
    fragment.payload = std::as_bytes(std::span(payload.data(), payload.size()));
    std::string message;
    streams::encode_fragment(fragment, streams::Checksum::computed, message);
    return message;
}

std::string sum_fragment(std::uint32_t run, std::uint64_t event, std::uint32_t source,
                         std::initializer_list<float> values) {
    const std::string payload = features_payload(values);
    streams::Fragment fragment;
    fragment.run = run;
    fragment.event = event;
    fragment.source = source;
    fragment.payload_type = streams::PayloadType::features;
    fragment.payload = std::as_bytes(std::span(payload));
    std::string message;
    streams::encode_fragment(fragment, streams::Checksum::computed, message);
    return message;
}

streams::Event sum_event(std::uint64_t number, std::initializer_list<float> values) {
    const std::string payload = features_payload(values);
    const auto bytes = std::as_bytes(std::span(payload));
    streams::Event event;
    event.run = 1;
    event.number = number;
    event.state = streams::EventState::complete;
    event.sources_seen = 1;
    auto& fragment = event.fragments.emplace_back();
    fragment.source = 1;
    fragment.payload_type = streams::PayloadType::features;
    fragment.payload.assign(bytes.begin(), bytes.end());
    return event;
}

std::size_t MemoryInput::poll(streams::MessageSink& sink, std::uint64_t now_ns,
                              std::size_t limit) noexcept {
    std::size_t given = 0;
    while (given < limit && next_ < messages_.size() && sink.is_ready()) {
        sink.on_message(std::as_bytes(std::span(messages_[next_++])), now_ns);
        ++given;
    }
    return given;
}

streams::SendResult MemoryOutput::send(std::span<const std::byte> selected,
                                       streams::StreamMask /*streams*/,
                                       std::uint64_t /*now_ns*/) noexcept {
    const streams::SendResult result = answer.load();
    if (result == streams::SendResult::delivered) {
        ++taken;
        if (keeps) {
            kept.emplace_back(reinterpret_cast<const char*>(selected.data()), selected.size());
        }
    }
    return result;
}

void DecisionLog::on_decision(const streams::Event& event, const streams::Decision& decision,
                              daemon::Delivery delivery) noexcept {
    SeenDecision one{.event = event.number,
                     .outcome = decision.outcome,
                     .streams = decision.streams,
                     .score_bits = {},
                     .accepted = {}};
    for (const streams::PathResult& path : decision.paths) {
        one.score_bits.push_back(std::bit_cast<std::uint32_t>(path.score));
        if (path.accepted) {
            one.accepted.push_back(path.path);
        }
    }
    seen.push_back(std::move(one));
    deliveries.push_back(delivery);
}

std::vector<SeenDecision> DecisionLog::sorted() const {
    std::vector<SeenDecision> decisions = seen;
    std::sort(decisions.begin(), decisions.end());
    return decisions;
}

daemon::Pipeline::Config small_config(std::size_t workers, std::size_t batch) {
    daemon::Pipeline::Config config;
    config.pool = {.events = 64, .sources = 2, .byte_budget = 1U << 20};
    config.builder.sources = {1, 2};
    config.builder.hash_seed = 1;
    config.builder.limits.message_bytes = 4096;
    config.workers = workers;
    config.batch = batch;
    return config;
}

void set_test_clock(std::uint64_t now_ns) noexcept { test_now_ns = now_ns; }
std::uint64_t test_clock() noexcept { return test_now_ns += 10; }

}  // namespace tamis::tests
