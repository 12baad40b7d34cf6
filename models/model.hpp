// The port of a model: events in, one score an event out. A Model is immutable and shared by all
// workers; a Scorer belongs to one thread and allocates nothing after its construction. A score
// depends on the event alone: not on the batch it sat in, the worker, or what was scored before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "models/event_inputs.hpp"
#include "models/manifest.hpp"

namespace tamis::models {

enum class ScoreStatus : std::uint8_t {
    scored,
    not_applicable,    // nothing in the event to score (no lepton, no cluster, no doublet, no bin):
                       // the path fails
    missing_input,     // no fragment carries the payload: the path fails
    malformed_input,   // the payload is broken: the event goes to the debug stream
    non_finite_input,  // NaN or infinity in the input: likewise
};

[[nodiscard]] std::string_view to_string(ScoreStatus status) noexcept;
// What a model answers when the payload it needs has that fault.
[[nodiscard]] ScoreStatus status_of(streams::PayloadFault fault) noexcept;

// Why an event got its score; spans live until the next score().
struct Explanation {
    std::span<const float>
        contributions;  // named by Model::contribution_names() or one per candidate
    std::span<const std::uint32_t> kept;  // candidates kept (doublets, clusters)
};

// The verdict of a threshold on one event. For a model with thresholds per candidate it is the
// candidate with the largest margin: its score and its threshold.
struct Cut {
    bool passed = false;
    float score = 0;
    float threshold = 0;
};

class Scorer {
 public:
    virtual ~Scorer() = default;

    // Scores events[0..n), n at most the max_events given to make_scorer; results are asked for by
    // position.
    virtual void score(std::span<EventInputs* const> events) noexcept = 0;

    [[nodiscard]] virtual ScoreStatus status(std::size_t position) const noexcept = 0;
    // The event's score: larger is more selected. 0 unless the status is scored.
    [[nodiscard]] virtual float score_of(std::size_t position) const noexcept = 0;
    [[nodiscard]] virtual Cut cut(std::size_t position,
                                  std::size_t working_point) const noexcept = 0;
    [[nodiscard]] virtual Explanation explanation(std::size_t position) const noexcept = 0;
};

class Model {
 public:
    virtual ~Model() = default;

    [[nodiscard]] virtual const Manifest& manifest() const noexcept = 0;
    // Identifies the model on the wire: of the manifest without provenance and of all network
    // files.
    [[nodiscard]] virtual std::uint64_t hash() const noexcept = 0;
    [[nodiscard]] virtual std::span<const std::string> contribution_names() const noexcept = 0;
    [[nodiscard]] std::optional<std::size_t> find_working_point(
        std::string_view name) const noexcept;

    // The model must outlive its scorers.
    [[nodiscard]] virtual std::unique_ptr<Scorer> make_scorer(std::size_t max_events) const = 0;

    // The table form, for files of features: each row holds values of input_columns(), each answer
    // the values of score_columns(), of which one is called "score". rows.size() must be a multiple
    // of the number of columns; a row that cannot be scored answers NaN. Cold path.
    [[nodiscard]] virtual std::span<const std::string> input_columns() const noexcept = 0;
    // Whether an input may have that value, and what may be one in words: most models take every
    // finite number.
    [[nodiscard]] virtual bool takes(double value) const noexcept;
    [[nodiscard]] virtual std::string_view input_form() const noexcept;
    [[nodiscard]] virtual std::span<const std::string> score_columns() const noexcept = 0;
    virtual void score_table(std::span<const float> rows, std::span<float> answers) const = 0;
};

}  // namespace tamis::models
