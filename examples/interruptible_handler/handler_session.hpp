// What you give an interruptible handler: the conversation it serves, and its options.
#pragma once

#include "event_hub.hpp"

#include <coir/stream/generator.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

enum class ending { completed, interrupted, failed };

// The conversation. Called by the owner alone.
template <class Input, class Error>
class session {
public:
    virtual ~session() = default;
    // The answer to the conversation so far and `inputs`, which are not part of it yet.
    virtual coir::stream<std::string, Error> answer(std::vector<Input> const& inputs) = 0;
    // `inputs` were asked, and `text` is what came. Not called for a request that was interrupted
    // before its first word, whose inputs are asked again.
    virtual void keep(std::vector<Input> const& inputs, std::string const& text, ending how) = 0;
};

// What to do with an input while a request runs.
enum class on_running { interrupt, queue, ignore };

template <class Input>
struct handler_options {
    std::chrono::milliseconds debounce{300}; // 0: every input starts a request at once
    std::chrono::milliseconds max_wait{3'000};
    std::size_t max_batch = 1'000;
    std::chrono::milliseconds stop_timeout{5'000};
    hub_options events;
    std::function<on_running(Input const&)> while_running; // unset: interrupt
    std::function<bool(Input const&)> is_immediate;        // true: do not debounce; unset: none is
    std::function<void(std::string_view)> on_diagnostic;
};

} // namespace chat
