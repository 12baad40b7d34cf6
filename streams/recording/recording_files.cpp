#include "streams/recording/recording_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "streams/recording/input_file.hpp"
#include "streams/recording/mcap_contents.hpp"

namespace tamis::streams {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".part";
constexpr std::array<std::string_view, 4> kStates = {"none", "closed", "sealed", "unfinished"};

template <typename Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

const std::string* find_text(const McapTexts& texts, const char* key) {
    const auto found = texts.find(key);
    return found == texts.end() ? nullptr : &found->second;
}

bool exists(const std::string& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

}  // namespace

std::string recording_file(std::string_view path, std::uint32_t number) {
    if (number == 1) {
        return std::string(path);
    }
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), ".%04u", number);
    const fs::path whole(path);
    return (whole.parent_path() /
            (whole.stem().string() + text.data() + whole.extension().string()))
        .string();
}

std::vector<std::uint32_t> find_recording_files(std::string_view path) {
    std::vector<std::uint32_t> numbers;
    const std::string first(path);
    if (exists(first) || exists(first + std::string(kUnfinished))) {
        numbers.push_back(1);
    }
    const fs::path whole(path);
    const std::string begin = whole.stem().string() + ".";
    const std::string extension = whole.extension().string();
    const fs::path folder = whole.parent_path().empty() ? fs::path(".") : whole.parent_path();
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        std::string name = entry.path().filename().string();
        if (name.ends_with(kUnfinished)) {
            name.resize(name.size() - kUnfinished.size());
        }
        if (!name.starts_with(begin) || !name.ends_with(extension) ||
            name.size() < begin.size() + 4 + extension.size()) {
            continue;
        }
        const auto digits = std::string_view(name).substr(
            begin.size(), name.size() - begin.size() - extension.size());
        const auto number = parse_number<std::uint32_t>(digits);
        if (number && *number > 1 && fs::path(recording_file(path, *number)).filename() == name) {
            numbers.push_back(*number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

McapMetadata to_metadata(const FilePlace& place) {
    McapMetadata metadata{
        std::string(kFilePlaceMetadata),
        {{"number", std::to_string(place.number)}, {"repeats", place.repeats ? "yes" : "no"}}};
    if (place.predecessor_state != PredecessorState::none) {
        metadata.texts["predecessor"] = place.predecessor;
        metadata.texts["predecessor_state"] =
            kStates[static_cast<std::size_t>(place.predecessor_state)];
    }
    if (place.predecessor_state == PredecessorState::closed) {
        std::array<char, 16> text{};
        std::snprintf(text.data(), text.size(), "%08x", place.predecessor_data_crc);
        metadata.texts["predecessor_data_crc"] = text.data();
    }
    return metadata;
}

std::optional<FilePlace> parse_file_place(const McapTexts& texts) {
    const std::string* const number = find_text(texts, "number");
    const auto parsed_number =
        number == nullptr ? std::nullopt : parse_number<std::uint32_t>(*number);
    if (!parsed_number) {
        return std::nullopt;
    }
    FilePlace place;
    place.number = *parsed_number;
    const std::string* const repeats = find_text(texts, "repeats");
    place.repeats = repeats != nullptr && *repeats == "yes";
    const std::string* const predecessor = find_text(texts, "predecessor");
    const std::string* const state = find_text(texts, "predecessor_state");
    if (predecessor == nullptr || state == nullptr) {
        return place;
    }
    const auto* const found = std::find(kStates.begin(), kStates.end(), *state);
    if (found == kStates.end()) {
        return std::nullopt;
    }
    place.predecessor = *predecessor;
    place.predecessor_state = static_cast<PredecessorState>(std::distance(kStates.begin(), found));
    if (const std::string* const crc = find_text(texts, "predecessor_data_crc")) {
        const auto parsed_crc = parse_number<std::uint32_t>(*crc, 16);
        if (!parsed_crc) {
            return std::nullopt;
        }
        place.predecessor_data_crc = *parsed_crc;
    }
    return place;
}

std::optional<std::uint32_t> read_data_crc(const std::string& path) {
    auto file = InputFile::open(path);
    if (!file || file->path() != path) {
        return std::nullopt;
    }
    const auto summary = read_mcap_summary(*file);
    if (!summary) {
        return std::nullopt;
    }
    std::uint32_t crc = 0;
    const auto bytes = file->copy(summary->data_end_offset, kMcapPrefixBytes + sizeof(crc));
    if (!bytes ||
        parse_prefix(std::span(*bytes).first<kMcapPrefixBytes>()).opcode != McapOpcode::data_end) {
        return std::nullopt;
    }
    std::memcpy(&crc, bytes->data() + kMcapPrefixBytes, sizeof(crc));
    return crc;
}

FilePlace find_next_place(std::string_view path) {
    const auto numbers = find_recording_files(path);
    FilePlace place;
    if (numbers.empty()) {
        return place;
    }
    const std::string last = recording_file(path, numbers.back());
    place.number = numbers.back() + 1;
    place.predecessor = fs::path(last).filename().string();
    place.predecessor_state = PredecessorState::unfinished;
    if (const auto crc = read_data_crc(last)) {
        place.predecessor_state = PredecessorState::closed;
        place.predecessor_data_crc = *crc;
    }
    return place;
}

}  // namespace tamis::streams
