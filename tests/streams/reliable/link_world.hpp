// A small world of reliable links without sockets or clocks: some senders, one receiver, and a
// network that loses, doubles, delays, damages and cuts; every end may die at any time. What was
// promised is checked at every step. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "streams/reliable/link_receiver.hpp"
#include "streams/reliable/link_sender.hpp"
#include "streams/synthetic/random_stream.hpp"

namespace tamis::tests {

struct LinkFaults {
    double lose = 0;
    double duplicate = 0;
    double flip = 0;
    double delay = 0;  // of a message by up to 20 ms, so that others overtake it
    double cut = 0;    // of a connection, per step
    double kill_sender = 0;
    double kill_receiver = 0;
};

class LinkWorld {
 public:
    LinkWorld(std::uint64_t seed, const LinkFaults& faults, std::size_t senders);
    ~LinkWorld();

    // One to three milliseconds.
    void step(bool offers);
    // Without faults from now on, until everything is durable; false after 60 s of its time.
    [[nodiscard]] bool drain();

    // What went wrong first; empty: nothing.
    [[nodiscard]] const std::string& broken() const { return broken_; }
    [[nodiscard]] std::uint64_t delivered() const { return delivered_count_; }
    [[nodiscard]] std::uint64_t damaged() const;
    [[nodiscard]] std::uint64_t flipped() const { return flipped_; }
    // Messages that their sender knew to be durable before one in front of them was.
    [[nodiscard]] std::uint64_t settled_ahead() const { return settled_ahead_; }

 private:
    struct Source;
    struct Wire {
        std::uint64_t due_ns = 0;
        std::vector<std::byte> bytes;
    };
    using MessageId = std::pair<std::size_t, std::uint64_t>;  // sender's life, number

    void expect(bool holds, const std::string& what);
    void offer(std::size_t index);
    void send(std::vector<Wire>& wire, std::span<const std::byte> bytes);
    void deliver_to_receiver(std::size_t index);
    void settle_some();
    void answer();
    void deliver_to_senders();
    void maybe_fail();
    void start_sender(std::size_t index);
    void start_receiver();
    void check();

    streams::RandomStream random_;
    LinkFaults faults_;
    std::uint64_t now_ns_ = 1'000'000'000;
    std::uint64_t next_epoch_ = 1;
    std::uint32_t next_peer_ = 1;
    std::vector<std::unique_ptr<Source>> sources_;
    std::unique_ptr<streams::LinkReceiver> receiver_;
    struct Held {
        streams::LinkReceiver::Receipt receipt;
        MessageId id;
        bool is_decided = false;
    };
    std::vector<Held> held_;
    std::set<MessageId> given_;    // by this receiver
    std::set<MessageId> durable_;  // survives receivers
    std::size_t lives_ = 0;
    std::uint64_t delivered_count_ = 0;
    std::uint64_t damaged_before_ = 0;
    std::uint64_t flipped_ = 0;
    std::uint64_t settled_ahead_ = 0;
    std::string broken_;
};

}  // namespace tamis::tests
