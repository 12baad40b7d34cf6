#include "link_world.hpp"

#include <algorithm>
#include <cstring>

namespace tamis::tests {

using streams::LinkLevel;
using streams::LinkReceiver;
using streams::LinkSender;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::size_t kWindowMessages = 256;
constexpr std::size_t kWindowBytes = 8192;

struct Payload {
    std::uint64_t life = 0;
    std::uint64_t number = 0;
    std::uint64_t filler = 0;  // so many bytes more
};

}  // namespace

struct LinkWorld::Source {
    std::unique_ptr<LinkSender> sender;
    std::size_t life = 0;
    std::uint32_t peer = 0;
    std::vector<Wire> up;
    std::vector<Wire> down;
};

LinkWorld::LinkWorld(std::uint64_t seed, const LinkFaults& faults, std::size_t senders)
    : random_(seed, 1, 0, streams::RandomPart::process), faults_(faults) {
    for (std::size_t i = 0; i < senders; ++i) {
        sources_.push_back(std::make_unique<Source>());
        start_sender(i);
    }
    start_receiver();
}

LinkWorld::~LinkWorld() = default;

void LinkWorld::expect(bool holds, const std::string& what) {
    if (!holds && broken_.empty()) {
        broken_ = what;
    }
}

void LinkWorld::start_sender(std::size_t index) {
    Source& source = *sources_[index];
    source.life = ++lives_;
    source.peer = next_peer_++;
    source.up.clear();
    source.down.clear();
    source.sender = std::make_unique<LinkSender>(LinkSender::Config{
        .name = "source" + std::to_string(index),
        .epoch = next_epoch_++,
        .reassigns = true,
        .window_messages = 512,
        .window_bytes = 64 * 1024,
    });
    source.sender->on_reconnect(now_ns_);
}

void LinkWorld::start_receiver() {
    damaged_before_ += receiver_ ? receiver_->counters().damaged : 0;
    receiver_ = std::make_unique<LinkReceiver>(
        LinkReceiver::Config{.epoch = next_epoch_++,
                             .window = {.messages = kWindowMessages, .bytes = kWindowBytes},
                             .senders = sources_.size()});
    held_.clear();
    given_.clear();
    for (const auto& source : sources_) {  // every connection ends with it
        source->peer = next_peer_++;
        source->up.clear();
        source->down.clear();
    }
}

std::uint64_t LinkWorld::damaged() const { return damaged_before_ + receiver_->counters().damaged; }

void LinkWorld::offer(std::size_t index) {
    Source& source = *sources_[index];
    const Payload payload{source.life, source.sender->offered() + 1, random_.bits() % 100};
    std::vector<std::byte> bytes(sizeof payload + payload.filler, std::byte(payload.number));
    std::memcpy(bytes.data(), &payload, sizeof payload);
    static_cast<void>(source.sender->offer(bytes));
}

void LinkWorld::send(std::vector<Wire>& wire, std::span<const std::byte> bytes) {
    const int copies = random_.chance(faults_.lose) ? 0 : random_.chance(faults_.duplicate) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        Wire message{now_ns_ + kMs / 2, {bytes.begin(), bytes.end()}};
        if (random_.chance(faults_.delay)) {
            message.due_ns += random_.bits() % (20 * kMs);
        }
        if (random_.chance(faults_.flip)) {
            const std::size_t bit = random_.bits() % (message.bytes.size() * 8);
            message.bytes[bit / 8] ^= std::byte{1} << (bit % 8);
            ++flipped_;
        }
        wire.push_back(std::move(message));
    }
}

void LinkWorld::deliver_to_receiver(std::size_t index) {
    Source& source = *sources_[index];
    const auto split = std::stable_partition(source.up.begin(), source.up.end(),
                                             [&](const Wire& w) { return w.due_ns <= now_ns_; });
    for (auto wire = source.up.begin(); wire != split; ++wire) {
        const auto delivery = receiver_->on_message(source.peer, wire->bytes, now_ns_);
        if (!delivery) {
            continue;
        }
        ++delivered_count_;
        Payload payload;
        expect(delivery->payload.size() >= sizeof payload, "a payload of the wrong size");
        std::memcpy(&payload, delivery->payload.data(), sizeof payload);
        expect(payload.number == delivery->receipt.number && payload.life == source.life &&
                   delivery->payload.size() == sizeof payload + payload.filler,
               "a payload that was not sent under this number");
        const MessageId id{payload.life, payload.number};
        expect(given_.insert(id).second, "a message given twice by one receiver");
        held_.push_back({delivery->receipt, id});
    }
    source.up.erase(source.up.begin(), split);
}

