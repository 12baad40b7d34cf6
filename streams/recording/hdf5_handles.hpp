// What the files behind hdf5_tables.hpp share of the HDF5 library; no other file includes it.
#pragma once

#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "streams/recording/hdf5_tables.hpp"

namespace tamis::streams::hdf5 {

static_assert(std::is_same_v<hid_t, std::int64_t>);

// One object of the library, closed with what it was opened by.
class Handle {
 public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close) noexcept : id_(id), close_(close) {}
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
        if (id_ >= 0) {
            close_(id_);
        }
    }
    [[nodiscard]] hid_t get() const noexcept { return id_; }
    [[nodiscard]] bool is_good() const noexcept { return id_ >= 0; }

 private:
    hid_t id_;
    Close close_;
};

inline hid_t number_type(ColumnType type) {
    switch (type) {
        case ColumnType::u8:
            return H5T_NATIVE_UINT8;
        case ColumnType::i32:
            return H5T_NATIVE_INT32;
        case ColumnType::u32:
            return H5T_NATIVE_UINT32;
        case ColumnType::u64:
            return H5T_NATIVE_UINT64;
        case ColumnType::f32:
            return H5T_NATIVE_FLOAT;
    }
    return H5T_NATIVE_FLOAT;
}

inline Handle row_type(std::span<const TableColumn> columns) {
    Handle type(H5Tcreate(H5T_COMPOUND, row_bytes(columns)), H5Tclose);
    std::size_t offset = 0;
    for (const TableColumn& column : columns) {
        if (column.count == 1) {
            H5Tinsert(type.get(), column.name.c_str(), offset, number_type(column.type));
        } else {
            const hsize_t length = column.count;
            const Handle array(H5Tarray_create2(number_type(column.type), 1, &length), H5Tclose);
            H5Tinsert(type.get(), column.name.c_str(), offset, array.get());
        }
        offset += column.bytes();
    }
    return type;
}

// The library prints every failure by default; here each is a returned text.
inline void keep_quiet() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

// Rows first .. first + count - 1 of a dataset, as a selection of its space.
inline bool select_rows(const Handle& space, std::span<const hsize_t> shape, hsize_t first,
                        hsize_t count) {
    std::vector<hsize_t> start(shape.size(), 0);
    std::vector<hsize_t> size(shape.begin(), shape.end());
    start[0] = first;
    size[0] = count;
    return H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, size.data(),
                               nullptr) >= 0;
}

inline std::vector<hsize_t> shape_of(const Handle& space) {
    const int rank = H5Sget_simple_extent_ndims(space.get());
    std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(rank, 0)));
    H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
    return shape;
}

}  // namespace tamis::streams::hdf5
