// Stages of the library's kind, written by a user of it: what the protocol of a language model
// adds to a stream of server-sent events.
#pragma once

#include "llm_endpoint.hpp"
#include "llm_error.hpp"
#include "llm_protocol.hpp"

#include <coir/schedule.hpp>
#include <coir/stream.hpp>

#include <optional>
#include <string>
#include <utility>

namespace chat {

// Events -> the text of the answer, up to its end. An end without the protocol's own end fails.
template <class Up>
class answer_text_stage {
public:
    using value_type = std::string;
    using error_type = llm_error;
    using status = coir::detail::status;

    explicit answer_text_stage(Up&& up) : up_(std::move(up)) {}

    status poll_next(coir::detail::fiber_base& f, std::optional<std::string>& out) {
        for (;;) {
            if (finished_) {
                return status::end;
            }
            event_.reset();
            status const s = up_.poll_next(f, event_);
            if (s == status::end) {
                own_error_ = parser_.truncated();
                return status::failure;
            }
            if (s != status::value) {
                return s;
            }
            chunk c = parser_.parse(event_->event == "message" ? "" : event_->event, event_->data);
            finished_ = c.done;
            if (c.error) {
                own_error_ = std::move(c.error);
                return status::failure;
            }
            if (!c.text.empty()) {
                out = std::move(c.text);
                return status::value;
            }
        }
    }

    status poll_close(coir::detail::fiber_base& f) { return up_.poll_close(f); }
    std::exception_ptr defect() { return up_.defect(); }
    coir::fiber_id interrupted_by() { return up_.interrupted_by(); }

    llm_error error() { return own_error_ ? std::move(*own_error_) : as_llm_error(up_.error()); }

private:
    template <class E>
    static llm_error as_llm_error(E&& e) {
        return std::visit([](auto&& one) { return as_llm_error(std::forward<decltype(one)>(one)); },
                          std::forward<E>(e));
    }
    static llm_error as_llm_error(llm_error e) { return e; }
    static llm_error as_llm_error(coir::text_error e) {
        return llm_error(llm_error_kind::too_large, e == coir::text_error::line_too_long
                                                        ? "a line of the answer exceeds 1 MiB"
                                                        : "an event of the answer exceeds 4 MiB");
    }

    Up up_;
    chunk_parser parser_;
    std::optional<coir::sse_event> event_;
    std::optional<llm_error> own_error_;
    bool finished_ = false;
};

// Gives every error the text so far and takes the key out of its message.
template <class Up, class Endpoint>
class complete_errors_stage : public coir::detail::stage<Up> {
public:
    complete_errors_stage(Up&& up, llm_endpoint const* endpoint)
        : coir::detail::stage<Up>(std::move(up)), endpoint_(endpoint) {}

    coir::detail::status poll_next(coir::detail::fiber_base& f, std::optional<std::string>& out) {
        auto const s = this->up_.poll_next(f, out);
        if (s == coir::detail::status::value) {
            seen_ += *out;
        }
        return s;
    }

    llm_error error() {
        llm_error e = this->up_.error();
        e.message = endpoint_->redacted(e.message);
        e.partial = std::move(seen_);
        return e;
    }

private:
    llm_endpoint const* endpoint_;
    std::string seen_;
};

inline auto answer_text() { return coir::detail::make_stage<answer_text_stage>(); }
inline auto complete_errors(llm_endpoint const& endpoint) {
    return coir::detail::make_stage<complete_errors_stage>(&endpoint);
}

// As the protocol's own rules say: by the kind of error, and by what the server asks for.
struct llm_retry_policy {
    [[nodiscard]] std::optional<coir::clock::duration> next(coir::schedule_step const& step, llm_error const& e) const {
        return retry_delay(e, static_cast<int>(step.attempt), coir::detail::unit_interval(step.random));
    }
};

} // namespace chat
