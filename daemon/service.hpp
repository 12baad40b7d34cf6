// A running node: builds everything in the order of the layers, runs it until it is told to stop,
// ends it in reverse, and leaves the run summary. The only place that knows all parts. One in a
// process; its run() belongs to the main thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "daemon/control_server.hpp"
#include "daemon/keep_awake.hpp"
#include "daemon/node_configuration.hpp"
#include "daemon/node_links.hpp"
#include "daemon/node_report.hpp"
#include "daemon/pipeline.hpp"
#include "daemon/pipeline_threads.hpp"
#include "daemon/run_control.hpp"
#include "streams/event_table.hpp"
#include "streams/ledger/verdict_ledger.hpp"

namespace tamis::daemon {

class Service {
 public:
    // Blocks SIGTERM and SIGINT for the calling thread and all that come after: run() takes them.
    // Opens links and the monitoring page; reads nothing yet.
    [[nodiscard]] static tl::expected<std::unique_ptr<Service>, StartFailure> build(
        NodeConfiguration configuration);
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    // Where it listens, in one line for a person; and what ready_text() says, into `ready_file`.
    [[nodiscard]] tl::expected<void, StartFailure> announce(
        const std::optional<std::filesystem::path>& ready_file) const;

    // Until a signal, or until the input is over and all is sent. Returns the exit status: 0, or
    // EX_SOFTWARE when events were still in flight at the end, EX_IOERR when a file could not be
    // written.
    [[nodiscard]] int run();

    // Any thread.
    [[nodiscard]] NodeReport report() const;

 private:
    explicit Service(NodeConfiguration configuration);

    tl::expected<void, StartFailure> open();
    tl::expected<std::vector<streams::EventKey>, StartFailure> open_ledger(std::size_t remembered);
    [[nodiscard]] HttpAnswer answer(std::string_view path) const;
    [[nodiscard]] bool apply(RunTrigger trigger);
    void begin_drain(std::uint64_t now_ns);
    void watch(std::uint64_t now_ns, std::optional<int> signal);
    void check_books();
    void tell_refused();
    [[nodiscard]] int end();

    NodeConfiguration configuration_;
    std::unique_ptr<NodeLinks> links_;
    std::unique_ptr<streams::VerdictLedger> ledger_;
    std::unique_ptr<Pipeline> pipeline_;
    std::unique_ptr<KeepAwake> keep_awake_;
    std::unique_ptr<PipelineThreads> threads_;
    std::uint64_t drain_ends_ns_ = 0;

    mutable std::mutex told_;  // of what report() tells; never taken by the event path
    RunControl control_;
    std::int64_t started_unix_ns_ = 0;
    std::int64_t stopped_unix_ns_ = 0;

    std::unique_ptr<ControlServer> server_;  // last: its thread reads all of the above
};

}  // namespace tamis::daemon
