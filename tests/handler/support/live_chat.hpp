// The whole chat but for the terminal: handler, conversation, client and transport, on a pool of its
// own, talking real HTTP to a scripted server.
//
//   scripted_server server;
//   server.add(reply::begin({"Hel"}).hold());
//   live_chat chat(server.base_url());
//   chat.handler().submit("hello");
//   REQUIRE(chat.wait_for_text(1, "Hel"));
//   auto const left = chat.finish();                  // no further input; waits for the end
#pragma once

#include "conversation.hpp"

#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace chat::testing {

class live_chat {
public:
    using handler_type = interruptible_handler<std::string, llm_error>;
    using event = handler_event<std::string, llm_error>;

    // What is known of one request.
    struct request {
        std::string deltas;
        int terminals = 0;
        bool late = false; // something came after the terminal event
        std::optional<ending> how;
        std::optional<interrupt_reason> reason;
        std::optional<llm_error> error;
        std::string text; // of the terminal event
    };

    explicit live_chat(std::string const& base_url, std::string const& key = {}, llm_limits limits = {},
                       handler_options<std::string> options = quick())
        : endpoint_(base_url, "test-model", key), client_(transport_, endpoint_, limits), conversation_(client_),
          handler_(conversation_, std::move(options)),
          thread_([this] { pool_.run([this] { return run(); }).value(); }) {}

    ~live_chat() {
        handler_.shutdown();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    static handler_options<std::string> quick() {
        handler_options<std::string> o;
        o.debounce = std::chrono::milliseconds{5};
        return o;
    }

    handler_type& handler() noexcept { return handler_; }

    // The inputs that nobody answered.
    std::vector<std::string> finish() {
        handler_.close_input();
        thread_.join();
        return left_;
    }

    // False if it takes longer than a working program ever does.
    [[nodiscard]] bool wait_for_text(request_id id, std::string_view text) {
        return wait([&](request const& r) { return r.deltas == text; }, id);
    }
    [[nodiscard]] bool wait_for_end(request_id id) {
        return wait([](request const& r) { return r.how.has_value(); }, id);
    }

    [[nodiscard]] request seen(request_id id) {
        std::lock_guard const guard(lock_);
        return requests_[id];
    }

private:
    coir::task<> run() {
        auto body = [this](coir::scope<>& s) -> coir::task<> {
            s.fork(&live_chat::watch, this, handler_.subscribe());
            left_ = co_await handler_.run();
        };
        co_await coir::with_scope(coir::moved(body));
    }

    coir::task<> watch(handler_type::subscription events) {
        while (auto e = co_await events.next()) {
            std::lock_guard const guard(lock_);
            std::visit([this](auto const& what) { see(what); }, e->what);
            changed_.notify_all();
        }
    }

    void see(request_started<std::string> const& e) { requests_[e.id]; }
    void see(text_delta const& e) {
        requests_[e.id].late |= requests_[e.id].terminals != 0;
        requests_[e.id].deltas += e.delta;
    }
    void see(request_completed const& e) { end(e.id, e.text, ending::completed); }
    void see(request_interrupted const& e) { end(e.id, e.partial, ending::interrupted).reason = e.reason; }
    void see(request_failed<llm_error> const& e) {
        request& r = end(e.id, e.partial, ending::failed);
        if (e.cause.is_failure()) {
            r.error = e.cause.error();
        }
    }
    request& end(request_id id, std::string const& text, ending how) {
        request& r = requests_[id];
        ++r.terminals;
        r.text = text;
        r.how = how;
        return r;
    }

    template <class Predicate>
    bool wait(Predicate predicate, request_id id) {
        std::unique_lock lock(lock_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return predicate(requests_[id]); });
    }

    http_transport transport_;
    llm_endpoint endpoint_;
    llm_client client_;
    conversation conversation_;
    handler_type handler_;
    std::mutex lock_;
    std::condition_variable changed_;
    std::map<request_id, request> requests_;
    std::vector<std::string> left_;
    coir::thread_pool pool_{2};
    std::thread thread_;
};

} // namespace chat::testing
