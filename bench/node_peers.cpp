#include "bench/node_peers.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace tamis::bench {

namespace {

// A peer ends with the bench, however that ends.
void end_with_parent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

[[noreturn]] void run_echo(Wiring wiring, const PeerEndpoints& endpoints) {
    void* context = zmq_ctx_new();
    const bool is_one_connection = wiring == Wiring::dealer_router;
    void* input = zmq_socket(context, is_one_connection ? ZMQ_ROUTER : ZMQ_PULL);
    void* answer = is_one_connection ? input : zmq_socket(context, ZMQ_PUSH);
    if (zmq_bind(input, endpoints.input.c_str()) != 0 ||
        (!is_one_connection && zmq_connect(answer, endpoints.answer.c_str()) != 0)) {
        fmt::print(stderr, "echo: {}\n", zmq_strerror(zmq_errno()));
        std::_Exit(1);
    }
    std::string event;
    std::array<char, 16> sender{};
    zmq_msg_t message;
    zmq_msg_init(&message);
    for (std::size_t received = 1;; ++received) {
        const int named = is_one_connection ? zmq_recv(input, sender.data(), sender.size(), 0) : 0;
        if (named < 0 || zmq_msg_recv(&message, input, 0) < 0) {
            std::_Exit(0);
        }
        event.append(static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message));
        if (received % kFragmentsPerEvent == 0) {
            if (is_one_connection) {
                zmq_send(input, sender.data(), static_cast<std::size_t>(named), ZMQ_SNDMORE);
            }
            zmq_send(answer, event.data(), event.size(), 0);
            event.clear();
        }
    }
}

void write_deployment(const std::filesystem::path& file, const PeerEndpoints& endpoints,
                      const NodeSettings& settings) {
    const bool is_reliable = settings.wiring == Wiring::reliable;
    std::ofstream(file) << fmt::format(R"(name: "bench"
menu: "{}"
input {{
  endpoint: "{}" delivery: {}
  source {{ id: 1 name: "calorimeter" }} source {{ id: 2 name: "muons" }}
  source {{ id: 3 name: "tracker" }} source {{ id: 4 name: "pixel" }}
}}
output {{ name: "answer" endpoint: "{}" pattern: {} }}
threads {{ mode: SHARED keep_awake: {} }}
monitoring {{ enabled: false log_level: WARN }}
)",
                                       std::filesystem::absolute(settings.menu).string(),
                                       endpoints.input, is_reliable ? "RELIABLE" : "BEST_EFFORT",
                                       endpoints.answer, is_reliable ? "RELIABLE" : "PUSH",
                                       settings.keep_awake);
}

}  // namespace

PeerProcess::PeerProcess(PeerProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}

PeerProcess::~PeerProcess() {
    if (pid_ > 0) {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
}

PeerProcess start_echo(Wiring wiring, const PeerEndpoints& endpoints) {
    const pid_t pid = fork();
    if (pid == 0) {
        end_with_parent();
        run_echo(wiring, endpoints);
    }
    return PeerProcess(pid);
}

PeerProcess start_node(const PeerEndpoints& endpoints, const NodeSettings& settings) {
    const auto deployment = settings.folder / "node.pbtxt";
    const auto ready = settings.folder / "ready.json";
    std::filesystem::remove(ready);
    write_deployment(deployment, endpoints, settings);
    const pid_t pid = fork();
    if (pid == 0) {
        end_with_parent();
        const int log =
            open((settings.folder / "node.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execl(settings.program.c_str(), "tamisd", deployment.c_str(), "--ready-file", ready.c_str(),
              nullptr);
        std::_Exit(127);
    }
    while (!std::filesystem::exists(ready)) {
        if (waitpid(pid, nullptr, WNOHANG) == pid) {
            std::ifstream log(settings.folder / "node.log");
            fmt::print(stderr, "tamisd did not start:\n{}",
                       std::string(std::istreambuf_iterator<char>(log), {}));
            std::exit(1);  // NOLINT(concurrency-mt-unsafe): nobody else ends the process
        }
        usleep(10'000);
    }
    return PeerProcess(pid);
}

}  // namespace tamis::bench
