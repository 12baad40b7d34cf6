// Any content of an HDF5 file, as a table of numbers and as events: it is read or refused with a
// reason, without an end of memory, and alike when it is read again. The input is a recipe from
// which the HDF5 library writes the file, so that its own faults with damaged files (why readers
// rehearse, streams/rehearsal.hpp) do not hide ours.
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <gsl/assert>
#include <span>
#include <string>
#include <vector>

#include "streams/hdf5_table.hpp"
#include "streams/recording/hdf5_event_columns.hpp"
#include "streams/recording/hdf5_event_source.hpp"
#include "streams/recording/hdf5_handles.hpp"

namespace {

using namespace tamis::streams;

class Recipe {
 public:
    explicit Recipe(std::span<const std::uint8_t> bytes) : rest_(bytes) {}
    [[nodiscard]] bool is_empty() const { return rest_.empty(); }
    std::uint8_t next() {
        const std::uint8_t byte = rest_.empty() ? 0 : rest_.front();
        rest_ = rest_.subspan(rest_.empty() ? 0 : 1);
        return byte;
    }
    // Zeros behind the end.
    std::vector<char> take(std::size_t count) {
        std::vector<char> bytes(count);
        std::ranges::generate(bytes, [this] { return static_cast<char>(next()); });
        return bytes;
    }

 private:
    std::span<const std::uint8_t> rest_;
};

hid_t element_type(std::uint8_t choice) {
    const std::array types = {H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE, H5T_STD_I8LE,     H5T_STD_U16BE,
                              H5T_NATIVE_INT32, H5T_NATIVE_UINT32, H5T_NATIVE_UINT64};
    return types[choice % types.size()];
}

// The row of one of our tables; a choice of 1 to 31 leaves out or changes the column of that
// number.
hid_t row_type(std::uint8_t table, std::uint8_t choice) {
    const std::array<std::vector<TableColumn>, 5> tables = {
        event_content_columns(), lepton_columns(), jet_columns(), cluster_columns(),
        feature_columns(1 + choice / 32)};
    const auto& columns = tables[table % tables.size()];
    const hid_t type = H5Tcreate(H5T_COMPOUND, 8 + 8 * row_bytes(columns));
    std::size_t offset = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const bool is_odd = i + 1 == choice % 32;
        if (is_odd && choice >= 128) continue;
        const hid_t element =
            is_odd ? element_type(choice / 32) : hdf5::number_type(columns[i].type);
        const hsize_t count = columns[i].count;
        const hid_t cell = count == 1 ? H5Tcopy(element) : H5Tarray_create2(element, 1, &count);
        H5Tinsert(type, columns[i].name.c_str(), offset, cell);
        offset += H5Tget_size(cell);
        H5Tclose(cell);
    }
    H5Tset_size(type, std::max<std::size_t>(offset, 1));
    return type;
}

hid_t text_type(std::uint8_t length) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, length == 0 ? H5T_VARIABLE : length);
    return type;
}

void write_text(hid_t of, const char* name, Recipe& recipe) {
    const std::uint8_t length = recipe.next() % 16;
    const hsize_t count = recipe.next() % 4;
    const hid_t type = text_type(length);
    const hid_t space = count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, nullptr);
    const hid_t attribute = H5Acreate2(of, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const hsize_t texts = std::max<hsize_t>(count, 1);
    std::vector<char> bytes = recipe.take(texts * std::max<std::size_t>(length, 4));
    bytes.push_back('\0');
    const std::vector<const char*> pointers(texts, bytes.data());
    const void* const values = length == 0 ? static_cast<const void*>(pointers.data())
                                           : static_cast<const void*>(bytes.data());
    H5Awrite(attribute, type, values);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

std::vector<hsize_t> shape_of_recipe(Recipe& recipe) {
    const std::uint8_t form = recipe.next();
    std::vector<hsize_t> shape = {0, 19, 4};
    if (form % 8 == 7) {
        shape.front() = recipe.next() % 8;
    } else {
        shape.resize(1 + form % 8 / 3);
        for (hsize_t& length : shape) length = recipe.next() % 8;
    }
    // A claim of far more than is there.
    if (form >= 240) shape.front() = hsize_t{1} << recipe.next() % 63;
    return shape;
}

void write_set(hid_t file, Recipe& recipe) {
    constexpr std::array kNames = {"events",   "electrons", "muons", "jets", "clusters",
                                   "features", "Particles", "a",     "b",    "g/c"};
    const std::uint8_t name = recipe.next() % kNames.size();
    const std::uint8_t kind = recipe.next();
    const hid_t type = kind >= 128  ? row_type(kind, recipe.next())
                       : kind >= 96 ? text_type(kind % 8 + 1)
                                    : H5Tcopy(element_type(kind));
    const auto shape = shape_of_recipe(recipe);
    const auto rank = static_cast<int>(shape.size());
    const hid_t space = H5Screate_simple(rank, shape.data(), nullptr);
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    const bool is_small = points >= 0 && points <= 4096;
    if (!is_small) {
        const std::vector<hsize_t> chunk(shape.size(), 4);
        H5Pset_chunk(layout, rank, chunk.data());
    }
    const hid_t set = H5Dcreate2(file, kNames[name], type, space, links, layout, H5P_DEFAULT);
    if (set >= 0 && is_small) {
        const auto bytes = recipe.take(static_cast<std::size_t>(points) * H5Tget_size(type));
        H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
    }
    if (set >= 0 && recipe.next() % 4 == 1) write_text(set, "columns", recipe);
    if (set >= 0) H5Dclose(set);
    H5Pclose(layout);
    H5Pclose(links);
    H5Sclose(space);
    H5Tclose(type);
}

void write_file(const std::string& path, Recipe recipe) {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    Ensures(file >= 0);
    if (recipe.next() % 2 == 1) write_text(file, "tamis_export", recipe);
    if (recipe.next() % 2 == 1) write_text(file, "feature_schema", recipe);
    for (int set = 0; set < 8 && !recipe.is_empty(); ++set) write_set(file, recipe);
    H5Fclose(file);
}

void read_table(const std::string& path) {
    const auto table = read_sound_hdf5_table(path);
    if (!table) {
        Ensures(table.error().find(path) != std::string::npos);
        return;
    }
    Ensures(!table->columns.empty() && table->values.size() % table->columns.size() == 0);
    const auto again = read_sound_hdf5_table(path);
    Ensures(again && again->columns == table->columns &&
            again->values.size() == table->values.size());
}

void read_events(const std::string& path, Hdf5Layout layout) {
    const auto source = make_hdf5_event_source(path, layout);
    if (!source) {
        Ensures(!source.error().empty());
        return;
    }
    std::uint64_t rows = 0;
    const auto count = [&rows](const RowProblem& problem) {
        Ensures(!problem.what.empty());
        ++rows;
    };
    while (const auto event = (*source)->next(count)) {
        Ensures(event->features.empty() || event->features.size() <= 8);
        ++rows;
    }
    Ensures(rows <= (*source)->row_count());
    Ensures(!(*source)->error().empty() || rows == (*source)->row_count());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string path = std::filesystem::temp_directory_path() /
                                    ("tamis_hdf5_fuzz_" + std::to_string(getpid()) + ".h5");
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    write_file(path, Recipe(std::span(data, size)));
    Ensures(is_hdf5_file(path));
    read_table(path);
    const auto layout = detect_hdf5_layout(path);
    Ensures(layout || !layout.error().empty());
    read_events(path, Hdf5Layout::tamis_hdf5);
    read_events(path, Hdf5Layout::adc2021);
    std::filesystem::remove(path);
    return 0;
}
