#include "daemon/network_timing/onnxruntime_peer.hpp"

#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <cstdlib>
#include <utility>

#include "engine/onnx_writer.hpp"
#include "engine/tensor.hpp"

namespace tamis::daemon {

namespace {

// Of ONNX Runtime 1.13: the interface only grows, and newer libraries still give it.
constexpr std::uint32_t kApiVersion = 13;
// Every file engine/onnx_writer makes calls its first dimension so.
constexpr const char* kBatchDimension = "batch";

struct Library {
    const OrtApi* api = nullptr;
    OrtEnv* environment = nullptr;  // never released: sessions need it to their end
    std::string version;
};

// Calls the library until one call is refused; the reason is kept and the rest is not called.
class Calls {
 public:
    explicit Calls(const OrtApi& api) : api_(api) {}
    template <class Call>
    void then(Call&& call) {
        if (!error_.empty()) {
            return;
        }
        if (OrtStatus* refused = call(); refused != nullptr) {
            error_ = api_.GetErrorMessage(refused);
            api_.ReleaseStatus(refused);
        }
    }
    [[nodiscard]] const std::string& error() const { return error_; }

 private:
    const OrtApi& api_;
    std::string error_;
};

struct Port {
    std::string name;
    engine::FloatBuffer values;
    OrtValue* tensor = nullptr;
};

class OnnxRuntimePeer final : public NetworkPeer {
 public:
    OnnxRuntimePeer(const OrtApi& api, OrtEnv& environment, const std::string& onnx,
                    std::size_t batch)
        : api_(api), calls_(api) {
        calls_.then([&] { return api_.CreateSessionOptions(&options_); });
        calls_.then([&] { return api_.SetIntraOpNumThreads(options_, 1); });
        calls_.then([&] { return api_.SetInterOpNumThreads(options_, 1); });
        calls_.then([&] { return api_.SetSessionExecutionMode(options_, ORT_SEQUENTIAL); });
        calls_.then(
            [&] { return api_.SetSessionGraphOptimizationLevel(options_, ORT_ENABLE_ALL); });
        calls_.then([&] { return api_.EnableCpuMemArena(options_); });
        calls_.then([&] { return api_.EnableMemPattern(options_); });
        calls_.then([&] {
            return api_.AddFreeDimensionOverrideByName(options_, kBatchDimension,
                                                       static_cast<std::int64_t>(batch));
        });
        calls_.then([&] {
            return api_.CreateSessionFromArray(&environment, onnx.data(), onnx.size(), options_,
                                               &session_);
        });
        calls_.then([&] {
            return api_.CreateMemoryInfo("Cpu", OrtArenaAllocator, 0, OrtMemTypeDefault, &memory_);
        });
        calls_.then([&] { return api_.CreateIoBinding(session_, &binding_); });
    }
    ~OnnxRuntimePeer() override {
        for (auto* ports : {&inputs_, &outputs_}) {
            for (Port& port : *ports) {
                api_.ReleaseValue(port.tensor);
            }
        }
        api_.ReleaseIoBinding(binding_);
        api_.ReleaseMemoryInfo(memory_);
        api_.ReleaseSession(session_);
        api_.ReleaseSessionOptions(options_);
    }

    void bind_input(const std::string& name, const engine::Shape& row, std::size_t batch) {
        Port& port = add_port(inputs_, name, row, batch);
        calls_.then([&] { return api_.BindInput(binding_, port.name.c_str(), port.tensor); });
    }
    void bind_output(const std::string& name, const engine::Shape& row, std::size_t batch) {
        Port& port = add_port(outputs_, name, row, batch);
        calls_.then([&] { return api_.BindOutput(binding_, port.name.c_str(), port.tensor); });
    }
    [[nodiscard]] const std::string& error() const { return calls_.error(); }

    std::span<float> input(std::size_t port) override { return inputs_[port].values; }
    std::span<const float> output(std::size_t port) const override { return outputs_[port].values; }
    bool run() noexcept override {
        OrtStatus* refused = api_.RunWithBinding(session_, nullptr, binding_);
        const bool ran = refused == nullptr;
        if (!ran) {
            api_.ReleaseStatus(refused);
        }
        return ran;
    }

