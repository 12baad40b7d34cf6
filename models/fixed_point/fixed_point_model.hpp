// Kinds "axol1tl" and "cicada": fixed-point networks over FEATURES payloads of whole numbers. The
// network's file is its layer table (layer_table_reader), the score is exact in single precision.
// Manifest: as many features as the schema has, without offset or scale (the table scales); flat
// thresholds; no parameters. Columns of the table form: the row in; score and the terms of its last
// sum out, called after the table's array with _<index>. Contributions are those terms.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "models/fixed_point/layer_table.hpp"
#include "models/model.hpp"

namespace tamis::models {

enum class AnomalyTrigger : std::uint8_t { axol1tl, cicada };

[[nodiscard]] std::string_view to_string(AnomalyTrigger trigger) noexcept;
[[nodiscard]] std::string_view schema_of(AnomalyTrigger trigger) noexcept;
[[nodiscard]] std::vector<FeatureSpec> features_of(AnomalyTrigger trigger);

// Does the table take what the trigger sees? The error says what it takes.
[[nodiscard]] tl::expected<void, std::string> check_inputs(AnomalyTrigger trigger,
                                                           const LayerTable& table);

// `files`: the contents of the manifest's network files, one layer table. Errors: what the table or
// the manifest is not as above.
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_axol1tl(
    const Manifest& manifest, std::span<const std::string> files);
[[nodiscard]] tl::expected<std::shared_ptr<const Model>, std::string> load_cicada(
    const Manifest& manifest, std::span<const std::string> files);

}  // namespace tamis::models
