#include "streams/hdf5_soundness.hpp"

#include <fmt/core.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <type_traits>

namespace tamis::streams {

namespace {

static_assert(std::is_same_v<hid_t, std::int64_t>);

constexpr int kDeepestType = 8;  // of rows within rows

// UINT64_MAX where there is no such number.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

// The library's own count of values wraps around.
std::uint64_t value_count(hid_t space) {
    std::array<hsize_t, H5S_MAX_RANK> lengths{};
    const int rank = H5Sget_simple_extent_dims(space, lengths.data(), nullptr);
    std::uint64_t values = 1;
    for (int dimension = 0; dimension < rank; ++dimension) {
        values = product(values, lengths[static_cast<std::size_t>(dimension)]);
    }
    return values;
}

// Every member of a row, of rows within it and of arrays of rows, lies inside.
bool is_sound_type(hid_t type, int depth) {
    const H5T_class_t kind = H5Tget_class(type);
    if (kind != H5T_COMPOUND && kind != H5T_ARRAY) {
        return kind != H5T_NO_CLASS;
    }
    if (depth == kDeepestType) {
        return false;
    }
    if (kind == H5T_ARRAY) {
        const hid_t element = H5Tget_super(type);
        const bool is_sound = element >= 0 && is_sound_type(element, depth + 1);
        if (element >= 0) H5Tclose(element);
        return is_sound;
    }
    const std::size_t size = H5Tget_size(type);
    const int members = H5Tget_nmembers(type);
    bool is_sound = members > 0;
    for (int member = 0; member < members && is_sound; ++member) {
        const auto index = static_cast<unsigned>(member);
        const hid_t inner = H5Tget_member_type(type, index);
        const std::size_t offset = H5Tget_member_offset(type, index);
        const std::size_t inner_size = inner >= 0 ? H5Tget_size(inner) : 0;
        is_sound = inner_size > 0 && inner_size <= size && offset <= size - inner_size &&
                   is_sound_type(inner, depth + 1);
        if (inner >= 0) H5Tclose(inner);
    }
    return is_sound;
}

// Bytes of one chunk; 0 where the set has none.
std::uint64_t chunk_bytes(hid_t layout, std::uint64_t value_bytes) {
    std::array<hsize_t, H5S_MAX_RANK> lengths{};
    const int rank = H5Pget_layout(layout) == H5D_CHUNKED
                         ? H5Pget_chunk(layout, static_cast<int>(lengths.size()), lengths.data())
                         : 0;
    std::uint64_t bytes = rank > 0 ? value_bytes : 0;
    for (int dimension = 0; dimension < rank; ++dimension) {
        bytes = product(bytes, lengths[static_cast<std::size_t>(dimension)]);
    }
    return bytes;
}

std::string unsoundness(hid_t type, hid_t space, hid_t layout, std::uint64_t file_bytes) {
    if (H5Pget_external_count(layout) > 0 || H5Pget_layout(layout) == H5D_VIRTUAL) {
        return "its values lie in other files; right is a file that holds them";
    }
    if (!is_sound_type(type, 0)) {
        return "its type contradicts itself (damaged); right is a whole HDF5 file";
    }
    const std::uint64_t value_bytes = H5Tget_size(type);
    const std::uint64_t claimed = product(value_count(space), value_bytes);
    const std::uint64_t most = std::max(kFreeBytes, product(file_bytes, kMostUnpacked));
    if (const auto bytes = std::max(claimed, chunk_bytes(layout, value_bytes)); bytes > most) {
        return fmt::format(
            "it claims {} bytes in a file of {} (damaged, or nothing was written to it); right are "
            "at most {} times as many",
            bytes, file_bytes, kMostUnpacked);
    }
    return {};
}

}  // namespace

std::string unsoundness_of(std::int64_t data_set, std::uint64_t file_bytes) {
    const hid_t type = H5Dget_type(data_set);
    const hid_t space = H5Dget_space(data_set);
    const hid_t layout = H5Dget_create_plist(data_set);
    std::string wrong = "it cannot be read (damaged); right is a whole HDF5 file";
    if (type >= 0 && space >= 0 && layout >= 0) {
        wrong = unsoundness(type, space, layout, file_bytes);
    }
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (layout >= 0) H5Pclose(layout);
    return wrong;
}

}  // namespace tamis::streams