 private:
    Port& add_port(std::vector<Port>& ports, const std::string& name, const engine::Shape& row,
                   std::size_t batch) {
        std::vector<std::int64_t> dimensions{static_cast<std::int64_t>(batch)};
        dimensions.insert(dimensions.end(), row.dimensions().begin(), row.dimensions().end());
        Port& port = ports.emplace_back();
        port.name = name;
        port.values.resize(row.element_count() * batch);
        calls_.then([&] {
            return api_.CreateTensorWithDataAsOrtValue(
                memory_, port.values.data(), port.values.size() * sizeof(float), dimensions.data(),
                dimensions.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &port.tensor);
        });
        return port;
    }

    const OrtApi& api_;
    Calls calls_;
    OrtSessionOptions* options_ = nullptr;
    OrtSession* session_ = nullptr;
    OrtMemoryInfo* memory_ = nullptr;
    OrtIoBinding* binding_ = nullptr;
    std::vector<Port> inputs_;
    std::vector<Port> outputs_;
};

// Called once, before there are threads.
tl::expected<Library, std::string> open_library() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    const char* named = std::getenv("TAMIS_ONNXRUNTIME_ROOT");
    const std::string root =
        named != nullptr && *named != '\0' ? named : std::string(TAMIS_ONNXRUNTIME_ROOT);
    const std::string file = root + "/libonnxruntime.so.1";
    void* opened = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    const std::string expected_there =
        "; TAMIS_ONNXRUNTIME_ROOT must be a folder with libonnxruntime.so.1 for this processor";
    if (opened == nullptr) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): the text is of this thread's call
        return tl::unexpected(std::string(dlerror()) + expected_there);
    }
    using BaseFunction = const OrtApiBase* (*)();
    const auto base = reinterpret_cast<BaseFunction>(dlsym(opened, "OrtGetApiBase"));
    const OrtApi* api = base == nullptr ? nullptr : base()->GetApi(kApiVersion);
    if (api == nullptr) {
        return tl::unexpected(file + " does not give the interface of version " +
                              std::to_string(kApiVersion) + expected_there);
    }
    Library library{api, nullptr, base()->GetVersionString()};
    Calls calls(*api);
    calls.then(
        [&] { return api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "tamis", &library.environment); });
    if (!calls.error().empty()) {
        return tl::unexpected(file + ": " + calls.error() + expected_there);
    }
    return library;
}

MadePeer make_peer(const Library& library, const engine::Graph& graph, const std::string& onnx,
                   std::size_t batch) {
    const auto shapes = engine::check_graph(graph);
    if (!shapes) {
        return tl::unexpected(shapes.error());
    }
    auto peer = std::make_unique<OnnxRuntimePeer>(*library.api, *library.environment, onnx, batch);
    for (const engine::GraphInput& input : graph.inputs) {
        peer->bind_input(input.name, input.row_shape, batch);
    }
    for (const std::string& output : graph.outputs) {
        peer->bind_output(output, shapes->at(output), batch);
    }
    if (!peer->error().empty()) {
        return tl::unexpected(peer->error());
    }
    return peer;
}

}  // namespace

tl::expected<PeerKind, std::string> onnxruntime_peer() {
    const auto library = open_library();
    if (!library) {
        return tl::unexpected(library.error());
    }
    return PeerKind{
        .name = "ONNX Runtime " + library->version,
        .make = [library = *library](const engine::Graph& graph, std::size_t batch) -> MadePeer {
            const auto onnx = engine::write_onnx(graph);
            if (!onnx) {
                return tl::unexpected(onnx.error());
            }
            return make_peer(library, graph, *onnx, batch);
        },
        .load_and_score =
            [library = *library](const std::string& onnx, const engine::Graph& graph) {
                auto peer = make_peer(library, graph, onnx, 1);
                return peer && (*peer)->run();
            }};
}

}  // namespace tamis::daemon
