#include "config/deployment_checks.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <system_error>

#include "config/field_words.hpp"
#include "config/security_checks.hpp"
#include "streams/endpoint.hpp"

namespace tamis::config {

namespace {

using streams::Attachment;

// 127.0.0.0/8, ::1.
bool is_loopback_address(const std::string& address) {
    in_addr v4{};
    if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
        return ntohl(v4.s_addr) >> 24U == 127;
    }
    in6_addr v6{};
    return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

class DeploymentCheck {
 public:
    DeploymentCheck(TextReader& reader, const schema::Deployment& deployment,
                    const std::filesystem::path& directory)
        : reader_(reader), deployment_(deployment), directory_(directory), root_(reader.root()) {}

    void run(std::uint32_t cpu_count) {
        check_menu_file();
        if (deployment_.has_input()) {
            check_input(deployment_.input(), reader_.child(root_, "input"));
        }
        for (int i = 0; i < deployment_.output_size(); ++i) {
            check_output(deployment_.output(i), reader_.child(root_, "output", i));
        }
        if (deployment_.has_threads()) {
            check_cpus(deployment_.threads(), reader_.child(root_, "threads"), cpu_count);
        }
        if (deployment_.has_monitoring()) {
            check_monitoring(deployment_.monitoring(), reader_.child(root_, "monitoring"));
        }
    }

 private:
    void check_menu_file() {
        if (!deployment_.has_menu() || deployment_.menu().empty()) {
            return;
        }
        std::error_code error;
        const auto tried = std::filesystem::absolute(directory_ / deployment_.menu(), error);
        if (!std::filesystem::is_regular_file(tried, error)) {
            reader_.add(root_, "menu",
                        "no such menu file (tried " + tried.lexically_normal().string() + ")",
                        "give the path of a menu, relative to this file's directory");
        }
    }

    void check_input(const schema::Input& input, const Block& block) {
        for (int i = 0; i < input.endpoint_size(); ++i) {
            check_endpoint(block, i, input.endpoint(i), Attachment::bind, guard_of(input));
        }
        check_guard(input, block, Attachment::bind);
        std::map<std::uint32_t, int> ids;
        std::map<std::string_view, int> names;
        for (int i = 0; i < input.source_size(); ++i) {
            const schema::Source& source = input.source(i);
            const Block place = reader_.child(block, "source", i);
            if (source.has_id()) {
                check_unique(ids, source.id(), place, "id",
                             "source id " + number_text(source.id()));
            }
            if (source.has_name()) {
                check_unique(names, source.name(), place, "name",
                             "source name " + in_quotes(source.name()));
            }
        }
        if (input.delivery() == schema::Input::RELIABLE &&
            input.overload() == schema::Input::SHED) {
            reader_.add(block, "overload", "\"overload\" cannot be SHED with delivery: RELIABLE",
                        "write overload: BACK_PRESSURE; the credits of reliable sources end before "
                        "the pool is full");
        }
        if (input.shortest_window_ms() > input.window_ms()) {
            reader_.add(block, "shortest_window_ms",
                        "the shortest window, " + number_text(double(input.shortest_window_ms())) +
                            " ms, is longer than the longest, window_ms, of " +
                            number_text(double(input.window_ms())) + " ms",
                        "write a window_ms of at least that");
        }
        if (input.max_event_bytes() < input.max_message_bytes()) {
            reader_.add(block,
                        input.has_max_event_bytes() ? "max_event_bytes" : "max_message_bytes",
                        "an event of " + number_text(double(input.max_event_bytes())) +
                            " bytes cannot hold one message of " +
                            number_text(double(input.max_message_bytes())) + " bytes",
                        "write max_event_bytes: " + number_text(double(input.max_message_bytes())) +
                            " or more, or a smaller max_message_bytes");
        }
        if (input.link_bytes() < 2 * input.max_message_bytes()) {
            reader_.add(block, input.has_link_bytes() ? "link_bytes" : "max_message_bytes",
                        "a link of " + number_text(double(input.link_bytes())) +
                            " bytes cannot hold two messages of " +
                            number_text(double(input.max_message_bytes())) + " bytes",
                        "write link_bytes: " + number_text(2 * double(input.max_message_bytes())) +
                            " or more, or a smaller max_message_bytes");
        }
        if (input.pool_bytes() < input.max_event_bytes()) {
            reader_.add(block, input.has_pool_bytes() ? "pool_bytes" : "max_event_bytes",
                        "a pool of " + number_text(double(input.pool_bytes())) +
                            " bytes cannot hold one event of " +
                            number_text(double(input.max_event_bytes())) + " bytes",
                        "write pool_bytes: " + number_text(double(input.max_event_bytes())) +
                            " or more, or a smaller max_event_bytes");
        }
    }

