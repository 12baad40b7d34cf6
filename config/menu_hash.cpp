#include <sodium.h>

#include <array>
#include <bit>
#include <cstring>
#include <gsl/assert>

#include "config/menu_reader.hpp"

namespace tamis::config {

namespace {

// The menu's meaning as bytes that can be told apart: every text behind its length, every list
// behind its count, numbers little-endian.
class Canon {
 public:
    void add(std::uint64_t number) {
        for (int shift = 0; shift < 64; shift += 8) {
            bytes_.push_back(static_cast<char>(number >> shift & 0xFFU));
        }
    }
    void add(std::string_view text) {
        add(text.size());
        bytes_.append(text);
    }
    // The sign of zero does not change a comparison.
    void add(double number) { add(std::bit_cast<std::uint64_t>(number == 0 ? 0.0 : number)); }

    [[nodiscard]] std::uint64_t hash() const {
        std::array<unsigned char, crypto_generichash_BYTES_MIN> digest{};
        const int failed = crypto_generichash(digest.data(), digest.size(),
                                              reinterpret_cast<const unsigned char*>(bytes_.data()),
                                              bytes_.size(), nullptr, 0);
        Ensures(failed == 0);
        std::uint64_t value = 0;
        for (int i = 7; i >= 0; --i) {
            value = value << 8U | digest[static_cast<std::size_t>(i)];
        }
        return value;
    }

 private:
    std::string bytes_;
};

void add_path(Canon& canon, const Path& path) {
    canon.add(path.name);
    canon.add(static_cast<std::uint64_t>(path.kind));
    canon.add(path.seed.any_of.size());
    for (const auto& alternative : path.seed.any_of) {
        canon.add(alternative.size());
        for (const SeedCondition& condition : alternative) {
            canon.add(condition.quantity);
            canon.add(static_cast<std::uint64_t>(condition.comparison));
            canon.add(condition.value);
        }
    }
    canon.add(static_cast<std::uint64_t>(path.cut.has_value()));
    if (path.cut) {
        canon.add(path.cut->model);
        canon.add(path.cut->working_point.value_or(""));
        canon.add(static_cast<std::uint64_t>(path.cut->threshold.has_value()));
        canon.add(path.cut->threshold.value_or(0));
    }
    canon.add(static_cast<std::uint64_t>(path.prescale));
    canon.add(path.streams.size());
    for (const std::string& stream : path.streams) {
        canon.add(stream);
    }
    if (path.takes_incomplete) {  // a menu without it keeps the hash that it had before
        canon.add("takes_incomplete");
    }
}

}  // namespace

std::uint64_t menu_hash(const Menu& menu) {
    Canon canon;
    canon.add("tamis menu 1");
    canon.add(menu.name);
    canon.add(menu.version);
    canon.add(menu.models.size());
    for (const MenuModel& model : menu.models) {
        canon.add(model.name);
    }
    canon.add(menu.streams.size());
    for (const MenuStream& stream : menu.streams) {
        canon.add(stream.name);
    }
    canon.add(menu.debug_stream);
    canon.add(menu.paths.size());
    for (const Path& path : menu.paths) {
        add_path(canon, path);
    }
    return canon.hash();
}

}  // namespace tamis::config
