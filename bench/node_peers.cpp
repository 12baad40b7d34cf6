#include "bench/node_peers.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <cstdlib>
#include <fstream>
#include <utility>
#include <vector>

namespace tamis::bench {

namespace {

[[noreturn]] void run_echo(const PeerEndpoints& endpoints, std::size_t fragments_per_event,
                           std::size_t answer_bytes) {
    void* context = zmq_ctx_new();
    void* input = zmq_socket(context, ZMQ_PULL);
    void* answer = zmq_socket(context, ZMQ_PUSH);
    if (zmq_bind(input, endpoints.input.c_str()) != 0 ||
        zmq_connect(answer, endpoints.answer.c_str()) != 0) {
        fmt::print(stderr, "echo: {}\n", zmq_strerror(zmq_errno()));
        std::_Exit(1);
    }
    const std::vector<std::byte> reply(answer_bytes);
    zmq_msg_t message;
    zmq_msg_init(&message);
    for (std::size_t received = 1;; ++received) {
        if (zmq_msg_recv(&message, input, 0) < 0) {
            std::_Exit(0);
        }
        if (received % fragments_per_event == 0) {
            zmq_send(answer, reply.data(), reply.size(), 0);
        }
    }
}

void write_deployment(const std::filesystem::path& file, const PeerEndpoints& endpoints,
                      const NodeSettings& settings) {
    std::ofstream(file) << fmt::format(R"(name: "bench"
menu: "{}"
input {{
  endpoint: "{}"
  source {{ id: 1 name: "calorimeter" }} source {{ id: 2 name: "muons" }}
  source {{ id: 3 name: "tracker" }} source {{ id: 4 name: "pixel" }}
}}
output {{ name: "answer" endpoint: "{}" }}
threads {{ mode: {} keep_awake: {} }}
monitoring {{ enabled: false log_level: WARN }}
)",
                                       std::filesystem::absolute(settings.menu).string(),
                                       endpoints.input, endpoints.answer, settings.mode,
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

PeerProcess start_echo(const PeerEndpoints& endpoints, std::size_t fragments_per_event,
                       std::size_t answer_bytes) {
    const pid_t pid = fork();
    if (pid == 0) {
        run_echo(endpoints, fragments_per_event, answer_bytes);
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
            std::exit(1);
        }
        usleep(10'000);
    }
    return PeerProcess(pid);
}

}  // namespace tamis::bench
