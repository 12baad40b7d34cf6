#include "streams/reliable/link_receiver.hpp"

#include <algorithm>
#include <gsl/assert>

namespace tamis::streams {
namespace {

constexpr std::size_t kNotices = 256;

}  // namespace

std::uint64_t LinkReceiverCounters::accounted_data() const noexcept {
    return delivered + duplicates + beyond + damaged + malformed + unknown_peer + refused;
}

struct LinkReceiver::Sender {
    explicit Sender(std::string_view sender_name, const LinkSession::Window& window)
        : name(sender_name), session(window) {}

    std::string name;
    LinkSession session;
    std::uint32_t incarnation = 0;
    std::optional<Peer> peer;
    std::uint64_t heard_ns = 0;
    std::uint64_t next = 1;  // the sender has sent everything below
    bool is_closed = false;
    bool reassigns = false;

    bool grant_is_due = false;  // answer now
    bool has_news = false;      // levels or limit have changed since the last grant
    std::uint64_t granted_ns = 0;
    std::uint64_t granted_limit = 0;
    std::uint64_t gap_since_ns = 0;  // or since they were last asked for; 0: none
    bool gap_is_certain = false;     // the sender has said that it sent them before this
    std::uint64_t ask_from = 0;      // gaps from this number on are still to be asked for; 0: none
};

struct LinkReceiver::Reader {
    LinkReceiver& receiver;
    Peer peer;
    std::uint64_t now_ns;