    void check_output(const schema::Output& output, const Block& block) {
        if (output.has_name()) {
            check_unique(output_names_, output.name(), block, "name",
                         "output name " + in_quotes(output.name()));
        }
        std::map<std::string_view, int> streams;
        for (int i = 0; i < output.stream_size(); ++i) {
            check_unique(streams, output.stream(i), block, "stream",
                         "stream " + in_quotes(output.stream(i)), i);
        }
        const bool publishes = output.pattern() == schema::Output::PUBLISH;
        const Attachment attachment = publishes ? Attachment::bind : Attachment::connect;
        switch (output.destination_case()) {
            case schema::Output::kEndpoint:
                check_endpoint(block, -1, output.endpoint(), attachment, guard_of(output));
                check_guard(output, block, attachment);
                refuse_recording_fields(output, block);
                break;
            case schema::Output::kRecording:
                check_recording(output, block);
                break;
            case schema::Output::DESTINATION_NOT_SET:
                if (!reader_.is_damaged(block, "endpoint") &&
                    !reader_.is_damaged(block, "recording")) {
                    reader_.add(block.place, "this output leads nowhere",
                                "add endpoint: \"tcp://HOST:PORT\" or recording: \"FILE.mcap\"");
                }
        }
        const std::uint64_t least_spool = 4 * deployment_.input().max_event_bytes();
        if (output.has_spool() && output.spool_bytes() < least_spool) {
            reader_.add(block, output.has_spool_bytes() ? "spool_bytes" : "spool",
                        "a spool of " + number_text(double(output.spool_bytes())) +
                            " bytes is too small for events of " +
                            number_text(double(deployment_.input().max_event_bytes())) + " bytes",
                        "write spool_bytes: " + number_text(double(least_spool)) +
                            " or more, or a smaller max_event_bytes in the input");
        }
        if (output.pattern() != schema::Output::RELIABLE) {
            const std::pair<const char*, bool> fields[] = {
                {"spool", output.has_spool()},
                {"spool_bytes", output.has_spool_bytes()},
                {"spool_drop_stream", output.spool_drop_stream_size() > 0}};
            for (const auto& [field, is_given] : fields) {
                if (is_given) {
                    reader_.add(block, field,
                                in_quotes(field) + " is of an output that is RELIABLE",
                                "write pattern: RELIABLE, or remove it");
                }
            }
        }
        if (publishes && output.has_full() && output.full() == schema::Output::BLOCK) {
            reader_.add(block, "full", "\"full\" cannot be BLOCK with PUBLISH",
                        "write full: DROP, or pattern: PUSH or RELIABLE, which can wait for their "
                        "receiver");
        }
    }

    void refuse_recording_fields(const schema::Output& output, const Block& block) {
        const std::pair<const char*, bool> fields[] = {{"durability", output.has_durability()},
                                                       {"file_bytes", output.has_file_bytes()},
                                                       {"file_seconds", output.has_file_seconds()},
                                                       {"compression", output.has_compression()},
                                                       {"existing", output.has_existing()}};
        for (const auto& [name, is_set] : fields) {
            if (is_set) {
                reader_.add(block, name, "an endpoint has no " + in_quotes(name),
                            "remove it, or write recording: \"FILE.mcap\" instead");
            }
        }
    }

    void check_recording(const schema::Output& output, const Block& block) {
        if (output.recording().empty()) {
            reader_.add(block, "recording", "\"recording\" is empty",
                        "write the path of a file: recording: \"FILE.mcap\"");
        } else {
            check_unique(recordings_, output.recording(), block, "recording",
                         "recording " + in_quotes(output.recording()));
        }
        const std::pair<const char*, bool> fields[] = {{"pattern", output.has_pattern()},
                                                       {"security", output.has_security()}};
        for (const auto& [name, is_set] : fields) {
            if (is_set) {
                reader_.add(block, name, "a recording has no " + in_quotes(name),
                            "remove it, or write an endpoint instead");
            }
        }
    }

    // What keeps strangers from an endpoint.
    enum class Guard : std::uint8_t { none, trust, keys };
    template <typename Message>
    static Guard guard_of(const Message& message) {
        return message.has_security() ? Guard::keys
               : message.insecure()   ? Guard::trust
                                      : Guard::none;
    }

    template <typename Message>
    void check_guard(const Message& message, const Block& block, Attachment attachment) {
        if (!message.has_security()) {
            return;
        }
        if (message.insecure()) {
            reader_.add(block, "insecure", "\"insecure\" beside \"security\"",
                        "remove it: there are keys");
        }
        check_security(reader_, reader_.child(block, "security"), message.security(), attachment,
                       directory_);
    }

