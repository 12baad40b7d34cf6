#include "engine/program.hpp"

#include <algorithm>
#include <gsl/assert>

#include "engine/memory_plan.hpp"

namespace tamis::engine {

BufferId ProgramBuilder::add(Buffer buffer) {
    program_.buffers.push_back(std::move(buffer));
    return static_cast<BufferId>(program_.buffers.size()) - 1;
}

BufferId ProgramBuilder::arena(const onednn::Desc& desc) {
    Buffer buffer;
    buffer.home = Buffer::Home::arena;
    buffer.desc = desc;
    return add(std::move(buffer));
}

BufferId ProgramBuilder::constant(const dnnl::memory& memory) {
    Buffer buffer;
    buffer.home = Buffer::Home::constant;
    buffer.desc = memory.get_desc();
    buffer.constant = memory;
    return add(std::move(buffer));
}

BufferId ProgramBuilder::bound(const onednn::Desc& desc, std::size_t slot) {
    Buffer buffer;
    buffer.home = Buffer::Home::bound;
    buffer.desc = desc;
    buffer.slot = slot;
    program_.slots = std::max(program_.slots, slot + 1);
    return add(std::move(buffer));
}

BufferId ProgramBuilder::alias(BufferId of, const onednn::Desc& desc) {
    Buffer buffer;
    buffer.home = Buffer::Home::alias;
    buffer.desc = desc;
    buffer.of = root(of);
    return add(std::move(buffer));
}

BufferId ProgramBuilder::root(BufferId buffer) const {
    const Buffer& seen = program_.buffers[static_cast<std::size_t>(buffer)];
    return seen.home == Buffer::Home::alias ? seen.of : buffer;
}

onednn::Desc ProgramBuilder::desc(BufferId buffer) const {
    return program_.buffers[static_cast<std::size_t>(buffer)].desc;
}

bool ProgramBuilder::is_bound_to(BufferId buffer, std::size_t slot) const {
    const Buffer& seen = program_.buffers[static_cast<std::size_t>(buffer)];
    return seen.home == Buffer::Home::bound && seen.slot == slot;
}

void ProgramBuilder::append(const std::string& layer, const onednn::Made& made,
                            std::vector<std::pair<int, BufferId>> arguments) {
    if (onednn::bytes_of(made.scratchpad) != 0) {
        arguments.emplace_back(DNNL_ARG_SCRATCHPAD, arena(made.scratchpad));
    }
    program_.steps.push_back({.layer = layer,
                              .executor = made.executor,
                              .primitive = made.primitive,
                              .arguments = std::move(arguments)});
}

namespace {

std::vector<std::pair<int, BufferId>> numbered(const std::vector<BufferId>& buffers) {
    std::vector<std::pair<int, BufferId>> arguments;
    arguments.reserve(buffers.size());
    for (const BufferId buffer : buffers) arguments.emplace_back(0, buffer);
    return arguments;
}

}  // namespace

void ProgramBuilder::append(const std::string& layer, const std::string& executor, Loop loop,
                            const std::vector<BufferId>& buffers, Rows rows) {
    program_.steps.push_back({.layer = layer,
                              .executor = executor,
                              .loop = std::move(loop),
                              .any_rows = rows == Rows::any,
                              .arguments = numbered(buffers)});
}

void ProgramBuilder::append(const std::string& layer, const std::string& executor,
                            MakeBoundKernel kernel, const std::vector<BufferId>& buffers) {
    program_.steps.push_back({.layer = layer,
                              .executor = executor,
                              .bound_kernel = std::move(kernel),
                              .any_rows = true,
                              .arguments = numbered(buffers)});
}

std::shared_ptr<const std::span<const float>> ProgramBuilder::upcoming_weights() {
    upcoming_.push_back({program_.steps.size() + 1, std::make_shared<std::span<const float>>()});
    return upcoming_.back().weights;
}

BufferId ProgramBuilder::in_layout(BufferId buffer, const onednn::Desc& wanted,
                                   const std::string& layer) {
    if (desc(buffer) == wanted) return buffer;
    const BufferId copy = arena(wanted);
    append(layer, onednn::reorder(desc(buffer), wanted),
           {{DNNL_ARG_FROM, buffer}, {DNNL_ARG_TO, copy}});
    return copy;
}

BufferId ProgramBuilder::row_major(BufferId buffer, const std::string& layer) {
    return in_layout(buffer, onednn::plain(onednn::dims_of(desc(buffer))), layer);
}

void ProgramBuilder::move_to_slot(BufferId buffer, std::size_t slot) {
    Buffer& moved = program_.buffers[static_cast<std::size_t>(buffer)];
    Expects(moved.home == Buffer::Home::arena);
    moved.home = Buffer::Home::bound;
    moved.slot = slot;
    program_.slots = std::max(program_.slots, slot + 1);
}

Program ProgramBuilder::build(std::size_t rows, bool keep_all) {
    program_.rows = rows;
    program_.any_rows = std::ranges::all_of(program_.steps, &Step::any_rows);
    program_.has_primitives = std::ranges::any_of(
        program_.steps, [](const Step& step) { return !step.loop && !step.bound_kernel; });
    program_.checks_inputs = program_.checks_inputs && program_.steps.size() == 1;
    for (const Upcoming& upcoming : upcoming_) {
        if (upcoming.step < program_.steps.size()) {
            *upcoming.weights = program_.steps[upcoming.step].weights;
        }
    }
    std::vector<Lifetime> lifetimes(program_.buffers.size());
    for (std::size_t step = 0; step < program_.steps.size(); ++step) {
        for (const auto& [argument, buffer] : program_.steps[step].arguments) {
            Lifetime& life = lifetimes[static_cast<std::size_t>(root(buffer))];
            life.first = keep_all ? 0 : std::min(life.first, step);
            life.last = keep_all ? program_.steps.size() : step;
        }
    }
    MemoryPlan arena;
    for (std::size_t i = 0; i < program_.buffers.size(); ++i) {
        Buffer& buffer = program_.buffers[i];
        if (buffer.home != Buffer::Home::arena || lifetimes[i].first == SIZE_MAX) continue;
        const std::size_t wanted = onednn::bytes_of(buffer.desc);
        const std::size_t bytes =
            (wanted + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
        buffer.offset_bytes = arena.place(lifetimes[i], bytes);
    }
    program_.arena_bytes = arena.size();
    return std::move(program_);
}

ProgramMemory::ProgramMemory(std::shared_ptr<const Program> program, void* arena)
    : checks_inputs_(program->checks_inputs),
      slots_(program->slots),
      program_(std::move(program)),
      stream_(onednn::cpu()) {
    for (const Buffer& buffer : program_->buffers) {
        const Buffer& home = buffer.home == Buffer::Home::alias
                                 ? program_->buffers[static_cast<std::size_t>(buffer.of)]
                                 : buffer;
        if (home.home == Buffer::Home::constant && &home == &buffer) {
            memories_.push_back(buffer.constant);
            continue;
        }
        void* address = nullptr;
        if (home.home == Buffer::Home::arena) {
            address = static_cast<char*>(arena) + home.offset_bytes;
        } else if (home.home == Buffer::Home::constant) {
            address = home.constant.get_data_handle();
        }
        memories_.emplace_back(buffer.desc, onednn::cpu(), address);
        if (home.home == Buffer::Home::bound) {
            slots_[home.slot].memories.push_back(memories_.back().get());
        }
    }
    for (const Step& step : program_->steps) add_call(step);
}

void ProgramMemory::add_call(const Step& step) {
    if (!step.loop && !step.bound_kernel) {
        calls_.push_back(
            {nullptr, nullptr, step.primitive.get(), arguments_.size(), step.arguments.size()});
        for (const auto& [argument, buffer] : step.arguments) {
            arguments_.push_back({argument, memories_[static_cast<std::size_t>(buffer)].get()});
        }
        return;
    }
    if (step.bound_kernel) kernels_.push_back(step.bound_kernel());
    calls_.push_back({step.bound_kernel ? kernels_.back().get() : nullptr, &step.loop, nullptr,
                      addresses_.size(), step.arguments.size()});
    for (const auto& [argument, buffer] : step.arguments) {
        const auto index = static_cast<std::size_t>(buffer);
        const Buffer& seen = program_->buffers[index];
        const Buffer& home = seen.home == Buffer::Home::alias
                                 ? program_->buffers[static_cast<std::size_t>(seen.of)]
                                 : seen;
        if (home.home == Buffer::Home::bound) {
            slots_[home.slot].loops.push_back(addresses_.size());
        }
        addresses_.push_back(static_cast<float*>(memories_[index].get_data_handle()));
    }
}

void ProgramMemory::bind(std::size_t slot, float* address) noexcept {
    BoundSlot& bound = slots_[slot];
    if (bound.address == address) return;
    bound.address = address;
    for (dnnl_memory_t memory : bound.memories) dnnl_memory_set_data_handle(memory, address);
    for (const std::size_t place : bound.loops) addresses_[place] = address;
    has_moved_ = true;
}

void ProgramMemory::bind_kernels() noexcept {
    for (const Call& call : calls_) {
        if (call.kernel == nullptr) continue;
        call.kernel->bind(std::span(addresses_).subspan(call.first, call.count));
    }
    has_moved_ = false;
}

bool ProgramMemory::run(std::size_t first, std::size_t last, std::size_t rows) noexcept {
    if (has_moved_) bind_kernels();
    for (std::size_t i = first; i < last; ++i) {
        const Call& call = calls_[i];
        if (call.kernel != nullptr) {
            const std::size_t finite = call.kernel->run(rows);
            finite_rows_ = checks_inputs_ ? finite : 0;
            continue;
        }
        if (call.loop != nullptr) {
            (*call.loop)(std::span(addresses_).subspan(call.first, call.count), rows);
            continue;
        }
        const dnnl_status_t status =
            dnnl_primitive_execute(call.primitive, stream_.get(), static_cast<int>(call.count),
                                   arguments_.data() + call.first);
        if (status != dnnl_success) return false;
    }
    return true;
}

const float* ProgramMemory::address(BufferId buffer) const {
    return static_cast<const float*>(memories_[static_cast<std::size_t>(buffer)].get_data_handle());
}

}  // namespace tamis::engine
