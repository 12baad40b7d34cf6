#include "streams/reliable/event_dispatcher.hpp"

#include <algorithm>
#include <gsl/assert>
#include <limits>
#include <utility>

#include "streams/fragment.hpp"
#include "streams/reliable/service_time.hpp"

namespace tamis::streams {
namespace {

constexpr Hold kHolds = Hold{1} << 22U;  // more than can be under way at one time
// In the table, beside the node's number: the event has ended there, for one of its fragments is
// safe. Its others must go nowhere else.
constexpr std::uint32_t kEnded = std::uint32_t{1} << 31U;

}  // namespace

struct EventDispatcher::Node {
    struct Pending {
        EventKey key;
        Hold hold = kNoHold;
        bool is_safe = false;  // although one before it is not
    };
    std::string endpoint;
    std::unique_ptr<ReliableOutput> link;
    std::deque<Pending> pending;        // handed to the link, in order, from the first not safe
    std::size_t unsafe = 0;             // of them
    std::uint64_t dropped = 0;          // handed to this link before `pending`: all safe
    std::uint64_t safe = 0;             // of all links
    std::uint64_t absent_since_ns = 0;  // takes no connections; 0: it does
    std::uint64_t silent_since_ns = 0;  // the link is not open; 0: it is
    std::size_t promised = 0;           // orphans that are to come here
    bool leaves = false;
    ServiceTime service = {};

    [[nodiscard]] double expected_wait_ns() const noexcept {
        return service.expected_wait_ns(unsafe + promised);
    }
    void look(std::uint64_t now_ns) noexcept {
        const auto since = [now_ns](bool is, std::uint64_t before_ns) {
            return !is ? 0 : before_ns == 0 ? now_ns : before_ns;
        };
        absent_since_ns = since(link->presence() == PeerPresence::absent, absent_since_ns);
        silent_since_ns = since(!link->is_open(), silent_since_ns);
    }
    [[nodiscard]] bool takes_events() const noexcept {
        return !leaves && link->is_connected() && link->is_open();
    }
};

// What a dead node had not acknowledged, in the window of the link that led to it.
struct EventDispatcher::Orphans {
    std::unique_ptr<ReliableOutput> link;
    std::deque<Node::Pending> pending;
    std::uint64_t number = 0;  // of the message before the first of `pending`
};

EventDispatcher::EventDispatcher(LinkContext& context, Config config, Listener listener)
    : context_(context),
      config_(std::move(config)),
      listener_(std::move(listener)),
      table_(config_.remembered_events, EventTable::random_seed()),
      order_(config_.remembered_events) {}

EventDispatcher::~EventDispatcher() = default;

tl::expected<std::unique_ptr<ReliableOutput>, std::string> EventDispatcher::connect(
    const std::string& endpoint) {
    LinkConfig link;
    link.endpoint = endpoint;
    link.attachment = Attachment::connect;
    link.options = config_.options;
    return ReliableOutput::make(context_, link,
                                {.name = config_.name,
                                 .reassigns = true,
                                 .window_messages = config_.window_messages,
                                 .window_bytes = config_.window_bytes});
}

tl::expected<void, std::string> EventDispatcher::add_node(const std::string& endpoint) {
    const auto known =
        std::ranges::find(nodes_, endpoint, [](const auto& n) { return n->endpoint; });
    if (known != nodes_.end()) {
        (*known)->leaves = false;
        return {};
    }
    auto link = connect(endpoint);
    if (!link) {
        return tl::unexpected(link.error());
    }
    auto node = std::make_unique<Node>();
    node->endpoint = endpoint;
    node->link = *std::move(link);
    node->link->set_width(width_);
    nodes_.push_back(std::move(node));
    return {};
}

void EventDispatcher::remove_node(const std::string& endpoint) noexcept {
    for (const auto& node : nodes_) {
        node->leaves = node->leaves || node->endpoint == endpoint;
    }
}

bool EventDispatcher::is_ready() const noexcept {
    return orphans_.empty() &&
           std::ranges::any_of(nodes_, [](const auto& n) { return n->takes_events(); }) &&
           std::ranges::all_of(nodes_, [&](const auto& n) {
               return n->link->sender().has_room(config_.message_bytes);
           });
}

// The one that would be through with it first: a slow node, or one that stands still, soon has so
// much to do that it gets no more.
std::uint32_t EventDispatcher::choose() const noexcept {
    std::uint32_t best = 0;
    double shortest_ns = std::numeric_limits<double>::infinity();
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
        const Node& node = *nodes_[i];
        if (node.takes_events() && node.expected_wait_ns() < shortest_ns) {
            best = i;
            shortest_ns = node.expected_wait_ns();
        }
    }
    return best;
}