    // `index` is that of a repeated field.
    void check_endpoint(const Block& block, int index, const std::string& text,
                        Attachment attachment, Guard guard) {
        const auto endpoint = streams::parse_endpoint(text, attachment);
        if (!endpoint) {
            const std::string& error = endpoint.error();  // "what (why); what would be right"
            const std::size_t split = std::min(error.rfind("; "), error.size() - 2);
            reader_.add(block, "endpoint", index, error.substr(0, split), error.substr(split + 2));
            return;
        }
        if (!endpoint->is_local() && guard == Guard::none) {
            reader_.add(block, "endpoint", index,
                        "other machines can reach " + in_quotes(text) + ", and it has no keys",
                        "write a loopback address such as 127.0.0.1, security { ... } with keys, "
                        "or insecure: true if the network is trusted");
        }
        if (endpoint->transport != streams::Transport::tcp && guard == Guard::keys) {
            reader_.add(block, "endpoint", index, "keys are for tcp:// endpoints alone",
                        "remove \"security\" (nobody outside this machine reaches " +
                            in_quotes(text) + "), or write a tcp:// endpoint");
        }
        if (endpoint->transport == streams::Transport::tcp && endpoint->port == 0) {
            return;  // any free port: no two are the same
        }
        check_unique(endpoints_, text, block, "endpoint", "endpoint " + in_quotes(text), index);
        if (attachment == Attachment::bind && endpoint->transport == streams::Transport::tcp) {
            bound_ports_.emplace(endpoint->port, reader_.place_of(block, "endpoint", index).line);
        }
    }

    void check_cpus(const schema::Threads& threads, const Block& block, std::uint32_t cpu_count) {
        std::map<std::uint32_t, int> seen;
        for (int i = 0; i < threads.cpu_size(); ++i) {
            if (threads.cpu(i) >= cpu_count) {
                reader_.add(block, "cpu", i,
                            "there is no processor " + std::to_string(threads.cpu(i)),
                            "this machine has 0 to " + std::to_string(cpu_count - 1));
            }
            check_unique(seen, threads.cpu(i), block, "cpu",
                         "processor " + std::to_string(threads.cpu(i)), i);
        }
        const bool shared = threads.mode() == schema::Threads::SHARED;
        const std::uint32_t wanted = shared ? 1 : threads.workers() + 2;
        if (threads.cpu_size() != 0 && static_cast<std::uint32_t>(threads.cpu_size()) != wanted) {
            reader_.add(block, "cpu", 0,
                        std::to_string(threads.cpu_size()) + " processors are named for " +
                            std::to_string(wanted) + (wanted == 1 ? " thread" : " threads"),
                        shared ? "name one in SHARED mode"
                               : "name one to receive, one per worker, one to send");
        }
    }

    void check_monitoring(const schema::Monitoring& monitoring, const Block& block) {
        if (!monitoring.address().empty() && !is_loopback_address(monitoring.address())) {
            reader_.add(block, "address",
                        "\"address\" cannot be " + in_quotes(monitoring.address()),
                        "write a loopback address, 127.0.0.1 or ::1: the page has no password");
        }
        const auto taken = bound_ports_.find(monitoring.port());
        if (monitoring.enabled() && monitoring.port() != 0 && taken != bound_ports_.end()) {
            reader_.add(block, "port",
                        "port " + std::to_string(monitoring.port()) +
                            " is bound by the endpoint in line " + std::to_string(taken->second),
                        "choose another, or 0 for any free port");
        }
    }

    template <typename Key, typename Value>
    void check_unique(std::map<Key, int>& seen, const Value& value, const Block& block,
                      const char* field, const std::string& what, int index = -1) {
        const Place place = reader_.place_of(block, field, index);
        const auto [first, is_new] = seen.emplace(Key(value), place.line);
        if (!is_new) {
            reader_.add(
                place,
                what + " is given twice (first in line " + std::to_string(first->second) + ")",
                "keep one, or change this one");
        }
    }

    TextReader& reader_;
    const schema::Deployment& deployment_;
    const std::filesystem::path& directory_;
    Block root_;
    std::map<std::string_view, int> output_names_;
    std::map<std::string_view, int> recordings_;
    std::map<std::string, int> endpoints_;
    std::map<std::uint32_t, int> bound_ports_;
};

}  // namespace

void check_deployment(TextReader& reader, const schema::Deployment& deployment,
                      const std::filesystem::path& directory, std::uint32_t cpu_count) {
    DeploymentCheck(reader, deployment, directory).run(cpu_count);
}

}  // namespace tamis::config