    std::optional<Delivery> operator()(const OpenMessage& open) const noexcept {
        return receiver.on(peer, open, now_ns);
    }
    std::optional<Delivery> operator()(const DataMessage& data) const noexcept {
        return receiver.on(peer, data, now_ns);
    }
    std::optional<Delivery> operator()(const CloseMessage& close) const noexcept {
        return receiver.on(peer, close, now_ns);
    }
    template <class Other>
    std::optional<Delivery> operator()(const Other& /*what a receiver says*/) const noexcept {
        ++receiver.counters_.malformed;
        return std::nullopt;
    }
};

LinkReceiver::LinkReceiver(const Config& config) : config_(config) {
    Expects(config.epoch > 0 && config.senders >= 1);
    senders_.reserve(config.senders);
    notices_.reserve(kNotices);
    reply_.reserve(128);
}

LinkReceiver::~LinkReceiver() = default;

std::optional<LinkReceiver::Delivery> LinkReceiver::on_message(Peer peer,
                                                               std::span<const std::byte> message,
                                                               std::uint64_t now_ns) noexcept {
    ++counters_.received;
    const auto decoded = decode_link_message(message);
    if (!decoded) {
        ++(decoded.error() == LinkFault::bad_checksum ? counters_.damaged : counters_.malformed);
        return std::nullopt;
    }
    return std::visit(Reader{*this, peer, now_ns}, *decoded);
}

// A place that its sender has left for long may be taken by another name.
LinkReceiver::Sender* LinkReceiver::find_or_add(std::string_view name,
                                                std::uint64_t now_ns) noexcept {
    const auto known = std::ranges::find(senders_, name, [](const auto& s) { return s->name; });
    if (known != senders_.end()) {
        return known->get();
    }
    if (senders_.size() < config_.senders) {
        return senders_.emplace_back(std::make_unique<Sender>(name, config_.window)).get();
    }
    const auto is_left = [&](const auto& sender) {
        return sender->session.held() == 0 &&
               (sender->is_closed || now_ns > sender->heard_ns + config_.forget_ns);
    };
    const auto left = std::ranges::find_if(senders_, is_left);
    if (left == senders_.end()) {
        return nullptr;
    }
    if ((*left)->peer) {
        by_peer_.erase(*(*left)->peer);
        (*left)->peer.reset();
    }
    (*left)->name = name;
    (*left)->session.begin(0, 1, 0);
    (*left)->reassigns = false;
    return left->get();
}

void LinkReceiver::connect(Peer peer, std::uint32_t sender) noexcept {
    std::optional<Peer>& connected = senders_[sender]->peer;
    if (connected == peer) {
        return;
    }
    if (connected) {
        by_peer_.erase(*connected);
    }
    connected = peer;
    by_peer_[peer] = sender;
}

std::optional<LinkReceiver::Delivery> LinkReceiver::on(Peer peer, const OpenMessage& open,
                                                       std::uint64_t now_ns) noexcept {
    Sender* sender = find_or_add(open.name, now_ns);
    const std::uint64_t later = sender == nullptr ? 0 : sender->session.epoch();
    if (sender == nullptr || open.epoch < later) {
        ++counters_.refused;
        if (notices_.size() < kNotices) {
            notices_.push_back({peer, RefusedMessage{later}});
        }
        return std::nullopt;
    }
    const auto position = std::ranges::find_if(
        senders_, [&](const auto& candidate) { return candidate.get() == sender; });
    const auto index = static_cast<std::uint32_t>(position - senders_.begin());
    if (open.epoch > later) {
        if (sender->reassigns) {
            taken_back_.push_back({.session = index, .incarnation = sender->incarnation});
        }
        ++counters_.opened;
        ++sender->incarnation;
        sender->reassigns = open.reassigns;
        sender->session.begin(open.epoch, open.first, open.first_offset);
        sender->is_closed = false;
    }
    sender->session.set_width(std::min(open.width, config_.widest));
    connect(peer, index);
    sender->heard_ns = now_ns;
    sender->next = open.next;
    sender->grant_is_due = true;
    // What it sent on this connection came before this message: what is missing is lost.
    sender->gap_is_certain = true;
    return std::nullopt;
}

std::optional<LinkReceiver::Delivery> LinkReceiver::on(Peer peer, const DataMessage& data,
                                                       std::uint64_t now_ns) noexcept {
    const auto known = by_peer_.find(peer);
    if (known == by_peer_.end()) {
        ++counters_.unknown_peer;
        const auto is_told = [&](const Notice& notice) { return notice.peer == peer; };
        if (notices_.size() < kNotices && std::ranges::none_of(notices_, is_told)) {
            notices_.push_back({peer, UnknownPeerMessage{config_.epoch}});
        }
        return std::nullopt;
    }
    Sender& sender = *senders_[known->second];
    sender.heard_ns = now_ns;
    switch (sender.session.arrive(data.number, data.offset, data.payload.size())) {
        case LinkSession::Arrival::duplicate:
            ++counters_.duplicates;
            return std::nullopt;
        case LinkSession::Arrival::beyond:
            ++counters_.beyond;
            return std::nullopt;
        case LinkSession::Arrival::fresh:
            break;
    }
    ++counters_.delivered;
    sender.has_news = true;
    sender.next = std::max(sender.next, data.number + 1);
    return Delivery{.receipt = {.session = known->second,
                                .incarnation = sender.incarnation,
                                .number = data.number,
                                .bytes = data.payload.size()},
                    .payload = data.payload};
}

std::optional<LinkReceiver::Delivery> LinkReceiver::on(Peer peer, const CloseMessage& close,
                                                       std::uint64_t /*now_ns*/) noexcept {
    const auto known = by_peer_.find(peer);
    if (known == by_peer_.end() || senders_[known->second]->session.epoch() != close.epoch) {
        ++counters_.malformed;
        return std::nullopt;
    }
    Sender& sender = *senders_[known->second];
    sender.is_closed = true;
    sender.peer.reset();
    by_peer_.erase(known);
    return std::nullopt;
}

void LinkReceiver::settle(const Receipt& receipt, LinkLevel level) noexcept {
    Sender& sender = *senders_[receipt.session];
    if (receipt.incarnation == sender.incarnation) {
        sender.session.settle(receipt.number, level, receipt.bytes);
        sender.has_news = true;
    }
}

std::optional<LinkReceiver::TakenBack> LinkReceiver::next_taken_back() noexcept {
    if (taken_back_.empty()) {
        return std::nullopt;
    }
    const TakenBack taken = taken_back_.back();
    taken_back_.pop_back();
    return taken;
}

std::uint64_t LinkReceiver::heard_until(std::uint64_t now_ns) const noexcept {
    std::uint64_t until = now_ns;
    for (const auto& sender : senders_) {
        const bool may_take_back = sender->reassigns && sender->session.held() > 0;
        if (may_take_back && now_ns <= sender->heard_ns + config_.forget_ns) {
            until = std::min(until, sender->heard_ns);
        }
    }
    return until;
}

void LinkReceiver::on_unreachable(Peer peer) noexcept {
    if (const auto known = by_peer_.find(peer); known != by_peer_.end()) {
        senders_[known->second]->peer.reset();
        by_peer_.erase(known);
    }
}

// Asks for what is missing, gap by gap, when it has been missing for long enough.
bool LinkReceiver::encode_resend(Sender& sender, std::uint64_t now_ns) noexcept {
    const LinkSession& session = sender.session;
    if (session.levels().received + 1 >= sender.next) {
        sender.gap_since_ns = 0;
        sender.gap_is_certain = false;
        sender.ask_from = 0;
        return false;
    }
    if (sender.gap_since_ns == 0) {
        sender.gap_since_ns = now_ns;
    }
    if (sender.gap_is_certain || now_ns >= sender.gap_since_ns + config_.gap_ns) {
        sender.gap_is_certain = false;
        sender.gap_since_ns = now_ns;
        sender.ask_from = session.levels().received + 1;
    }
    const auto gap =
        sender.ask_from == 0 ? std::nullopt : session.first_gap(sender.ask_from, sender.next);
    sender.ask_from = gap ? gap->to + 1 : 0;
    if (!gap) {
        return false;
    }
    ++counters_.resend_requests;
    encode_link_message(ResendMessage{session.epoch(), gap->from, gap->to}, reply_);
    return true;
}

bool LinkReceiver::encode_grant(Sender& sender, std::uint64_t now_ns) noexcept {
    const LinkSession& session = sender.session;
    // A sender that could soon run out of credit is told at once.
    const bool is_urgent = session.limit() >= sender.granted_limit + session.room() / 4;
    const bool may_wait = now_ns < sender.granted_ns + config_.grant_interval_ns;
    if (!sender.grant_is_due && (!sender.has_news || (may_wait && !is_urgent))) {
        return false;
    }
    sender.grant_is_due = false;
    sender.has_news = false;
    sender.granted_ns = now_ns;
    sender.granted_limit = session.limit();
    settled_.clear();
    if (sender.reassigns) {
        session.encode_settled(settled_);
    }
    encode_link_message(GrantMessage{.receiver_epoch = config_.epoch,
                                     .sender_epoch = session.epoch(),
                                     .levels = session.levels(),
                                     .limit = is_stopped_ ? session.highest() : session.limit(),
                                     .offset_limit = session.offset_limit(),
                                     .settled = settled_},
                        reply_);
    return true;
}

void LinkReceiver::flush() noexcept {
    for (const auto& sender : senders_) {
        sender->grant_is_due = true;
    }
}

std::optional<LinkReceiver::Reply> LinkReceiver::next_reply(std::uint64_t now_ns) noexcept {
    if (!notices_.empty()) {
        const Notice notice = notices_.back();
        notices_.pop_back();
        encode_link_message(notice.message, reply_);
        return Reply{notice.peer, reply_};
    }
    for (; next_sender_ < senders_.size(); ++next_sender_) {
        Sender& sender = *senders_[next_sender_];
        if (sender.peer && (encode_resend(sender, now_ns) || encode_grant(sender, now_ns))) {
            return Reply{*sender.peer, reply_};
        }
    }
    next_sender_ = 0;
    return std::nullopt;
}

std::uint64_t LinkReceiver::width() const noexcept {
    std::uint64_t width = 0;
    for (const auto& sender : senders_) {
        width += sender->is_closed ? 0 : sender->session.width();
    }
    return width;
}

std::vector<LinkReceiver::SenderState> LinkReceiver::senders(std::uint64_t now_ns) const {
    std::vector<SenderState> states;
    for (const auto& sender : senders_) {
        states.push_back(
            {.name = sender->name,
             .levels = sender->session.levels(),
             .held = sender->session.held(),
             .room = sender->session.room(),
             .is_away = !sender->is_closed &&
                        (!sender->peer || now_ns > sender->heard_ns + config_.silence_ns)});
    }
    return states;
}

}  // namespace tamis::streams
