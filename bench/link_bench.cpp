// Links against bare ZeroMQ PUSH/PULL of the same messages, in turns in one run: messages from one
// thread to another over TCP on this machine.
#include <fmt/core.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "streams/best_effort_link.hpp"
#include "streams/reliable/reliable_link.hpp"

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace tamis::streams;

struct Options {
    std::size_t bytes = 4096;
    double seconds = 1.0;  // of a block
    int blocks = 5;
};

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count());
}

class CountingSink final : public MessageSink {
 public:
    Hold on_message(std::span<const std::byte> message, std::uint64_t /*at*/) noexcept override {
        bytes_ += message.size();
        count.fetch_add(1, std::memory_order_relaxed);
        return kNoHold;
    }
    void on_refused(std::uint64_t /*at*/) noexcept override {}
    std::atomic<std::uint64_t> count = 0;

 private:
    std::uint64_t bytes_ = 0;
};

// One message; false: it has to be tried again.
using Send = std::function<bool(std::span<const std::byte>)>;

void send_for(double seconds, const Send& send, std::span<const std::byte> message) {
    const auto end = steady_clock::now() + std::chrono::duration<double>(seconds);
    while (steady_clock::now() < end) {
        for (int i = 0; i < 64; ++i) {
            while (!send(message)) {
                std::this_thread::yield();
            }
        }
    }
}

// Messages a second from `send` to a receiver that `receive` turns until it is told to stop.
double measure(const Options& options, const std::function<void(const std::atomic<bool>&)>& receive,
               const Send& send, const std::function<std::uint64_t()>& received) {
    std::atomic<bool> stop = false;
    std::thread receiver([&] { receive(stop); });
    const std::vector<std::byte> message(options.bytes, std::byte{42});
    send_for(options.seconds / 5, send, message);  // warm
    const std::uint64_t before = received();
    const auto begin = steady_clock::now();
    send_for(options.seconds, send, message);
    const std::uint64_t after = received();
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    stop = true;
    receiver.join();
    return static_cast<double>(after - before) / seconds;
}

double bare(const Options& options) {
    void* context = zmq_ctx_new();
    void* pull = zmq_socket(context, ZMQ_PULL);
    void* push = zmq_socket(context, ZMQ_PUSH);
    const int linger = 0;
    zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof linger);
    zmq_bind(pull, "tcp://127.0.0.1:*");
    char endpoint[256];
    std::size_t size = sizeof endpoint;
    zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(push, endpoint);
    std::atomic<std::uint64_t> count = 0;
    const double rate = measure(
        options,
        [&](const std::atomic<bool>& stop) {
            zmq_msg_t message;
            zmq_msg_init(&message);
            while (!stop) {
                if (zmq_msg_recv(&message, pull, ZMQ_DONTWAIT) >= 0) {
                    count.fetch_add(1, std::memory_order_relaxed);
                } else {
                    zmq_pollitem_t item{pull, 0, ZMQ_POLLIN, 0};
                    zmq_poll(&item, 1, 10);
                }
            }
            zmq_msg_close(&message);
        },
        [&](std::span<const std::byte> bytes) {
            return zmq_send(push, bytes.data(), bytes.size(), ZMQ_DONTWAIT) >= 0;
        },
        [&] { return count.load(); });
    zmq_close(push);
    zmq_close(pull);
    zmq_ctx_term(context);
    return rate;
}

enum class Keys : bool { none, curve };

struct KeyPair {
    CurveKey secret{};
    CurveKey open{};
};

// Both ends have the same one.
const KeyPair& pair() {
    static const KeyPair made = [] {
        char open[41];
        char secret[41];
        KeyPair keys;
        if (zmq_curve_keypair(open, secret) != 0 ||
            zmq_z85_decode(keys.secret.data(), secret) == nullptr) {
            fmt::print(stderr, "link_bench: this libzmq has no CURVE\n");
            std::exit(1);  // NOLINT(concurrency-mt-unsafe): nobody else ends the process
        }
        keys.open = public_key_of(keys.secret);
        return keys;
    }();
    return made;
}

