// Hashes that identify network files and models. Cold path; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "models/manifest.hpp"

namespace tamis::models {

// SHA-256 as 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_of(std::span<const std::byte> bytes);

// The first eight bytes of the SHA-256 over everything in the manifest but its provenance; the
// network files are in it by their own hashes. Equal on every machine.
[[nodiscard]] std::uint64_t model_hash(const Manifest& manifest);

}  // namespace tamis::models
