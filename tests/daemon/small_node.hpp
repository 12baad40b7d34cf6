// A node small enough for tests: a model that adds up a FEATURES payload, a menu on it, input from
// memory and output to memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "config/menu.hpp"
#include "daemon/decision_observer.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/trigger_menu.hpp"
#include "models/model.hpp"
#include "streams/event_output.hpp"
#include "streams/fragment_input.hpp"

namespace tamis::tests {

// score = sum of the values of schema "sum"; explains itself by the values; keeps the position of
// the largest. Working point "loose" passes above 10, "tight" above 100. Deterministic in any
// batch.
class SumModel final : public models::Model {
 public:
    SumModel();
    [[nodiscard]] const models::Manifest& manifest() const noexcept override { return manifest_; }
    [[nodiscard]] std::uint64_t hash() const noexcept override { return 0x5ca1ab1e; }
    [[nodiscard]] std::span<const std::string> contribution_names() const noexcept override {
        return {};
    }
    [[nodiscard]] std::unique_ptr<models::Scorer> make_scorer(
        std::size_t max_events) const override;
    [[nodiscard]] std::span<const std::string> input_columns() const noexcept override {
        return columns_;
    }
    [[nodiscard]] std::span<const std::string> score_columns() const noexcept override {
        return columns_;
    }
    void score_table(std::span<const float> rows, std::span<float> answers) const override;

    // Events that any of its scorers was given.
    [[nodiscard]] std::uint64_t evaluations() const noexcept { return evaluations_.load(); }

 private:
    class SumScorer;

    models::Manifest manifest_;
    std::vector<std::string> columns_ = {"score"};
    mutable std::atomic<std::uint64_t> evaluations_ = 0;
};

// Two streams, "physics" and "debug", and the paths given.
[[nodiscard]] config::Menu small_menu(std::vector<config::Path> paths);
[[nodiscard]] config::Path sum_path(const std::string& name, double threshold,
                                    std::uint32_t prescale = 1);
[[nodiscard]] daemon::TriggerMenu compile(const config::Menu& menu, const models::Model& model);

// One serialised wire.Fragment: FEATURES of schema "sum".
[[nodiscard]] std::string sum_fragment(std::uint32_t run, std::uint64_t event, std::uint32_t source,
                                       std::initializer_list<float> values);
[[nodiscard]] std::string raw_fragment(std::uint32_t run, std::uint64_t event, std::uint32_t source,
                                       std::string_view payload);
// An event of `sources` fragments, of which the first carries the values.
[[nodiscard]] streams::Event sum_event(std::uint64_t number, std::initializer_list<float> values);

// Lends the messages in their order, each once. A live input never ends by itself.
class MemoryInput final : public streams::FragmentInput {
 public:
    enum class Kind : std::uint8_t { recording, live };
    explicit MemoryInput(std::vector<std::string> messages, Kind kind = Kind::recording)
        : messages_(std::move(messages)), kind_(kind) {}
    std::size_t poll(streams::MessageSink& sink, std::uint64_t now_ns,
                     std::size_t limit) noexcept override;
    [[nodiscard]] bool is_exhausted() const noexcept override {
        return kind_ == Kind::recording && next_ == messages_.size();
    }
    [[nodiscard]] std::size_t left() const noexcept { return messages_.size() - next_; }

 private:
    std::vector<std::string> messages_;
    Kind kind_;
    std::size_t next_ = 0;
};

// Counts what it takes; keeps it when asked to. May be told to answer anything.
class MemoryOutput final : public streams::EventOutput {
 public:
    streams::SendResult send(std::span<const std::byte> selected, streams::StreamMask streams,
                             std::uint64_t now_ns) noexcept override;
    std::size_t poll(std::uint64_t /*now_ns*/) noexcept override { return 0; }
    [[nodiscard]] std::uint64_t durable_count() const noexcept override { return taken; }

    std::atomic<streams::SendResult> answer = streams::SendResult::delivered;
    bool keeps = false;
    std::vector<std::string> kept;
    std::atomic<std::uint64_t> taken = 0;
};

// What one decision said, in a form that compares.
struct SeenDecision {
    std::uint64_t event = 0;
    streams::Outcome outcome{};
    streams::StreamMask streams = 0;
    std::vector<std::uint32_t> score_bits;  // of the paths
    std::vector<std::uint32_t> accepted;    // paths
    friend bool operator==(const SeenDecision&, const SeenDecision&) = default;
    friend auto operator<=>(const SeenDecision&, const SeenDecision&) = default;
};

class DecisionLog final : public daemon::DecisionObserver {
 public:
    void on_decision(const streams::Event& event, const streams::Decision& decision,
                     daemon::Delivery delivery) noexcept override;
    // By event number.
    [[nodiscard]] std::vector<SeenDecision> sorted() const;

    std::vector<SeenDecision> seen;
    std::vector<daemon::Delivery> deliveries;
};

// Sources 1 and 2, 64 slots, 1 MiB.
[[nodiscard]] daemon::Pipeline::Config small_config(std::size_t workers = 1, std::size_t batch = 8);

// A clock that tests move; each reading is 10 ns later.
void set_test_clock(std::uint64_t now_ns) noexcept;
[[nodiscard]] std::uint64_t test_clock() noexcept;

}  // namespace tamis::tests
