// What an interruptible handler tells its subscribers.
#pragma once

#include <coir/outcome.hpp>
#include <coir/time.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace chat {

using request_id = std::uint64_t; // counts from 1

enum class interrupt_reason { new_user_input, ctrl_c, shutdown };

// Classes with a constructor, not aggregates: GCC 12.2 destroys an aggregate twice that is made
// inside a co_await expression.
template <class Input>
struct request_started {
    request_started(request_id i, std::vector<Input> in) : id(i), inputs(std::move(in)) {}
    request_id id;
    std::vector<Input> inputs;
};

struct text_delta {
    text_delta(request_id i, std::string d) : id(i), delta(std::move(d)) {}
    request_id id;
    std::string delta;
};

struct request_completed {
    request_completed(request_id i, std::string t) : id(i), text(std::move(t)) {}
    request_id id;
    std::string text;
};

// `partial` is the concatenation of the deltas of this id.
struct request_interrupted {
    request_interrupted(request_id i, std::string p, interrupt_reason r) : id(i), partial(std::move(p)), reason(r) {}
    request_id id;
    std::string partial;
    interrupt_reason reason;
};

// `cause` is a failure of the stream, or a defect.
template <class Error>
struct request_failed {
    request_failed(request_id i, coir::outcome<void, Error> c, std::string p)
        : id(i), cause(std::move(c)), partial(std::move(p)) {}
    request_id id;
    coir::outcome<void, Error> cause;
    std::string partial;
};

template <class Input, class Error>
struct handler_event {
    using content =
        std::variant<request_started<Input>, text_delta, request_completed, request_interrupted, request_failed<Error>>;

    template <class What>
    explicit handler_event(What w) : what(std::move(w)), at(coir::now()) {}

    content what;
    coir::clock::time_point at;
};

} // namespace chat
