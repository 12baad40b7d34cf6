#include "streams/table_file.hpp"

#include "streams/csv_table.hpp"
#include "streams/hdf5_table.hpp"

namespace tamis::streams {

namespace {

bool is_hdf5(const std::filesystem::path& file) {
    return file.extension() == ".h5" || file.extension() == ".hdf5";
}

}  // namespace

tl::expected<NumberTable, std::string> read_table_file(const std::filesystem::path& file) {
    return is_hdf5(file) ? read_hdf5_table(file) : read_csv_table(file);
}

std::string place_of_row(const std::filesystem::path& file, std::size_t index) {
    NumberTable table;
    table.file = file;
    table.has_lines = !is_hdf5(file);
    return table.place_of_row(index);
}

}  // namespace tamis::streams
