#include "streams/hdf5_table.hpp"

#include <fmt/core.h>
#include <hdf5.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "streams/hdf5_soundness.hpp"
#include "streams/rehearsal.hpp"

namespace tamis::streams {

namespace {

// A table of this size fits any machine that trains on it; a damaged file may claim more.
constexpr hsize_t kMostValues = hsize_t{1} << 31U;

// An identifier of the library, given back at the end.
class Handle {
 public:
    using Close = herr_t (*)(hid_t);
    Handle(hid_t id, Close close) : id_(id), close_(close) {}
    ~Handle() {
        if (id_ >= 0) close_(id_);
    }
    Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Handle& operator=(Handle&&) = delete;
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    [[nodiscard]] hid_t id() const { return id_; }
    [[nodiscard]] bool is_open() const { return id_ >= 0; }

 private:
    hid_t id_;
    Close close_;
};

bool is_number(H5T_class_t kind) { return kind == H5T_INTEGER || kind == H5T_FLOAT; }

// One data set of the file and what it is.
struct DataSet {
    std::string path;
    H5T_class_t kind = H5T_NO_CLASS;
    std::vector<hsize_t> shape;

    [[nodiscard]] std::string name() const { return path.substr(path.rfind('/') + 1); }
};

herr_t note_data_set(hid_t root, const char* name, const H5O_info_t* info, void* context) {
    if (info->type != H5O_TYPE_DATASET) return 0;
    const Handle set(H5Dopen2(root, name, H5P_DEFAULT), H5Dclose);
    const Handle type(H5Dget_type(set.id()), H5Tclose);
    const Handle space(H5Dget_space(set.id()), H5Sclose);
    if (!set.is_open() || !type.is_open() || !space.is_open()) return -1;
    DataSet found{.path = name, .kind = H5Tget_class(type.id()), .shape = {}};
    const int rank = H5Sget_simple_extent_ndims(space.id());
    if (rank > 0) {
        found.shape.resize(static_cast<std::size_t>(rank));
        H5Sget_simple_extent_dims(space.id(), found.shape.data(), nullptr);
    }
    static_cast<std::vector<DataSet>*>(context)->push_back(std::move(found));
    return 0;
}

// Strings of an attribute or data set, of either kind of string.
std::vector<std::string> strings_of(hid_t type, std::size_t count,
                                    const std::function<herr_t(hid_t, void*)>& read, hid_t space) {
    std::vector<std::string> strings;
    const Handle memory_type(H5Tcopy(type), H5Tclose);
    if (H5Tis_variable_str(type) > 0) {
        std::vector<char*> pointers(count, nullptr);
        if (read(memory_type.id(), static_cast<void*>(pointers.data())) < 0) return strings;
        for (const char* pointer : pointers)
            strings.emplace_back(pointer == nullptr ? "" : pointer);
        H5Dvlen_reclaim(memory_type.id(), space, H5P_DEFAULT, static_cast<void*>(pointers.data()));
        return strings;
    }
    const std::size_t size = H5Tget_size(type);
    if (size == 0 || count > kMostTextBytes / size) return strings;
    std::vector<char> bytes(count * size);
    if (read(memory_type.id(), bytes.data()) < 0) return strings;
    for (std::size_t i = 0; i < count; ++i) {
        const char* const begin = bytes.data() + i * size;
        std::string text(begin, strnlen(begin, size));
        text.erase(text.find_last_not_of(' ') + 1);
        strings.push_back(std::move(text));
    }
    return strings;
}

class Reader {
 public:
    Reader(const std::filesystem::path& file, hid_t id) : file_(file), id_(id) {
        std::error_code unknown;  // of no size: then it may claim what any file may
        const auto bytes = std::filesystem::file_size(file, unknown);
        file_bytes_ = unknown ? 0 : bytes;
    }

    [[nodiscard]] tl::expected<NumberTable, std::string> read();

 private:
    [[nodiscard]] tl::unexpected<std::string> refuse(const std::string& set,
                                                     const std::string& what) const {
        return tl::unexpected(fmt::format("{}: data set {}: {}", file_.string(), set, what));
    }
    [[nodiscard]] tl::expected<void, std::string> find_sets();
    [[nodiscard]] tl::expected<void, std::string> add_matrix(const DataSet& set);
    [[nodiscard]] tl::expected<void, std::string> add_compound(const DataSet& set);
    [[nodiscard]] tl::expected<void, std::string> add_column(const DataSet& set);
    [[nodiscard]] std::vector<std::string> names_of(const DataSet& matrix, hid_t set) const;
    [[nodiscard]] tl::expected<void, std::string> take_rows(const DataSet& set, hid_t id,
                                                            std::size_t columns);
    [[nodiscard]] tl::expected<NumberTable, std::string> joined() const;

