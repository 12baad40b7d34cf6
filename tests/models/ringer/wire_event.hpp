// Events of one fragment with a wire message as payload, for tests of models.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/event_inputs.hpp"
#include "models/model.hpp"
#include "streams/event.hpp"

namespace tamis::tests {

class WireEvents {
 public:
    template <class Message>
    void add(streams::PayloadType type, const Message& message) {
        add_bytes(type, message.SerializeAsString());
    }
    void add_bytes(streams::PayloadType type, const std::string& bytes) {
        auto event = std::make_unique<streams::Event>();
        event->run = 1;
        event->number = events_.size() + 1;
        event->state = streams::EventState::complete;
        event->sources_seen = 1;
        streams::EventFragment& fragment = event->fragments.emplace_back();
        fragment.payload_type = type;
        const auto payload = std::as_bytes(std::span(bytes));
        fragment.payload.assign(payload.begin(), payload.end());
        inputs_.push_back(std::make_unique<models::EventInputs>());
        inputs_.back()->attach(*event);
        pointers_.push_back(inputs_.back().get());
        events_.push_back(std::move(event));
    }

    [[nodiscard]] std::span<models::EventInputs* const> all() const { return pointers_; }
    // As if the events had just arrived: decoded payloads are forgotten.
    void attach_again() {
        for (std::size_t i = 0; i < events_.size(); ++i) {
            inputs_[i]->attach(*events_[i]);
        }
    }

 private:
    std::vector<std::unique_ptr<streams::Event>> events_;
    std::vector<std::unique_ptr<models::EventInputs>> inputs_;
    std::vector<models::EventInputs*> pointers_;
};

}  // namespace tamis::tests