LinkConfig connect_to(const std::string& endpoint, Keys keys) {
    LinkConfig config;
    if (keys == Keys::curve) {
        config.options.security = CurveClient{.secret = pair().secret, .server = pair().open};
    }
    config.endpoint = endpoint;
    config.attachment = Attachment::connect;
    config.options.linger_ms = 0;
    return config;
}

LinkConfig bind_here(Keys keys) {
    LinkConfig config;
    if (keys == Keys::curve) {
        config.options.security =
            CurveServer{.secret = pair().secret, .peers = {{.key = pair().open, .name = "bench"}}};
    }
    config.endpoint = "tcp://127.0.0.1:*";
    return config;
}

double best_effort(const Options& options, Keys keys) {
    LinkContext context;
    const auto input = *BestEffortInput::make(context, bind_here(keys));
    const auto sender = *BestEffortSender::make(context, connect_to(input->bound_endpoint(), keys));
    CountingSink sink;
    return measure(
        options,
        [&](const std::atomic<bool>& stop) {
            BestEffortInput* const inputs[] = {input.get()};
            while (!stop) {
                if (input->poll(sink, now_ns(), 256) == 0) {
                    static_cast<void>(wait_readable(inputs, milliseconds(10)));
                }
            }
        },
        [&](std::span<const std::byte> bytes) {
            return sender->send(bytes, milliseconds(0)) == SendResult::delivered;
        },
        [&] { return sink.count.load(); });
}

double reliable(const Options& options, Keys keys) {
    LinkContext context;
    const auto input = *ReliableInput::make(context, bind_here(keys), {});
    const auto output = *ReliableOutput::make(context, connect_to(input->bound_endpoint(), keys),
                                              {.name = "bench"});
    CountingSink sink;
    std::uint64_t offered = 0;
    return measure(
        options,
        [&](const std::atomic<bool>& stop) {
            while (!stop) {
                if (input->poll(sink, now_ns(), 256) == 0) {
                    static_cast<void>(input->wait(milliseconds(1)));
                }
            }
        },
        [&](std::span<const std::byte> bytes) {
            const bool is_taken = output->send(bytes, 0, 0) == SendResult::delivered;
            if (!is_taken || ++offered % 16 == 0) {
                output->poll(now_ns());
            }
            return is_taken;
        },
        [&] { return sink.count.load(); });
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

}  // namespace

// link_bench [BYTES [SECONDS [BLOCKS]]]
int main(int count, char** words) {
    Options options;
    if (count > 1) {
        options.bytes = std::strtoul(words[1], nullptr, 10);
    }
    if (count > 2) {
        options.seconds = std::strtod(words[2], nullptr);
    }
    if (count > 3) {
        options.blocks = std::atoi(words[3]);
    }
    if (options.bytes < 1 || options.seconds <= 0 || options.blocks < 1) {
        fmt::print(stderr, "usage: link_bench [BYTES [SECONDS [BLOCKS]]]\n");
        return 64;
    }
    constexpr std::size_t kRows = 5;
    std::vector<double> rates[kRows];
    std::vector<double> shares[kRows];  // of the bare one in the same block: the clock wanders
    for (int block = 0; block < options.blocks; ++block) {
        rates[0].push_back(bare(options));
        rates[1].push_back(best_effort(options, Keys::none));
        rates[2].push_back(reliable(options, Keys::none));
        rates[3].push_back(best_effort(options, Keys::curve));
        rates[4].push_back(reliable(options, Keys::curve));
        for (std::size_t i = 0; i < kRows; ++i) {
            shares[i].push_back(rates[i].back() / rates[0].back());
        }
    }
    const char* names[kRows] = {"bare PUSH/PULL", "best_effort", "reliable", "best_effort, keys",
                                "reliable, keys"};
    fmt::print("messages of {} bytes, median of {} blocks\n", options.bytes, options.blocks);
    for (std::size_t i = 0; i < kRows; ++i) {
        const double rate = median(rates[i]);
        fmt::print("  {:<17} {:>9.0f} messages/s {:>7.0f} MB/s   {:>4.0f} % of bare\n", names[i],
                   rate, rate * static_cast<double>(options.bytes) / 1e6, 100 * median(shares[i]));
    }
    return 0;
}
