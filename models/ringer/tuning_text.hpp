// One .conf file of an ATLAS tuning as ROOT's TEnv reads and writes it: lines "key: value", lists
// separated by semicolons, # before comments. Cold path; any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace tamis::models {

// A working point's file is called prefix, name, suffix and .conf.
inline constexpr std::string_view kTuningPrefix = "ElectronRinger";
inline constexpr std::string_view kTuningSuffix = "TriggerConfig";

// Entries between semicolons, without blanks around them.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);

// Keys and their texts. Errors name file and key.
class TuningText {
 public:
    [[nodiscard]] static tl::expected<TuningText, std::string> read(
        const std::filesystem::path& file);

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }
    // Empty where the key is not there.
    [[nodiscard]] std::string word(const std::string& key) const;
    // Lists of `count` entries; numbers are finite.
    [[nodiscard]] tl::expected<std::vector<std::string_view>, std::string> words(
        const std::string& key, std::size_t count) const;
    [[nodiscard]] tl::expected<std::vector<double>, std::string> numbers(const std::string& key,
                                                                         std::size_t count) const;
    // A count of networks or thresholds.
    [[nodiscard]] tl::expected<std::size_t, std::string> size(const std::string& key) const;
    // One number for all entries, or one for each and all equal; `absent` where there is no key.
    [[nodiscard]] tl::expected<double, std::string> common(const std::string& key,
                                                           std::size_t count, double absent) const;

    [[nodiscard]] tl::unexpected<std::string> refuse(const std::string& key,
                                                     const std::string& why) const;

 private:
    std::filesystem::path file_;
    std::map<std::string, std::string> values_;
};

// Shortest decimal that reads back to the same bits, with a point or an exponent.
[[nodiscard]] std::string number_text(double value);

// Lines in the order in which they are added, aligned as TEnv does.
class TuningWriter {
 public:
    void add(const std::string& key, std::string_view value);
    void add_list(const std::string& key, const std::vector<std::string>& entries);
    [[nodiscard]] const std::string& text() const { return text_; }

 private:
    std::string text_;
};

}  // namespace tamis::models
