#include "config/deployment_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/deployment.pb.h"
#include "config/deployment_checks.hpp"
#include "config/field_words.hpp"
#include "config/nearest_name.hpp"
#include "config/text_reader.hpp"

namespace tamis::config {

namespace {

streams::KeyFiles keys_of(const schema::Security& text, const std::filesystem::path& directory) {
    const auto resolved = [&](const std::string& file) {
        return file.empty() ? std::filesystem::path() : (directory / file).lexically_normal();
    };
    return {.secret_key = resolved(text.secret_key()),
            .peer_keys = resolved(text.peer_keys()),
            .server_key = resolved(text.server_key())};
}

InputConfig input_of(const schema::Input& text, const std::filesystem::path& directory) {
    InputConfig input;
    input.endpoints.assign(text.endpoint().begin(), text.endpoint().end());
    for (const schema::Source& source : text.source()) {
        input.sources.push_back({source.id(), source.name()});
    }
    input.run = text.run();
    input.window_ms = text.window_ms();
    input.shortest_window_ms = text.shortest_window_ms();
    input.mask_after_events = text.mask_after_events();
    input.max_message_bytes = text.max_message_bytes();
    input.max_event_bytes = text.max_event_bytes();
    input.pool_events = text.pool_events();
    input.pool_bytes = text.pool_bytes();
    input.receive_high_water_mark = text.receive_high_water_mark();
    input.link_bytes = text.link_bytes();
    input.overload = text.overload() == schema::Input::SHED ? OverloadPolicy::shed
                                                            : OverloadPolicy::back_pressure;
    input.delivery =
        text.delivery() == schema::Input::RELIABLE ? Delivery::reliable : Delivery::best_effort;
    input.insecure = text.insecure();
    input.keys = keys_of(text.security(), directory);
    return input;
}

streams::Durability durability_of(schema::Output::Durability text) {
    switch (text) {
        case schema::Output::NONE:
            return streams::Durability::none;
        case schema::Output::INTERVAL:
            return streams::Durability::interval;
        case schema::Output::GROUP_COMMIT:
            return streams::Durability::group_commit;
    }
    return streams::Durability::none;
}

streams::Compression compression_of(schema::Output::Compression text) {
    switch (text) {
        case schema::Output::UNCOMPRESSED:
            return streams::Compression::none;
        case schema::Output::ZSTD:
            return streams::Compression::zstd;
        case schema::Output::LZ4:
            return streams::Compression::lz4;
    }
    return streams::Compression::zstd;
}

OutputConfig output_of(const schema::Output& text, const std::filesystem::path& directory) {
    OutputConfig output;
    output.name = text.name();
    output.endpoint = text.endpoint();
    output.recording = text.recording();
    output.streams.assign(text.stream().begin(), text.stream().end());
    const bool publishes = text.pattern() == schema::Output::PUBLISH;
    output.pattern = publishes                                    ? OutputPattern::publish
                     : text.pattern() == schema::Output::RELIABLE ? OutputPattern::reliable
                                                                  : OutputPattern::push;
    output.full =
        publishes || text.full() == schema::Output::DROP ? FullPolicy::drop : FullPolicy::block;
    output.send_high_water_mark = text.send_high_water_mark();
    output.spool = text.spool();
    output.spool_bytes = text.spool_bytes();
    output.spool_drop_streams.assign(text.spool_drop_stream().begin(),
                                     text.spool_drop_stream().end());
    output.insecure = text.insecure();
    output.keys = keys_of(text.security(), directory);
    output.durability = durability_of(text.durability());
    output.file_bytes = text.file_bytes();
    output.file_seconds = text.file_seconds();
    output.compression = compression_of(text.compression());
    output.existing = text.existing() == schema::Output::CONTINUE
                          ? streams::ExistingRecording::continue_with
                          : streams::ExistingRecording::refuse;
    return output;
}

ThreadConfig threads_of(const schema::Threads& text) {
    ThreadConfig threads;
    threads.mode =
        text.mode() == schema::Threads::SHARED ? ThreadMode::shared : ThreadMode::dedicated;
    threads.workers = text.workers();
    threads.batch = text.batch();
    switch (text.idle()) {
        case schema::Threads::SPIN:
            threads.idle = IdleStrategy::spin;
            break;
        case schema::Threads::YIELD:
            threads.idle = IdleStrategy::yield;
            break;
        case schema::Threads::PARK:
            threads.idle = IdleStrategy::park;
            break;
    }
    threads.cpus.assign(text.cpu().begin(), text.cpu().end());
    threads.keep_awake = text.keep_awake();
    threads.waking =
        text.waking() == schema::Threads::INTERRUPT ? Waking::interrupt : Waking::give_way;
    return threads;
}

MonitoringConfig monitoring_of(const schema::Monitoring& text) {
    MonitoringConfig monitoring;
    monitoring.address = text.address();
    monitoring.port = static_cast<std::uint16_t>(text.port());
    monitoring.enabled = text.enabled();
    monitoring.log_level = schema::Monitoring::Log_Name(text.log_level());
    for (char& letter : monitoring.log_level) {
        letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    return monitoring;
}

Deployment deployment_of(const schema::Deployment& text, const std::filesystem::path& directory) {
    Deployment deployment;
    deployment.name = text.name();
    deployment.menu = (directory / text.menu()).lexically_normal().string();
    deployment.input = input_of(text.input(), directory);
    for (const schema::Output& output : text.output()) {
        deployment.outputs.push_back(output_of(output, directory));
    }
    deployment.threads = threads_of(text.threads());
    deployment.monitoring = monitoring_of(text.monitoring());
    deployment.run_summary = text.run_summary();
    deployment.drain_timeout_ms = text.drain_timeout_ms();
    deployment.ledger = text.ledger();
    return deployment;
}

std::uint32_t cpu_count_of(const DeploymentContext& context) {
    const long here = sysconf(_SC_NPROCESSORS_CONF);
    return context.cpu_count != 0 ? context.cpu_count
                                  : static_cast<std::uint32_t>(std::max(1L, here));
}

// Streams of outputs that the menu does not have.
void check_output_streams(TextReader& reader, const schema::Deployment& deployment,
                          const Menu& menu) {
    std::vector<std::string_view> streams;
    for (const MenuStream& stream : menu.streams) {
        streams.emplace_back(stream.name);
    }
    for (int i = 0; i < deployment.output_size(); ++i) {
        const Block block = reader.child(reader.root(), "output", i);
        const auto check = [&](const char* field, int k, const std::string& stream) {
            if (std::find(streams.begin(), streams.end(), stream) == streams.end()) {
                reader.add(
                    block, field, k,
                    "the menu " + in_quotes(menu.name) + " has no stream " + in_quotes(stream),
                    name_remedy(stream, streams));
            }
        };
        const schema::Output& output = deployment.output(i);
        for (int k = 0; k < output.stream_size(); ++k) {
            check("stream", k, output.stream(k));
        }
        for (int k = 0; k < output.spool_drop_stream_size(); ++k) {
            check("spool_drop_stream", k, output.spool_drop_stream(k));
        }
    }
}

}  // namespace

tl::expected<Deployment, Mistakes> parse_deployment(std::string text,
                                                    const std::filesystem::path& file,
                                                    const DeploymentContext& context) {
    schema::Deployment message;
    TextReader reader(file.string(), std::move(text), message);
    if (reader.is_structured()) {
        check_deployment(reader, message, file.parent_path(), cpu_count_of(context));
    }
    if (reader.has_mistakes()) {
        return tl::make_unexpected(reader.take_mistakes());
    }
    return deployment_of(message, file.parent_path());
}

tl::expected<Deployment, Mistakes> read_deployment(const std::filesystem::path& file,
                                                   const DeploymentContext& context) {
    return read_text(file).and_then(
        [&](std::string text) { return parse_deployment(std::move(text), file, context); });
}

tl::expected<Configuration, Mistakes> read_configuration(
    const std::filesystem::path& deployment_file, const MenuContext& menu_context,
    const DeploymentContext& deployment_context) {
    auto text = read_text(deployment_file);
    if (!text) {
        return tl::make_unexpected(std::move(text.error()));
    }
    const std::filesystem::path directory = deployment_file.parent_path();
    schema::Deployment message;
    TextReader reader(deployment_file.string(), std::move(*text), message);
    if (reader.is_structured()) {
        check_deployment(reader, message, directory, cpu_count_of(deployment_context));
    }
    // A deployment that names no menu, or none that is there, is a mistake already.
    const std::filesystem::path menu_file = (directory / message.menu()).lexically_normal();
    std::error_code error;
    tl::expected<Menu, Mistakes> menu;
    if (!message.menu().empty() && std::filesystem::is_regular_file(menu_file, error)) {
        menu = read_menu(menu_file, menu_context);
        if (menu && reader.is_structured()) {
            check_output_streams(reader, message, *menu);
        }
    }
    Mistakes mistakes = reader.take_mistakes();
    if (!menu) {
        mistakes.insert(mistakes.end(), menu.error().begin(), menu.error().end());
    }
    if (!mistakes.empty()) {
        return tl::make_unexpected(std::move(mistakes));
    }
    return Configuration{deployment_of(message, directory), std::move(*menu)};
}

}  // namespace tamis::config