std::uint32_t EventDispatcher::node_of(const EventKey& key) noexcept {
    const std::uint32_t known = table_.find(key);
    if (known != EventTable::kAbsent) {
        return known & ~kEnded;
    }
    const std::uint32_t node = choose();
    remember(key, node);
    return node;
}

void EventDispatcher::remember(const EventKey& key, std::uint32_t node) noexcept {
    if (table_.size() == order_.size()) {
        table_.erase(order_[next_]);
    }
    order_[next_] = key;
    next_ = (next_ + 1) % order_.size();
    table_.set(key, node);
}

void EventDispatcher::hand_to(std::uint32_t node, const EventKey& key,
                              std::span<const std::byte> message, Hold hold,
                              std::uint64_t now_ns) noexcept {
    Node& target = *nodes_[node];
    const SendResult result = target.link->send(message, 0, now_ns);
    Ensures(result == SendResult::delivered);  // is_ready() said so
    target.pending.push_back({.key = key, .hold = hold});
    ++target.unsafe;
}

Hold EventDispatcher::on_message(std::span<const std::byte> message,
                                 std::uint64_t now_ns) noexcept {
    const auto fragment = FragmentDecoder({.message_bytes = config_.message_bytes}).decode(message);
    if (!fragment) {
        ++malformed_;  // the node would count it; to which it should go it does not say
        return kNoHold;
    }
    const EventKey key{fragment->run, fragment->event};
    const std::uint32_t node = node_of(key);
    if (has_ended(key) && !nodes_[node]->takes_events()) {
        ++late_;  // the node that would count it so is gone
        return kNoHold;
    }
    const Hold hold = next_hold_;
    next_hold_ = (next_hold_ + 1) % kHolds;
    hand_to(node, key, message, hold, now_ns);
    return hold;
}

void EventDispatcher::on_refused(std::uint64_t /*now_ns*/) noexcept { ++malformed_; }

bool EventDispatcher::has_ended(const EventKey& key) const noexcept {
    const std::uint32_t known = table_.find(key);
    return known != EventTable::kAbsent && (known & kEnded) != 0;
}

// Not only in the order of sending: what waits behind a fragment whose event is not whole may be
// all that keeps the source that it waits for from sending it.
void EventDispatcher::take_safe(Node& node, std::uint64_t now_ns) noexcept {
    const std::uint64_t before = node.safe;
    const auto on_safe = [&](Node::Pending& one) {
        if (std::exchange(one.is_safe, true)) {
            return;
        }
        if (const std::uint32_t known = table_.find(one.key); known != EventTable::kAbsent) {
            table_.set(one.key, known | kEnded);
        }
        listener_.on_safe(one.hold);
        --node.unsafe;
        ++node.safe;
    };
    for (; node.dropped < node.link->durable_count(); ++node.dropped) {
        on_safe(node.pending.front());
        node.pending.pop_front();
    }
    node.link->take_settled(
        [&](std::uint64_t number) { on_safe(node.pending[number - node.dropped - 1]); });
    if (node.safe > before) {
        node.service.on_served(node.safe - before, node.unsafe, now_ns);
    }
}

