#include "streams/csv_table.hpp"

#include <csv.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <system_error>

namespace tamis::streams {

namespace {

// What libcsv's callbacks fill.
struct Reading {
    const std::filesystem::path& file;
    CsvTable table;
    std::size_t line = 1;
    std::size_t column = 0;
    std::string error;

    void fail(const std::string& what) {
        if (error.empty()) {
            error = fmt::format("{}:{}: {}", file.string(), line, what);
        }
    }
};

void on_field(void* bytes, std::size_t size, void* context) {
    Reading& reading = *static_cast<Reading*>(context);
    const std::string_view text(static_cast<const char*>(bytes), size);
    if (!reading.error.empty()) {
        return;
    }
    if (reading.line == 1) {
        if (reading.table.find_column(text)) {
            reading.fail(fmt::format("column {} is named twice; names must differ", text));
        }
        reading.table.columns.emplace_back(text);
        reading.table.words.emplace_back();
        return;
    }
    const std::size_t column = reading.column++;
    if (column >= reading.table.columns.size()) {
        reading.fail(fmt::format("more fields than the {} columns of the header",
                                 reading.table.columns.size()));
        return;
    }
    double value = std::numeric_limits<double>::quiet_NaN();
    if (!text.empty()) {
        const auto [end, status] = std::from_chars(text.data(), text.data() + size, value);
        if (status != std::errc{} || end != text.data() + size) {
            value = std::numeric_limits<double>::quiet_NaN();
            std::string& word = reading.table.words[column];
            if (word.empty()) {
                word = fmt::format(
                    "{}:{}: column {}: '{}' is no number; write it like 12.5 or 3e-4",
                    reading.file.string(), reading.line, reading.table.columns[column], text);
            }
        }
    }
    reading.table.values.push_back(value);
}

void on_row_end(int /*terminator*/, void* context) {
    Reading& reading = *static_cast<Reading*>(context);
    if (reading.line > 1 && reading.error.empty() &&
        reading.column != reading.table.columns.size()) {
        reading.fail(fmt::format("{} fields where the header names {} columns", reading.column,
                                 reading.table.columns.size()));
    }
    reading.column = 0;
    ++reading.line;
}

// The shortest text that reads back as this float. A number in few binary places (a count, a
// fixed-point score) is written in full, so that it is equal to itself when read as a double too.
std::string text_of(float value) {
    constexpr float kFewPlaces = 65536;
    const bool is_short = value * kFewPlaces == std::trunc(value * kFewPlaces);
    return is_short ? fmt::format("{}", double{value}) : fmt::format("{}", value);
}

}  // namespace

tl::expected<CsvTable, std::string> read_csv_table(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
        return tl::unexpected(fmt::format("{}: cannot be opened ({})", file.string(),
                                          std::generic_category().message(errno)));
    }
    csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        return tl::unexpected(std::string("the CSV reader could not be made (out of memory)"));
    }
    Reading reading{file, {}, 1, 0, {}};
    reading.table.file = file;
    std::array<char, 1 << 16> buffer;
    while (stream && reading.error.empty()) {
        stream.read(buffer.data(), buffer.size());
        const auto size = static_cast<std::size_t>(stream.gcount());
        if (csv_parse(&parser, buffer.data(), size, on_field, on_row_end, &reading) != size) {
            reading.fail(csv_strerror(csv_error(&parser)));
        }
    }
    if (csv_fini(&parser, on_field, on_row_end, &reading) != 0) {
        reading.fail("the file ends inside a quoted field");
    }
    csv_free(&parser);
    if (reading.error.empty() && reading.table.columns.empty()) {
        reading.fail("no header row; the first row must name the columns");
    }
    if (!reading.error.empty()) {
        return tl::unexpected(std::move(reading.error));
    }
    return std::move(reading.table);
}

tl::expected<void, std::string> write_csv_table(const std::filesystem::path& file,
                                                std::span<const std::string> columns,
                                                std::span<const float> values) {
    // Written beside and renamed, so that no reader sees half a table; a device is written as it
    // is.
    std::error_code error;
    const bool is_device =
        std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error);
    const std::filesystem::path partial = is_device ? file.string() : file.string() + ".part";
    std::ofstream stream(partial, std::ios::binary | std::ios::trunc);
    std::string text;
    for (std::size_t column = 0; column < columns.size(); ++column) {
        std::string quoted(2 * columns[column].size() + 2, '\0');
        const std::string& name = columns[column];
        const bool plain = name.find_first_of(",\"\r\n") == std::string::npos;
        if (plain) {
            quoted = name;
        } else {
            quoted.resize(csv_write(quoted.data(), quoted.size(), name.data(), name.size()));
        }
        text += (column == 0 ? "" : ",") + quoted;
    }
    text += '\n';
    for (std::size_t index = 0; index < values.size(); ++index) {
        const bool ends_row = (index + 1) % columns.size() == 0;
        text += text_of(values[index]);
        text += ends_row ? '\n' : ',';
        if (ends_row && text.size() > (1U << 16)) {
            stream << text;
            text.clear();
        }
    }
    stream << text;
    stream.flush();
    if (!stream) {
        return tl::unexpected(fmt::format("{}: cannot be written ({})", partial.string(),
                                          std::generic_category().message(errno)));
    }
    stream.close();
    if (!is_device) {
        std::filesystem::rename(partial, file, error);
        if (error) {
            return tl::unexpected(
                fmt::format("{}: cannot be renamed ({})", partial.string(), error.message()));
        }
    }
    return {};
}

}  // namespace tamis::streams
