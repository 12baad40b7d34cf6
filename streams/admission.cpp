#include "streams/admission.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tamis::streams {
namespace {

constexpr std::size_t kNamedRefusals = 64;

}  // namespace

std::string_view to_string(Refusal refusal) noexcept {
    constexpr std::array<std::string_view, kRefusals> kNames = {"unlisted_key", "wrong_server_key",
                                                                "not_curve", "unfinished"};
    return kNames[static_cast<std::size_t>(refusal)];
}

std::string Admission::add_link(const std::string& endpoint, std::vector<CurvePeer> peers) {
    const std::lock_guard lock(mutex_);
    Link& link = links_.emplace_back();
    link.domain = "tamis." + std::to_string(links_.size());
    link.peers = std::move(peers);
    link.books.endpoint = endpoint;
    return link.domain;
}

void Admission::set_endpoint(std::string_view domain, const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    if (Link* link = find(domain)) {
        link->books.endpoint = endpoint;
    }
}

ZapAnswer Admission::answer(const ZapRequest& request) {
    const std::lock_guard lock(mutex_);
    const ZapAnswer no{.status = "400", .text = "no access", .user = {}};
    Link* link = find(request.domain);
    if (link == nullptr || request.version != "1.0") {
        return no;
    }
    CurveKey key{};
    if (request.mechanism != "CURVE" || request.credentials.size() != key.size()) {
        note(*link, {link->books.endpoint, request.address, {}, Refusal::not_curve});
        return no;
    }
    std::memcpy(key.data(), request.credentials.data(), key.size());
    const auto peer = std::ranges::find(link->peers, key, &CurvePeer::key);
    if (peer == link->peers.end()) {
        note(*link, {link->books.endpoint, request.address, to_z85(key), Refusal::unlisted_key});
        return no;
    }
    ++link->books.admitted;
    return {.status = "200", .text = "ok", .user = peer->name};
}

void Admission::refuse(std::string_view domain, Refusal why, const std::string& address,
                       const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (Link* link = find(domain)) {
        note(*link, {link->books.endpoint, address, key, why});
    }
}

std::vector<LinkAdmissions> Admission::links() const {
    const std::lock_guard lock(mutex_);
    std::vector<LinkAdmissions> all;
    all.reserve(links_.size());
    for (const Link& link : links_) {
        all.push_back(link.books);
    }
    return all;
}

std::vector<RefusedPeer> Admission::take_refused() {
    const std::lock_guard lock(mutex_);
    return std::exchange(refused_, {});
}

Admission::Link* Admission::find(std::string_view domain) noexcept {
    const auto link = std::ranges::find(links_, domain, &Link::domain);
    return link == links_.end() ? nullptr : &*link;
}

void Admission::note(Link& link, RefusedPeer peer) {
    ++link.books.refused[static_cast<std::size_t>(peer.why)];
    const auto known =
        std::ranges::find_if(refused_, [&](const RefusedPeer& named) { return named.is_as(peer); });
    if (known != refused_.end()) {
        ++known->times;
    } else if (refused_.size() < kNamedRefusals) {
        refused_.push_back(std::move(peer));
    }
}

}  // namespace tamis::streams
