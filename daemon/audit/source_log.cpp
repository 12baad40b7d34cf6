#include "daemon/audit/source_log.hpp"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "streams/whole_file.hpp"

namespace tamis::daemon {

tl::expected<SourceLogLine, std::string> read_source_log(const std::filesystem::path& file) {
    const auto text = streams::read_whole_file(file);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const std::size_t end = text->rfind('\n');
    if (end == std::string::npos) {
        return tl::unexpected(file.string() + ": has no whole line; the --log of tamis generate");
    }
    const std::size_t before = end == 0 ? std::string::npos : text->rfind('\n', end - 1);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    const auto json =
        nlohmann::json::parse(text->begin() + static_cast<std::ptrdiff_t>(begin),
                              text->begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    const auto number = [&](const char* name) -> std::optional<std::uint64_t> {
        const auto found = json.is_object() ? json.find(name) : json.end();
        return found != json.end() && found->is_number_unsigned()
                   ? std::optional(found->get<std::uint64_t>())
                   : std::nullopt;
    };
    const auto run = number("run");
    const auto first = number("first_event");
    const auto sent = number("sent");
    const auto safe = number("safe");
    if (!run || !first || !sent || !safe || !json.contains("source") ||
        !json["source"].is_string()) {
        return tl::unexpected(file.string() +
                              ": its last line is none of a source log (source, run, first_event, "
                              "sent, safe); the --log of tamis generate");
    }
    return SourceLogLine{.source = json["source"].get<std::string>(),
                         .run = static_cast<std::uint32_t>(*run),
                         .first_event = *first,
                         .sent = *sent,
                         .safe = *safe};
}

tl::expected<SourceLog, std::string> SourceLog::append_to(const std::filesystem::path& file) {
    std::ofstream stream(file, std::ios::app);
    if (!stream) {
        return tl::unexpected(file.string() + ": cannot be written; a file in a folder of yours");
    }
    return SourceLog(std::move(stream));
}

bool SourceLog::write(const SourceLogLine& line) {
    const nlohmann::ordered_json json{{"source", line.source},
                                      {"run", line.run},
                                      {"first_event", line.first_event},
                                      {"sent", line.sent},
                                      {"safe", line.safe}};
    file_ << json.dump() << '\n' << std::flush;
    return static_cast<bool>(file_);
}

}  // namespace tamis::daemon
