// Debounces what a user says, asks for an answer that streams in, and cuts it off cleanly when the
// user says more.
//
//   chat::interruptible_handler<std::string, llm_error> handler(session, options);
//   auto events = handler.subscribe();
//   scope.fork([&] { return handler.run(); });      // the owner: the only fiber with state
//   handler.submit("hello");                        // from anywhere; only enqueues
//
// One fiber owns everything: inputs, commands and the end of a request reach it through one
// inbox, so nothing is checked and then acted upon by two. Its rules:
//  - inputs are collected until it is quiet, but not for longer than max_wait, and start one
//    request together; while it runs, a new input interrupts it;
//  - a request's one terminal event follows after its fiber has ended, finalizers included, so no
//    event of its id can follow and `partial` is what was delivered;
//  - the next request starts after that, or after stop_timeout, with a diagnostic;
//  - inputs leave only with a request that ended or got as far as an answer: those of one that was
//    interrupted before its first word are in the next;
//  - the owner never waits for a subscriber. The request does, and is interruptible there.
#pragma once

#include "event_hub.hpp"
#include "handler_events.hpp"
#include "handler_rules.hpp"
#include "handler_session.hpp"

#include <coir/adapt.hpp>
#include <coir/fiber.hpp>
#include <coir/interrupt.hpp>
#include <coir/stream.hpp>
#include <coir/sync/queue.hpp>

#include <algorithm>
#include <atomic>

namespace chat {

// Rules is for tests, which break one rule at a time.
template <class Input, class Error, class Rules = sound_rules>
class interruptible_handler {
public:
    using event = handler_event<Input, Error>;
    using subscription = typename event_hub<event>::subscription;

    // `s` outlives the handler and the scheduler that runs it.
    explicit interruptible_handler(session<Input, Error>& s, handler_options<Input> options = {})
        : session_(s), options_(std::move(options)), shared_(std::make_shared<shared>(options_.events)) {}
    interruptible_handler(interruptible_handler const&) = delete;
    interruptible_handler& operator=(interruptible_handler const&) = delete;
    // Subscribers are told the end, also if nobody ever awaited run().
    ~interruptible_handler() { shared_->hub.close(); }

    // ---- Any thread, fiber or not.

    // False: the handler takes no more input, and `input` was not taken.
    bool submit(Input input) { return shared_->accepting.load(std::memory_order_acquire) && post(std::move(input)); }
    // Starts what was collected at once.
    void flush() { post(flush_command{}); }
    // Interrupts the running request. Its inputs, if nothing was answered, wait for the next one.
    void interrupt() { post(interrupt_command{}); }
    // No further input; run() ends when everything submitted was answered.
    void close_input() {
        shared_->accepting.store(false, std::memory_order_release);
        post(close_command{});
    }
    // No further input; the running request is interrupted and run() ends.
    void shutdown() {
        shared_->accepting.store(false, std::memory_order_release);
        post(shutdown_command{});
    }
    // Sees every event from now on, and the end after run() has ended.
    [[nodiscard]] subscription subscribe() { return shared_->hub.subscribe(); }

    // The owner. Awaited once. Gives the inputs that no request took: those that were there when
    // shutdown() was called, or of a request that was interrupted before its first word. If it is
    // interrupted itself, take_unanswered() has them.
    coir::task<std::vector<Input>> run() {
        auto const close = [this]() -> coir::task<> { return wind_up(); };
        co_await coir::ensuring(serve(), close);
        co_return take_unanswered();
    }
    // After run() has ended: the inputs that no request took, once.
    std::vector<Input> take_unanswered() {
        std::vector<Input> left = std::exchange(unanswered_, {});
        std::ranges::move(std::exchange(batch_, {}), std::back_inserter(left));
        while (auto c = shared_->inbox.try_pop()) {
            if (auto* const input = std::get_if<Input>(&*c)) {
                left.push_back(std::move(*input));
            }
        }
        return left;
    }

private:
    struct flush_command {};
    struct interrupt_command {};
    struct close_command {};
    struct shutdown_command {};
    struct ended_command {
        request_id id;
    };
    using command =
        std::variant<Input, flush_command, interrupt_command, close_command, shutdown_command, ended_command>;

    // Outlives the handler in a request that had to be left behind.
    struct shared {
        explicit shared(hub_options const& o) : hub(o) {}
        coir::queue<command> inbox{coir::unbounded()};
        event_hub<event> hub;
        std::atomic<bool> accepting{true};
    };

