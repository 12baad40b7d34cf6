// Any bytes at both ends of a reliable link: no crash, every data message accounted for once,
// levels never above what was sent. The input is a list of (length, bytes); half of the messages
// get a right checksum, so that what is behind it is reached.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "streams/fragment.hpp"
#include "streams/reliable/link_receiver.hpp"
#include "streams/reliable/link_sender.hpp"

using tamis::streams::LinkLevel;
using tamis::streams::LinkReceiver;
using tamis::streams::LinkSender;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void seal(std::vector<std::byte>& message) {
    constexpr std::size_t kHeader = 8;
    if (message.size() < kHeader) {
        return;
    }
    message[1] = std::byte{2};
    message[2] = message[3] = std::byte{0};
    const std::span<const std::byte> bytes(message);
    const std::uint32_t sum =
        tamis::streams::crc32c(bytes.subspan(kHeader), tamis::streams::crc32c(bytes.first(4)));
    std::memcpy(message.data() + 4, &sum, sizeof sum);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    LinkReceiver receiver({.epoch = 1, .window = {.messages = 16, .bytes = 4096}, .senders = 4});
    LinkSender sender(
        {.name = "a", .epoch = 7, .reassigns = true, .window_messages = 8, .window_bytes = 1024});
    const std::vector<std::byte> payload(10);
    std::uint64_t now = 1;
    while (size > 1) {
        const std::size_t length = std::min<std::size_t>(data[0] & 127U, size - 1);
        const bool is_sealed = (data[0] & 128U) != 0;
        const auto bytes = std::as_bytes(std::span(data + 1, length));
        std::vector<std::byte> message(bytes.begin(), bytes.end());
        data += 1 + length;
        size -= 1 + length;
        if (is_sealed) {
            seal(message);
        }
        now += 1'000'000;
        if (const auto delivery = receiver.on_message(length % 5, message, now)) {
            if (length % 3 != 0) {
                receiver.settle(delivery->receipt, LinkLevel::decided);
                receiver.settle(delivery->receipt, LinkLevel::durable);
            }
        }
        while (receiver.next_taken_back()) {
        }
        require(receiver.heard_until(now) <= now);
        while (receiver.next_reply(now)) {
        }
        static_cast<void>(sender.offer(payload));
        sender.on_message(message, now);
        if (!sender.next(now).empty()) {
            sender.on_taken(now);
        }
        const auto& levels = sender.levels();
        sender.take_settled([&](std::uint64_t number) {
            require(number > levels.durable && number <= sender.offered());
        });
        require(levels.durable <= sender.offered() && levels.received <= sender.offered());
        require(sender.unacknowledged() == sender.offered() - levels.durable);
        const auto& counters = receiver.counters();
        require(counters.accounted_data() <= counters.received);
    }
    return 0;
}
