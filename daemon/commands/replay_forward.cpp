#include "daemon/commands/replay_forward.hpp"

#include <fmt/core.h>
#include <sysexits.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "daemon/commands/progress.hpp"
#include "daemon/commands/source_senders.hpp"
#include "daemon/commands/stop_signal.hpp"
#include "daemon/recording_run.hpp"
#include "daemon/steady_time.hpp"
#include "streams/recording/looped_recording.hpp"

namespace tamis::daemon {
namespace {

// Hands every fragment on to its source's sender; through the injector where there is one.
class Forwarder final : public streams::MessageSink {
 public:
    Forwarder(SourceSenders& senders, streams::FaultInjector* injector)
        : senders_(senders), injector_(injector) {}

    [[nodiscard]] bool is_ready() const noexcept override { return !failed_; }
    streams::Hold on_message(std::span<const std::byte> message,
                             std::uint64_t /*arrival_ns*/) noexcept override {
        if (injector_ != nullptr) {
            injector_->offer(message, steady_clock_ns());
            send_due();
            return streams::kNoHold;
        }
        const auto fragment = decoder_.decode(message);
        send(fragment ? fragment->source : 0, message);
        return streams::kNoHold;
    }
    void on_refused(std::uint64_t /*arrival_ns*/) noexcept override {}

    // What the injector held back and is due now.
    void send_due() {
        while (injector_ != nullptr && !failed_) {
            const auto outgoing = injector_->next(steady_clock_ns());
            if (!outgoing) {
                return;
            }
            send(outgoing->source, outgoing->message);
        }
    }
    [[nodiscard]] bool has_failed() const noexcept { return failed_; }

 private:
    void send(std::uint32_t source, std::span<const std::byte> message) {
        failed_ = failed_ || !senders_.send(source, message);
    }

    SourceSenders& senders_;
    streams::FaultInjector* injector_;
    streams::FragmentDecoder decoder_;
    bool failed_ = false;
};

// Sleeps until then, answering the node meanwhile.
void wait_until(std::uint64_t due_ns, SourceSenders& senders) {
    constexpr std::uint64_t kBetweenAnswersNs = 5'000'000;
    const std::uint64_t now = steady_clock_ns();
    if (due_ns > now) {
        std::this_thread::sleep_for(
            std::chrono::nanoseconds(std::min(due_ns - now, kBetweenAnswersNs)));
    }
    senders.poll();
}

void forward_all(streams::LoopedRecording& recording, streams::FaultInjector* injector,
                 SourceSenders& senders, Forwarder& forwarder, Progress& progress) {
    constexpr std::uint64_t kNever = UINT64_MAX;
    const auto held_due = [&] {
        return injector == nullptr ? kNever : injector->next_due_ns().value_or(kNever);
    };
    while (!recording.is_exhausted() && forwarder.is_ready() && !stop_requested()) {
        const std::size_t work = recording.poll(forwarder, steady_clock_ns(), 64);
        forwarder.send_due();
        if (work == 0) {
            const std::uint64_t due = recording.next_due_ns().value_or(kNever);
            if (std::min(due, held_due()) != kNever) {
                wait_until(std::min(due, held_due()), senders);
            }
        }
        progress.update(senders.sent());
    }
    if (injector == nullptr) {
        return;
    }
    injector->release_reordered(steady_clock_ns());
    while (held_due() != kNever && forwarder.is_ready() && !stop_requested()) {
        wait_until(held_due(), senders);
        forwarder.send_due();
    }
}

}  // namespace

ExitStatus forward_recording(ForwardCommand command) {
    if (const auto right = complete_plan(command.faults); !right) {
        return fail(EX_USAGE, right.error());
    }
    auto recording = streams::LoopedRecording::open(command.input, command.passes);
    if (!recording) {
        return fail(EX_DATAERR, recording.error());
    }
    const auto sources = find_sources(command.input);
    if (!sources) {
        return fail(EX_DATAERR, sources.error());
    }
    auto log = FaultLog::create(command.faults.log);
    if (!log) {
        return fail(EX_CANTCREAT, log.error());
    }
    catch_stop_signals();
    auto senders = SourceSenders::make(command.to, "replay", *sources);
    if (!senders) {
        return fail(EX_UNAVAILABLE, senders.error());
    }
    std::optional<streams::FaultInjector> injector;
    if (command.faults.is_wanted()) {
        injector.emplace(command.faults.plan,
                         [&](const streams::InjectedFault& fault) { log->write(fault); });
    }
    streams::FaultInjector* const faults = injector ? &*injector : nullptr;
    Forwarder forwarder(*senders, faults);
    Progress progress("sending", "fragments", 0);
    forward_all(**recording, faults, *senders, forwarder, progress);
    const bool is_safe = !forwarder.has_failed() && senders->finish();
    progress.finish();
    if (injector) {
        log->write_totals(*injector, command.faults.plan.seed);
    }
    fmt::print("{} fragments of {} sources sent to {}\n", senders->sent(), senders->count(),
               command.to.connect);
    if (!is_safe) {
        return fail(EX_UNAVAILABLE, senders->why());
    }
    return log->is_good() ? EX_OK
                          : fail(EX_IOERR, command.faults.log.string() +
                                               ": could not be written (is the disk full?)");
}

}  // namespace tamis::daemon