    const std::filesystem::path& file_;
    hid_t id_;
    std::uint64_t file_bytes_ = 0;
    std::uint64_t values_ = 0;  // of all columns
    std::vector<DataSet> sets_;
    std::size_t rows_ = 0;
    std::string rows_from_;           // the data set that said so
    std::vector<std::string> names_;  // of columns
    std::vector<std::vector<double>> columns_;
};

tl::expected<void, std::string> Reader::find_sets() {
    if (H5Ovisit2(id_, H5_INDEX_NAME, H5_ITER_INC, note_data_set, &sets_, H5O_INFO_BASIC) < 0) {
        return tl::unexpected(
            fmt::format("{}: its groups cannot be read (the file is damaged); right is a whole "
                        "HDF5 file",
                        file_.string()));
    }
    return {};
}

// Every column has as many rows as the first, and all together no more than such a file can hold.
tl::expected<void, std::string> Reader::take_rows(const DataSet& set, hid_t id,
                                                  std::size_t columns) {
    if (const std::string wrong = unsoundness_of(id, file_bytes_); !wrong.empty()) {
        return refuse(set.path, wrong);
    }
    const std::size_t rows = set.shape.front();
    if (rows > kMostValues) {
        return refuse(set.path, fmt::format("{} rows; right are at most {}", rows, kMostValues));
    }
    if (!rows_from_.empty() && rows != rows_) {
        return refuse(set.path, fmt::format("{} rows where {} has {}; right are columns of one "
                                            "length",
                                            rows, rows_from_, rows_));
    }
    values_ += rows * columns;
    if (values_ > std::max(kFreeBytes, file_bytes_ * kMostUnpacked)) {
        return refuse(set.path, fmt::format("the file claims {} values or more in its {} bytes "
                                            "(damaged); right are at most {} for each",
                                            values_, file_bytes_, kMostUnpacked));
    }
    rows_ = rows;
    rows_from_ = set.path;
    return {};
}

std::vector<std::string> Reader::names_of(const DataSet& matrix, hid_t set) const {
    const auto columns = static_cast<std::size_t>(matrix.shape[1]);
    for (const char* const name : {"columns", "names"}) {
        if (H5Aexists(set, name) <= 0) continue;
        const Handle attribute(H5Aopen(set, name, H5P_DEFAULT), H5Aclose);
        const Handle type(H5Aget_type(attribute.id()), H5Tclose);
        const Handle space(H5Aget_space(attribute.id()), H5Sclose);
        if (H5Tget_class(type.id()) != H5T_STRING ||
            H5Sget_simple_extent_npoints(space.id()) != static_cast<hssize_t>(columns)) {
            continue;
        }
        return strings_of(
            type.id(), columns, [&](hid_t as, void* to) { return H5Aread(attribute.id(), as, to); },
            space.id());
    }
    for (const DataSet& other : sets_) {
        if (other.kind != H5T_STRING || other.shape != std::vector<hsize_t>{columns}) continue;
        const Handle from(H5Dopen2(id_, other.path.c_str(), H5P_DEFAULT), H5Dclose);
        const Handle type(H5Dget_type(from.id()), H5Tclose);
        const Handle space(H5Dget_space(from.id()), H5Sclose);
        return strings_of(
            type.id(), columns,
            [&](hid_t as, void* to) {
                return H5Dread(from.id(), as, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
            },
            space.id());
    }
    std::vector<std::string> numbered(columns);
    for (std::size_t i = 0; i < columns; ++i) numbered[i] = fmt::format("x{}", i);
    return numbered;
}

tl::expected<void, std::string> Reader::add_matrix(const DataSet& set) {
    if (set.shape[1] == 0 || set.shape[0] > kMostValues / set.shape[1]) {
        return refuse(set.path, fmt::format("{} x {} values; right is at least one column and at "
                                            "most {} values",
                                            set.shape[0], set.shape[1], kMostValues));
    }
    const Handle from(H5Dopen2(id_, set.path.c_str(), H5P_DEFAULT), H5Dclose);
    const auto width = static_cast<std::size_t>(set.shape[1]);
    if (auto taken = take_rows(set, from.id(), width); !taken) return taken;
    std::vector<double> values(rows_ * width);
    if (H5Dread(from.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        return refuse(set.path, "cannot be read (damaged, or of a filter this library lacks)");
    }
    names_ = names_of(set, from.id());
    if (names_.size() != width) {
        return refuse(set.path, "the names of its columns cannot be read");
    }
    for (std::size_t column = 0; column < width; ++column) {
        auto& to = columns_.emplace_back(rows_);
        for (std::size_t row = 0; row < rows_; ++row) to[row] = values[row * width + column];
    }
    return {};
}

tl::expected<void, std::string> Reader::add_compound(const DataSet& set) {
    const Handle from(H5Dopen2(id_, set.path.c_str(), H5P_DEFAULT), H5Dclose);
    const Handle type(H5Dget_type(from.id()), H5Tclose);
    const int members = H5Tget_nmembers(type.id());
    if (auto taken = take_rows(set, from.id(), static_cast<std::size_t>(std::max(members, 1)));
        !taken) {
        return taken;
    }
    for (int member = 0; member < members; ++member) {
        const auto index = static_cast<unsigned>(member);
        if (!is_number(H5Tget_member_class(type.id(), index))) continue;
        char* const name = H5Tget_member_name(type.id(), index);
        const std::string column = name == nullptr ? "" : name;
        H5free_memory(name);
        const Handle one(H5Tcreate(H5T_COMPOUND, sizeof(double)), H5Tclose);
        H5Tinsert(one.id(), column.c_str(), 0, H5T_NATIVE_DOUBLE);
        auto& to = columns_.emplace_back(rows_);
        if (H5Dread(from.id(), one.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, to.data()) < 0) {
            return refuse(set.path, fmt::format("member {} cannot be read (damaged)", column));
        }
        names_.push_back(column);
    }
    return {};
}

tl::expected<void, std::string> Reader::add_column(const DataSet& set) {
    const Handle from(H5Dopen2(id_, set.path.c_str(), H5P_DEFAULT), H5Dclose);
    if (auto taken = take_rows(set, from.id(), 1); !taken) return taken;
    auto& to = columns_.emplace_back(rows_);
    if (H5Dread(from.id(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, to.data()) < 0) {
        return refuse(set.path, "cannot be read (damaged, or of a filter this library lacks)");
    }
    names_.push_back(set.name());
    return {};
}

tl::expected<NumberTable, std::string> Reader::joined() const {
    NumberTable table{.columns = {}, .values = {}, .words = {}, .file = file_, .has_lines = false};
    for (const std::string& name : names_) {
        if (table.find_column(name)) {
            return tl::unexpected(fmt::format("{}: column {} is there twice; names must differ",
                                              file_.string(), name));
        }
        table.columns.push_back(name);
    }
    table.words.resize(names_.size());
    table.values.reserve(rows_ * names_.size());
    for (std::size_t row = 0; row < rows_; ++row) {
        for (const auto& column : columns_) table.values.push_back(column[row]);
    }
    return table;
}

tl::expected<NumberTable, std::string> Reader::read() {
    if (auto found = find_sets(); !found) return tl::unexpected(found.error());
    const DataSet* matrix = nullptr;
    for (const DataSet& set : sets_) {
        const bool is_table = (set.shape.size() == 2 && is_number(set.kind)) ||
                              (set.shape.size() == 1 && set.kind == H5T_COMPOUND);
        if (!is_table) continue;
        if (matrix != nullptr) {
            return refuse(set.path, fmt::format("a second table beside {}; right is one "
                                                "two-dimensional or compound data set",
                                                matrix->path));
        }
        matrix = &set;
    }
    if (matrix != nullptr) {
        auto added = matrix->kind == H5T_COMPOUND ? add_compound(*matrix) : add_matrix(*matrix);
        if (!added) return tl::unexpected(added.error());
    }
    for (const DataSet& set : sets_) {
        if (set.shape.size() != 1 || !is_number(set.kind)) continue;
        if (auto added = add_column(set); !added) return tl::unexpected(added.error());
    }
    if (columns_.empty()) {
        return tl::unexpected(fmt::format(
            "{}: no data set of numbers; right is one of two dimensions, a compound one, or one of "
            "one dimension for each column",
            file_.string()));
    }
    return joined();
}

}  // namespace

tl::expected<NumberTable, std::string> read_sound_hdf5_table(const std::filesystem::path& file) {
    // What is wrong goes into our messages, not to standard error.
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const Handle opened(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    if (!opened.is_open()) {
        return tl::unexpected(fmt::format(
            "{}: cannot be opened (absent, damaged or no HDF5 file); right is a whole HDF5 file",
            file.string()));
    }
    return Reader(file, opened.id()).read();
}

tl::expected<NumberTable, std::string> read_hdf5_table(const std::filesystem::path& file) {
    const auto rehearsed = rehearse(file, "the HDF5 library",
                                    [&file] { static_cast<void>(read_sound_hdf5_table(file)); });
    return rehearsed ? read_sound_hdf5_table(file) : tl::make_unexpected(rehearsed.error());
}

}  // namespace tamis::streams