void LinkWorld::settle_some() {
    std::erase_if(held_, [&](Held& held) {
        if (random_.chance(0.5)) {
            return false;
        }
        if (!held.is_decided && random_.chance(0.5)) {
            held.is_decided = true;
            receiver_->settle(held.receipt, LinkLevel::decided);
            return false;
        }
        durable_.insert(held.id);
        receiver_->settle(held.receipt, LinkLevel::durable);
        return true;
    });
}

void LinkWorld::answer() {
    while (const auto reply = receiver_->next_reply(now_ns_)) {
        const auto source = std::ranges::find(
            sources_, reply->peer, [](const auto& candidate) { return candidate->peer; });
        if (source == sources_.end()) {
            receiver_->on_unreachable(reply->peer);
        } else {
            send((*source)->down, reply->message);
        }
    }
}

void LinkWorld::deliver_to_senders() {
    for (const auto& source : sources_) {
        const auto split =
            std::stable_partition(source->down.begin(), source->down.end(),
                                  [&](const Wire& w) { return w.due_ns <= now_ns_; });
        for (auto wire = source->down.begin(); wire != split; ++wire) {
            source->sender->on_message(wire->bytes, now_ns_);
        }
        source->down.erase(source->down.begin(), split);
        source->sender->take_settled([&](std::uint64_t number) {
            ++settled_ahead_;
            expect(durable_.contains({source->life, number}), "settled and never was");
        });
    }
}

void LinkWorld::maybe_fail() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (random_.chance(faults_.cut)) {
            sources_[i]->peer = next_peer_++;
            sources_[i]->up.clear();
            sources_[i]->down.clear();
        }
        if (random_.chance(faults_.kill_sender)) {
            start_sender(i);
        }
    }
    if (random_.chance(faults_.kill_receiver)) {
        start_receiver();
    }
}

void LinkWorld::check() {
    for (const auto& source : sources_) {
        const std::uint64_t durable = source->sender->levels().durable;
        for (std::uint64_t number = durable; number > 0; --number) {
            const MessageId id{source->life, number};
            if (!durable_.contains(id)) {
                expect(false, "acknowledged as durable and never was");
                break;
            }
            if (number + 300 < durable) {
                break;  // checked in an earlier step
            }
        }
        expect(!source->sender->is_refused(), "the latest incarnation was refused");
    }
    for (const auto& state : receiver_->senders(now_ns_)) {
        expect(state.held <= kWindowMessages, "more held than the window");
    }
    expect(receiver_->counters().beyond == 0, "sent beyond every grant");
}

void LinkWorld::step(bool offers) {
    now_ns_ += kMs + random_.bits() % (2 * kMs);
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        for (std::uint32_t count = offers ? random_.bits() % 12 : 0; count > 0; --count) {
            offer(i);
        }
        Source& source = *sources_[i];
        if (source.sender->is_silent(now_ns_)) {
            source.peer = next_peer_++;
            source.sender->on_reconnect(now_ns_);
        }
        for (int count = 0; count < 40; ++count) {
            const auto message = source.sender->next(now_ns_);
            if (message.empty()) {
                break;
            }
            send(source.up, message);
            source.sender->on_taken(now_ns_);
        }
        deliver_to_receiver(i);
    }
    settle_some();
    answer();
    deliver_to_senders();
    check();
    maybe_fail();
}

bool LinkWorld::drain() {
    faults_ = {};
    const std::uint64_t end_ns = now_ns_ + 60'000 * kMs;
    const auto is_done = [&] {
        return std::ranges::all_of(
            sources_, [](const auto& source) { return source->sender->unacknowledged() == 0; });
    };
    while (!is_done() && now_ns_ < end_ns && broken_.empty()) {
        step(false);
    }
    return is_done();
}

}  // namespace tamis::tests
