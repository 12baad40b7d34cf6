#include "daemon/pipeline.hpp"

#include <algorithm>
#include <gsl/assert>

#include "daemon/index_ring.hpp"

namespace tamis::daemon {

namespace {

constexpr std::size_t kFewestMessages = 64;
constexpr std::size_t kMostMessages = 1024;

}  // namespace

struct Pipeline::Worker {
    Worker(Pipeline& pipeline, const Config& config, const TriggerMenu& menu)
        : inbox(pipeline.pool_.slot_count()),
          outbox(pipeline.pool_.slot_count()),
          stage(config.batch, config.payloads,
                {.menu = menu,
                 .pool = pipeline.pool_,
                 .tickets = pipeline.tickets_,
                 .inbox = inbox,
                 .bell = bell,
                 .outbox = outbox,
                 .sender_bell = pipeline.send_bell_}) {}

    IndexRing inbox;
    IndexRing outbox;
    Doorbell bell;
    WorkerStage stage;
};

std::size_t Pipeline::turn(Clock clock) noexcept {
    std::size_t work = receive_->poll(clock());  // bytes -> fragments -> events; and the books
    for (const auto& worker : workers_) {
        work += worker->stage.decide();  // events -> features -> scores -> decisions
        work += worker->stage.hand_on(clock());
    }
    work += send_->poll(clock());  // decisions -> selected events -> downstream
    return work;
}

void Pipeline::run_to_end(Clock clock) noexcept {
    while (!is_finished()) {
        turn(clock);
    }
}

Pipeline::Pipeline(const Config& config, Ports ports)
    : pool_(config.pool),
      builder_(config.builder, pool_),
      tickets_(pool_.slot_count()),
      accounting_(ports.menu.paths().size(), ports.menu.context().stream_names.size(),
                  config.pool.sources),
      sent_(std::make_unique<IndexRing>(pool_.slot_count())),
      returned_(std::make_unique<IndexRing>(pool_.slot_count())) {
    Expects(config.workers > 0 && config.batch > 0);
    for (const streams::EventKey& key : ports.ended) {
        builder_.recall(key);
    }
    for (Ticket& ticket : tickets_) {
        ticket.decision = MenuDecider::make_decision(ports.menu);
    }
    std::vector<WorkerInbox> inboxes;
    std::vector<IndexRing*> decided;
    for (std::size_t i = 0; i < config.workers; ++i) {
        Worker& worker =
            *workers_.emplace_back(std::make_unique<Worker>(*this, config, ports.menu));
        inboxes.push_back({.ring = &worker.inbox, .bell = &worker.bell});
        decided.push_back(&worker.outbox);
    }
    // Enough messages for a full batch of events, bounded so that a turn stays short.
    const std::size_t messages =
        std::clamp<std::size_t>(config.batch * config.pool.sources, kFewestMessages, kMostMessages);
    receive_ = std::make_unique<ReceiveStage>(ReceiveStage::Config{.messages_per_poll = messages},
                                              ReceiveStage::Parts{.input = ports.input,
                                                                  .builder = builder_,
                                                                  .pool = pool_,
                                                                  .tickets = tickets_,
                                                                  .workers = std::move(inboxes),
                                                                  .sent = *sent_,
                                                                  .returned = *returned_,
                                                                  .bell = receive_bell_,
                                                                  .accounting = accounting_,
                                                                  .ledger = ports.ledger});
    send_ = std::make_unique<SendStage>(SendStage::Parts{.context = ports.menu.context(),
                                                         .pool = pool_,
                                                         .tickets = tickets_,
                                                         .decided = std::move(decided),
                                                         .bell = send_bell_,
                                                         .sent = *sent_,
                                                         .returned = *returned_,
                                                         .receiver_bell = receive_bell_,
                                                         .outputs = std::move(ports.outputs),
                                                         .observer = ports.observer});
}

Pipeline::~Pipeline() = default;

void Pipeline::drain(std::uint64_t give_up_at_ns) noexcept {
    send_->give_up_at(give_up_at_ns);
    receive_->stop_reading();
}

Pipeline::Snapshot Pipeline::snapshot() const {
    const std::lock_guard lock(reader_);
    Snapshot snapshot{.run = receive_->latest(), .outputs = {}, .workers = {}};
    for (std::size_t i = 0; i < send_->outputs().size(); ++i) {
        snapshot.outputs.push_back(send_->counters(i));
    }
    for (const auto& worker : workers_) {
        snapshot.workers.push_back(worker->stage.counters());
    }
    return snapshot;
}

std::vector<Stage*> Pipeline::stages() noexcept {
    std::vector<Stage*> stages{receive_.get()};
    for (const auto& worker : workers_) {
        stages.push_back(&worker->stage);
    }
    stages.push_back(send_.get());
    return stages;
}

WaitPoint Pipeline::wait_point() const noexcept {
    WaitPoint point = receive_->wait_point();
    point.bell = nullptr;  // its own stages ring nobody; a stop waits for the limit at most
    const WaitPoint sending = send_->wait_point();
    point.output_descriptor = sending.output_descriptor;
    point.limit_ns = std::min(point.limit_ns, sending.limit_ns);
    return point;
}

void Pipeline::on_wake(Wake wake) noexcept {
    receive_->on_wake(wake);
    send_->on_wake(wake);
}

}  // namespace tamis::daemon
