#include "models/model_hash.hpp"

#include <sodium/crypto_hash_sha256.h>

#include <array>
#include <bit>
#include <string_view>

namespace tamis::models {
namespace {

using Digest = std::array<unsigned char, crypto_hash_sha256_BYTES>;

// Feeds values with their lengths, so that no two manifests give the same bytes.
class ManifestDigest {
 public:
    ManifestDigest() { crypto_hash_sha256_init(&state_); }

    void add(std::uint64_t value) {
        std::array<unsigned char, 8> bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<unsigned char>(value >> (8 * i));
        }
        crypto_hash_sha256_update(&state_, bytes.data(), bytes.size());
    }
    void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
    void add(std::string_view text) {
        add(std::uint64_t{text.size()});
        crypto_hash_sha256_update(&state_, reinterpret_cast<const unsigned char*>(text.data()),
                                  text.size());
    }
    void add(const std::vector<double>& values) {
        add(std::uint64_t{values.size()});
        for (const double value : values) {
            add(value);
        }
    }
    template <class... Values>
    void add_all(const Values&... values) {
        (add(values), ...);
    }
    [[nodiscard]] Digest finish() {
        Digest digest{};
        crypto_hash_sha256_final(&state_, digest.data());
        return digest;
    }

 private:
    crypto_hash_sha256_state state_{};
};

// What is absent counts as nothing and is told from 0 by the number of values.
void add_interval(ManifestDigest& digest, const ThresholdBin& bin) {
    std::vector<double> values;
    for (const auto& end : {bin.offset_low, bin.offset_high}) {
        digest.add(std::uint64_t{end.has_value()});
        if (end) {
            values.push_back(*end);
        }
    }
    if (bin.extrapolated) {
        const TailEstimate& tail = *bin.extrapolated;
        values.insert(values.end(), {tail.above, static_cast<double>(tail.exceedances), tail.shape,
                                     tail.shape_error, tail.scale, tail.scale_error});
    }
    digest.add(values);
}

void add_working_point(ManifestDigest& digest, const WorkingPoint& point) {
    digest.add(std::string_view(point.name));
    digest.add(std::uint64_t{point.bins.size()});
    for (const ThresholdBin& bin : point.bins) {
        digest.add_all(bin.et_low_gev, bin.et_high_gev, bin.eta_low, bin.eta_high, bin.slope,
                       bin.offset, bin.pileup_low, bin.pileup_high);
        add_interval(digest, bin);
    }
    digest.add_all(point.mu_low, point.mu_high, point.background_fraction,
                   point.background_fraction_low, point.background_fraction_high,
                   point.signal_efficiency, point.signal_efficiency_low,
                   point.signal_efficiency_high, std::uint64_t{static_cast<unsigned>(point.target)},
                   point.wanted, point.input_rate_hz);
}

}  // namespace

std::string sha256_of(std::span<const std::byte> bytes) {
    Digest digest{};
    crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size());
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const unsigned char byte : digest) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::uint64_t model_hash(const Manifest& manifest) {
    ManifestDigest digest;
    for (const std::string* text :
         {&manifest.name, &manifest.version, &manifest.kind, &manifest.schema}) {
        digest.add(std::string_view(*text));
    }
    digest.add(std::uint64_t{manifest.features.size()});
    for (const FeatureSpec& feature : manifest.features) {
        digest.add_all(std::string_view(feature.name), std::string_view(feature.unit),
                       feature.offset, feature.scale);
    }
    digest.add(std::uint64_t{manifest.networks.size()});
    for (const NetworkFile& network : manifest.networks) {
        digest.add_all(std::string_view(network.file), std::string_view(network.sha256),
                       network.et_low_gev, network.et_high_gev, network.eta_low, network.eta_high);
    }
    digest.add(std::uint64_t{manifest.working_points.size()});
    for (const WorkingPoint& point : manifest.working_points) {
        add_working_point(digest, point);
    }
    digest.add(std::uint64_t{manifest.parameters.size()});
    for (const Parameter& parameter : manifest.parameters) {
        digest.add(std::string_view(parameter.name));
        digest.add(parameter.values);
    }
    digest.add(std::uint64_t{manifest.golden.size()});
    for (const GoldenVector& golden : manifest.golden) {
        digest.add(golden.input);
        digest.add(golden.output);
        digest.add(golden.relative_tolerance);
    }
    const Digest result = digest.finish();
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        hash |= std::uint64_t{result[i]} << (8 * i);
    }
    return hash;
}

}  // namespace tamis::models