    struct request {
        request(request_id i, std::vector<Input> in) : id(i), inputs(std::move(in)) {}
        request_id id;
        std::vector<Input> inputs;
        std::string text;  // the deltas given, between events of the hub
        bool over = false; // nothing of it may be given any more; likewise
        coir::clock::time_point stop_by = coir::clock::time_point::max(); // once it is being stopped
        coir::fiber<void, Error> fiber;
    };

    bool post(command c) { return static_cast<bool>(shared_->inbox.try_push(std::move(c))); }

    // ---- The owner's loop.

    coir::task<> serve() {
        // Not `while (co_await collect())`: GCC 12.2 miscompiles a coroutine without local variables
        // that awaits in a condition.
        while (bool const due = co_await collect()) {
            static_cast<void>(due);
            start_request();
            while (running_) {
                co_await attend();
            }
        }
    }

    // Collects inputs. True: it is time for a request; false: it is time to end.
    coir::task<bool> collect() {
        for (;;) {
            take_what_is_there();
            if (shutting_down_ || (batch_.empty() && input_closed_)) {
                co_return false;
            }
            if (!batch_.empty() && (is_due() || input_closed_)) {
                co_return true;
            }
            if (batch_.empty()) {
                collect_from(*co_await shared_->inbox.pop());
            } else if (auto c = co_await coir::timeout(shared_->inbox.pop(), deadline() - coir::now())) {
                collect_from(std::move(**c));
            }
        }
    }

    // Before a request is due: what came while the last one was stopping belongs to it too, and
    // an end does not wait behind it.
    void take_what_is_there() {
        while (batch_.size() < options_.max_batch) {
            auto c = shared_->inbox.try_pop();
            if (!c) {
                return;
            }
            collect_from(std::move(*c));
        }
    }

    // One command while a request runs.
    coir::task<> attend() {
        command c = std::move(*co_await shared_->inbox.pop());
        if (auto const* const ended = std::get_if<ended_command>(&c)) {
            // A request that was interrupted says this too, later than the owner knows it.
            if (ended->id == running_->id || !Rules::ignores_stale_ends) {
                settle(coir::outcome<void, Error>(co_await running_->fiber.await()), interrupt_reason::shutdown);
            }
            co_return;
        }
        bool const is_input = std::holds_alternative<Input>(c);
        on_running const then = is_input ? reaction_to(std::get<Input>(c)) : on_running::queue;
        bool const stops = std::holds_alternative<interrupt_command>(c);
        if (then != on_running::ignore) {
            collect_from(std::move(c));
        }
        if (then == on_running::interrupt || stops || shutting_down_) {
            co_await stop_request(shutting_down_ ? interrupt_reason::shutdown
                                  : stops        ? interrupt_reason::ctrl_c
                                                 : interrupt_reason::new_user_input);
        }
    }

    void collect_from(command c) {
        if (auto* const input = std::get_if<Input>(&c)) {
            add(std::move(*input));
        } else if (std::holds_alternative<flush_command>(c)) {
            flush_ = !batch_.empty();
        } else if (std::holds_alternative<close_command>(c)) {
            input_closed_ = true;
        } else if (std::holds_alternative<shutdown_command>(c)) {
            shutting_down_ = true;
        }
    }

    void add(Input input) {
        last_input_ = coir::now();
        if (batch_.empty()) {
            first_input_ = last_input_;
        }
        flush_ = flush_ || (options_.is_immediate && options_.is_immediate(input));
        batch_.push_back(std::move(input));
    }

    on_running reaction_to(Input const& input) const {
        return options_.while_running ? options_.while_running(input) : on_running::interrupt;
    }

    coir::clock::time_point deadline() const {
        auto const quiet = last_input_ + options_.debounce;
        return Rules::bounds_the_wait ? std::min(quiet, first_input_ + options_.max_wait) : quiet;
    }
    bool is_due() const { return flush_ || batch_.size() >= options_.max_batch || deadline() <= coir::now(); }

    // ---- A request.

    void start_request() {
        std::vector<Input> inputs = std::exchange(unanswered_, {});
        inputs.insert(inputs.end(), std::move_iterator(batch_.begin()), std::move_iterator(batch_.end()));
        batch_.clear();
        flush_ = false;
        running_ = std::make_shared<request>(++last_id_, std::move(inputs));
        shared_->hub.publish_now(event(request_started<Input>(running_->id, running_->inputs)));
        try {
            running_->fiber = coir::fork_daemon(run_request, shared_, running_, session_.answer(running_->inputs));
        } catch (...) {
            settle(coir::outcome<void, Error>::died(std::current_exception()), interrupt_reason::shutdown);
        }
    }

