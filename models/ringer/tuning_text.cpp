#include "models/ringer/tuning_text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <system_error>

#include "streams/whole_file.hpp"

namespace tamis::models {

namespace {

constexpr std::size_t kMostEntries = 4096;  // networks or thresholds of a working point
constexpr std::uintmax_t kMostBytes = std::uintmax_t{16} << 20;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const auto first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
    std::vector<std::string_view> words;
    while (!trimmed(text).empty()) {
        const auto end = std::min(text.find(';'), text.size());
        words.push_back(trimmed(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

tl::expected<TuningText, std::string> TuningText::read(const std::filesystem::path& file) {
    // A pipe would wait for its writer, and a device has no end.
    std::error_code error;
    if (std::filesystem::exists(file, error) && !std::filesystem::is_directory(file, error) &&
        (!std::filesystem::is_regular_file(file, error) ||
         std::filesystem::file_size(file, error) > kMostBytes)) {
        return tl::unexpected(
            fmt::format("{}: no regular file, or more than {} bytes; right is a "
                        "text of keys and lists",
                        file.string(), kMostBytes));
    }
    const auto bytes = streams::read_whole_file(file);
    if (!bytes) {
        return tl::unexpected(bytes.error());
    }
    TuningText text;
    text.file_ = file;
    std::string_view rest = *bytes;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = trimmed(rest.substr(0, end));
        const auto colon = line.find(':');
        if (!line.empty() && line.front() != '#' && colon != std::string_view::npos) {
            text.values_[std::string(trimmed(line.substr(0, colon)))] =
                trimmed(line.substr(colon + 1));
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return text;
}

std::string TuningText::word(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::string() : found->second;
}

tl::unexpected<std::string> TuningText::refuse(const std::string& key,
                                               const std::string& why) const {
    return tl::make_unexpected(file_.string() + ": " + key + " " + why);
}

tl::expected<std::vector<std::string_view>, std::string> TuningText::words(
    const std::string& key, std::size_t count) const {
    const auto found = values_.find(key);
    if (found == values_.end()) {
        return refuse(key, fmt::format("is not there; give {} values", count));
    }
    auto list = split_list(found->second);
    if (list.size() != count) {
        return refuse(
            key, fmt::format("has {} values; give {}, separated by \"; \"", list.size(), count));
    }
    return list;
}

tl::expected<std::vector<double>, std::string> TuningText::numbers(const std::string& key,
                                                                   std::size_t count) const {
    const auto list = words(key, count);
    if (!list) {
        return tl::unexpected(list.error());
    }
    std::vector<double> values;
    for (const std::string_view word : *list) {
        double value = 0;
        const char* const end = word.data() + word.size();
        const auto read = std::from_chars(word.data(), end, value);
        if (read.ec != std::errc() || read.ptr != end || !std::isfinite(value)) {
            return refuse(key, fmt::format("holds \"{}\", no finite number; give one", word));
        }
        values.push_back(value);
    }
    return values;
}

tl::expected<std::size_t, std::string> TuningText::size(const std::string& key) const {
    const auto value = numbers(key, 1);
    if (!value) {
        return tl::unexpected(value.error());
    }
    if (!(value->front() >= 1 && value->front() <= static_cast<double>(kMostEntries)) ||
        value->front() != std::floor(value->front())) {
        return refuse(key, fmt::format("is no whole number of 1 to {}; give one", kMostEntries));
    }
    return static_cast<std::size_t>(value->front());
}

tl::expected<double, std::string> TuningText::common(const std::string& key, std::size_t count,
                                                     double absent) const {
    if (!values_.contains(key)) {
        return absent;
    }
    const bool is_single = split_list(values_.at(key)).size() == 1;
    const auto values = numbers(key, is_single ? 1 : count);
    if (!values) {
        return tl::unexpected(values.error());
    }
    if (std::adjacent_find(values->begin(), values->end(), std::not_equal_to<>()) !=
        values->end()) {
        return refuse(key, "differs between entries; give one value for all");
    }
    return values->front();
}

std::string number_text(double value) {
    std::array<char, 64> text{};
    const double size = std::abs(value);
    const bool is_plain = size == 0 || (size >= 1e-5 && size < 1e15);
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), value,
                      is_plain ? std::chars_format::fixed : std::chars_format::scientific);
    std::string shortest(text.data(), written.ptr);
    return shortest.find_first_of(".e") == std::string::npos ? shortest + ".0" : shortest;
}

void TuningWriter::add(const std::string& key, std::string_view value) {
    text_ += fmt::format("{:<40} {}\n", key + ":", value);
}

void TuningWriter::add_list(const std::string& key, const std::vector<std::string>& entries) {
    std::string list;
    for (const std::string& entry : entries) {
        list += (list.empty() ? "" : "; ") + entry;
    }
    add(key, list);
}

}  // namespace tamis::models
