#include <filesystem>
#include <system_error>

#include "streams/hdf5_soundness.hpp"
#include "streams/recording/hdf5_handles.hpp"
#include "streams/recording/hdf5_tables.hpp"

namespace tamis::streams {
namespace {

using hdf5::Handle;
using hdf5::keep_quiet;
using hdf5::row_type;
using hdf5::select_rows;
using hdf5::shape_of;

}  // namespace

tl::expected<std::unique_ptr<Hdf5Reader>, std::string> Hdf5Reader::open(const std::string& path) {
    keep_quiet();
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) {
        return tl::unexpected("cannot read " + path + " (no HDF5 file, or damaged)");
    }
    return std::unique_ptr<Hdf5Reader>(new Hdf5Reader(file, path));
}

Hdf5Reader::Hdf5Reader(std::int64_t file, std::string path) : file_(file), path_(std::move(path)) {
    std::error_code unknown;  // of no size: then it may claim what any file may
    const auto bytes = std::filesystem::file_size(path_, unknown);
    bytes_ = unknown ? 0 : bytes;
}
Hdf5Reader::~Hdf5Reader() { H5Fclose(file_); }

bool Hdf5Reader::has(const std::string& dataset) const { return !shape(dataset).empty(); }

std::vector<std::uint64_t> Hdf5Reader::shape(const std::string& dataset) const {
    const Handle set(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    if (!set.is_good()) {
        return {};
    }
    const auto lengths = shape_of(Handle(H5Dget_space(set.get()), H5Sclose));
    return {lengths.begin(), lengths.end()};
}

tl::expected<std::vector<std::byte>, std::string> Hdf5Reader::read_rows(
    const std::string& table, std::span<const TableColumn> columns, std::uint64_t first,
    std::uint64_t count) {
    const Handle set(H5Dopen2(file_, table.c_str(), H5P_DEFAULT), H5Dclose);
    if (!set.is_good()) {
        return tl::unexpected(path_ + " has no table \"" + table + "\"");
    }
    if (const std::string wrong = unsoundness_of(set.get(), bytes_); !wrong.empty()) {
        return tl::unexpected(path_ + ": table \"" + table + "\": " + wrong);
    }
    const Handle stored(H5Dget_type(set.get()), H5Tclose);
    for (const TableColumn& column : columns) {
        if (H5Tget_class(stored.get()) != H5T_COMPOUND ||
            H5Tget_member_index(stored.get(), column.name.c_str()) < 0) {
            return tl::unexpected(path_ + ": table \"" + table + "\" has no column \"" +
                                  column.name + "\"");
        }
    }
    const Handle space(H5Dget_space(set.get()), H5Sclose);
    const auto shape = shape_of(space);
    std::vector<std::byte> rows(count * row_bytes(columns));
    const hsize_t length = count;
    const Handle memory(H5Screate_simple(1, &length, nullptr), H5Sclose);
    if (shape.size() != 1 || first + count > shape[0] || !select_rows(space, shape, first, count) ||
        H5Dread(set.get(), row_type(columns).get(), memory.get(), space.get(), H5P_DEFAULT,
                rows.data()) < 0) {
        return tl::unexpected(path_ + ": table \"" + table + "\" cannot be read at row " +
                              std::to_string(first) + " (damaged, or a column of another kind)");
    }
    return rows;
}

tl::expected<std::vector<float>, std::string> Hdf5Reader::read_numbers(const std::string& dataset,
                                                                       std::uint64_t first,
                                                                       std::uint64_t count) {
    const Handle set(H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT), H5Dclose);
    if (!set.is_good()) {
        return tl::unexpected(path_ + " has no dataset \"" + dataset + "\"");
    }
    if (const std::string wrong = unsoundness_of(set.get(), bytes_); !wrong.empty()) {
        return tl::unexpected(path_ + ": dataset \"" + dataset + "\": " + wrong);
    }
    const Handle space(H5Dget_space(set.get()), H5Sclose);
    const auto shape = shape_of(space);
    hsize_t size = count;
    for (std::size_t dimension = 1; dimension < shape.size(); ++dimension) {
        size *= shape[dimension];
    }
    std::vector<float> numbers(size);
    const Handle memory(H5Screate_simple(1, &size, nullptr), H5Sclose);
    if (shape.empty() || first + count > shape[0] || !select_rows(space, shape, first, count) ||
        H5Dread(set.get(), H5T_NATIVE_FLOAT, memory.get(), space.get(), H5P_DEFAULT,
                numbers.data()) < 0) {
        return tl::unexpected(path_ + ": dataset \"" + dataset + "\" cannot be read at row " +
                              std::to_string(first) + " (damaged, or no numbers)");
    }
    return numbers;
}

std::size_t Hdf5Reader::array_length(const std::string& table, const std::string& column) const {
    const Handle set(H5Dopen2(file_, table.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle stored(set.is_good() ? H5Dget_type(set.get()) : -1, H5Tclose);
    const int index = stored.is_good() ? H5Tget_member_index(stored.get(), column.c_str()) : -1;
    if (index < 0) {
        return 0;
    }
    const Handle type(H5Tget_member_type(stored.get(), static_cast<unsigned>(index)), H5Tclose);
    hsize_t length = 1;
    if (H5Tget_class(type.get()) == H5T_ARRAY &&
        (H5Tget_array_ndims(type.get()) != 1 || H5Tget_array_dims2(type.get(), &length) < 0)) {
        return 0;
    }
    return length;
}

std::optional<std::string> Hdf5Reader::text(const std::string& name) const {
    const Handle attribute(H5Aopen(file_, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute.is_good()) {
        return std::nullopt;
    }
    const Handle type(H5Aget_type(attribute.get()), H5Tclose);
    const Handle space(H5Aget_space(attribute.get()), H5Sclose);
    if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 ||
        H5Sget_simple_extent_npoints(space.get()) != 1) {
        return std::nullopt;
    }
    std::string text(std::min(H5Tget_size(type.get()), kMostTextBytes + 1), '\0');
    if (text.size() > kMostTextBytes || H5Aread(attribute.get(), type.get(), text.data()) < 0) {
        return std::nullopt;
    }
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
}

}  // namespace tamis::streams