    // The request's fiber: a daemon, as one that does not stop in time is left behind.
    static coir::task<void, Error> run_request(std::shared_ptr<shared> s, std::shared_ptr<request> r,
                                               coir::stream<std::string, Error> answer) {
        auto const deliver = [&s, &r](std::string delta) { return publish_delta(*s, *r, std::move(delta)); };
        auto const say_so = [&s, id = r->id]() -> coir::task<> {
            static_cast<void>(s->inbox.try_push(ended_command{id}));
            co_return;
        };
        co_await coir::ensuring(std::move(answer) | coir::streams::for_each(deliver), say_so);
    }

    static coir::task<> publish_delta(shared& s, request& r, std::string delta) {
        auto const take_down = [&r, &delta] {
            if (!r.over) {
                r.text += delta;
            }
            return !r.over;
        };
        co_await s.hub.publish(event(text_delta(r.id, delta)), take_down);
    }

    // Interrupts the running request and waits for its end. Begun again, when run() is interrupted
    // meanwhile, it does not wait longer.
    coir::task<> stop_request(interrupt_reason why) {
        auto const stopping = running_;
        if constexpr (!Rules::waits_for_the_end) {
            stopping->fiber.request_interrupt();
            settle(coir::outcome<void, Error>::interrupted(), why);
            co_return;
        }
        std::string const seen = Rules::reads_partial_after_the_end ? std::string() : stopping->text;
        stopping->stop_by = std::min(stopping->stop_by, coir::now() + options_.stop_timeout);
        auto const end = co_await coir::timeout(stopping->fiber.interrupt(), stopping->stop_by - coir::now());
        if constexpr (!Rules::reads_partial_after_the_end) {
            stopping->text = seen;
        }
        if (!end) {
            diagnose("a request did not stop in time and was left behind");
            shared_->hub.between_events([&] { stopping->over = true; });
        }
        settle(end ? *end : coir::outcome<void, Error>::interrupted(), why);
    }

    // Emits the terminal event of the running request and keeps what came of it.
    void settle(coir::outcome<void, Error> end, interrupt_reason why) {
        auto const r = std::exchange(running_, nullptr);
        if (end.is_success()) {
            keep(*r, ending::completed);
            shared_->hub.publish_now(event(request_completed(r->id, r->text)));
        } else if (end.is_interrupted()) {
            keep_interrupted(*r);
            shared_->hub.publish_now(event(request_interrupted(r->id, r->text, why)));
        } else {
            keep(*r, ending::failed);
            shared_->hub.publish_now(event(request_failed<Error>(r->id, std::move(end), r->text)));
            if constexpr (!Rules::forgets_failed_requests) {
                running_ = r;
            }
        }
    }

    void keep_interrupted(request& r) {
        if (!r.text.empty()) {
            if constexpr (Rules::keeps_the_partial_answer) {
                keep(r, ending::interrupted);
            }
        } else if constexpr (Rules::asks_unanswered_inputs_again) {
            unanswered_ = std::move(r.inputs);
        }
    }

    void keep(request const& r, ending how) {
        try {
            session_.keep(r.inputs, r.text, how);
        } catch (std::exception const& e) {
            diagnose(e.what());
        }
    }

    void diagnose(std::string_view what) const {
        if (options_.on_diagnostic) {
            options_.on_diagnostic(what);
        }
    }

    // ---- The end, also when run() is interrupted.

    coir::task<> wind_up() {
        shared_->accepting.store(false, std::memory_order_release);
        if (running_) {
            co_await stop_request(interrupt_reason::shutdown);
        }
        shared_->hub.close();
        shared_->inbox.close();
    }

    session<Input, Error>& session_;
    handler_options<Input> options_;
    std::shared_ptr<shared> shared_;

    // The owner's state.
    std::vector<Input> batch_;      // collected for the next request
    std::vector<Input> unanswered_; // of a request that was interrupted before its first word
    std::shared_ptr<request> running_;
    request_id last_id_ = 0;
    coir::clock::time_point first_input_{};
    coir::clock::time_point last_input_{};
    bool flush_ = false;
    bool input_closed_ = false;
    bool shutting_down_ = false;
};

} // namespace chat