// The others are to get what it had; when it comes back it starts with nothing.
void EventDispatcher::reassign(std::uint32_t dead) noexcept {
    Node& node = *nodes_[dead];
    auto fresh = connect(node.endpoint);
    if (!fresh) {
        return;  // no more sockets: again at the next poll
    }
    (*fresh)->set_width(width_);
    Orphans orphans{.link = std::exchange(node.link, *std::move(fresh)),
                    .pending = std::exchange(node.pending, {}),
                    .number = std::exchange(node.dropped, 0)};
    node.unsafe = 0;
    node.service = {};
    node.absent_since_ns = 0;
    node.silent_since_ns = 0;
    for (const Node::Pending& one : orphans.pending) {
        const std::uint32_t known = table_.find(one.key);
        if (one.is_safe || has_ended(one.key)) {
            continue;
        }
        std::uint32_t target = known;
        if (known == dead || known == EventTable::kAbsent) {
            target = choose();
            listener_.on_reassigned(one.key, node.endpoint, nodes_[target]->endpoint);
            known == EventTable::kAbsent ? remember(one.key, target) : table_.set(one.key, target);
        }
        ++nodes_[target]->promised;
    }
    orphans_.push_back(std::move(orphans));
}

// As the nodes that they go to have room; nothing new is taken before.
void EventDispatcher::move_orphans(std::uint64_t now_ns) noexcept {
    while (!orphans_.empty()) {
        Orphans& orphans = orphans_.front();
        for (; !orphans.pending.empty(); orphans.pending.pop_front(), ++orphans.number) {
            const Node::Pending& one = orphans.pending.front();
            if (one.is_safe) {
                continue;
            }
            const std::uint32_t target = node_of(one.key);
            Node& node = *nodes_[target];
            if (has_ended(one.key)) {
                node.promised -= node.promised > 0 ? 1 : 0;
                listener_.on_safe(one.hold);
                continue;
            }
            const auto message = orphans.link->sender().payload(orphans.number + 1);
            if (!node.link->sender().has_room(message.size())) {
                return;
            }
            node.promised -= node.promised > 0 ? 1 : 0;
            hand_to(target, one.key, message, one.hold, now_ns);
            ++reassigned_;
        }
        orphans_.pop_front();
    }
}

bool EventDispatcher::is_dead(const Node& node, std::uint64_t now_ns) const noexcept {
    const auto lasts = [now_ns](std::uint64_t since_ns, std::uint64_t limit_ns) {
        return since_ns != 0 && now_ns >= since_ns + limit_ns;
    };
    return node.silent_since_ns != 0 && (lasts(node.absent_since_ns, config_.grace_ns) ||
                                         lasts(node.silent_since_ns, config_.stall_ns));
}

std::size_t EventDispatcher::poll(std::uint64_t now_ns) noexcept {
    std::size_t work = 0;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
        Node& node = *nodes_[i];
        work += node.link->poll(now_ns);
        take_safe(node, now_ns);
        node.look(now_ns);
        if (is_dead(node, now_ns) && node.unsafe > 0 &&
            std::ranges::any_of(nodes_, [](const auto& n) { return n->takes_events(); })) {
            reassign(i);
        }
    }
    move_orphans(now_ns);
    return work;
}

void EventDispatcher::set_width(std::uint64_t sources) noexcept {
    width_ = sources;
    for (const auto& node : nodes_) {
        node->link->set_width(width_);
    }
}

std::size_t EventDispatcher::unacknowledged() const noexcept {
    std::size_t count = 0;
    for (const auto& node : nodes_) {
        count += node->unsafe;
    }
    for (const Orphans& orphans : orphans_) {
        count += static_cast<std::size_t>(
            std::ranges::count(orphans.pending, false, &Node::Pending::is_safe));
    }
    return count;
}

std::vector<EventDispatcher::NodeState> EventDispatcher::nodes() const {
    std::vector<NodeState> states;
    for (const auto& node : nodes_) {
        states.push_back({.endpoint = node->endpoint,
                          .is_there = node->link->is_open(),
                          .fragments = node->safe,
                          .unacknowledged = node->unsafe});
    }
    return states;
}

}  // namespace tamis::streams
