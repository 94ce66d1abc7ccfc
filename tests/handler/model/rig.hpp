// One session with a handler on virtual time: acts at given moments, each in a fiber of its own, and
// the story that a prompt subscriber saw.
//
//   rig r;
//   r.answers = {plan("Hel", "lo")};
//   r.at(0, type("a"));
//   r.at(115, type("b"));
//   CHECK(r.play() == story{"100 started 1 a", "110 delta 1 Hel", "115 interrupted 1 new_user_input Hel", ...});
#pragma once

#include "model/checker.hpp"

#include <coir/scope.hpp>
#include <coir/testing/test_scheduler.hpp>

#include <functional>
#include <memory>

namespace handler_model {

using story = std::vector<std::string>;
using handler = chat::interruptible_handler<std::string, model_error>;

// One delta every ten milliseconds.
template <class... Text>
answer_plan plan(Text... text) {
    answer_plan p;
    (p.deltas.emplace_back(milliseconds{10}, std::string(text)), ...);
    return p;
}

class rig {
public:
    using act = std::function<void(rig&)>;

    rig() {
        options.debounce = milliseconds{100};
        options.max_wait = milliseconds{1'000};
        options.stop_timeout = milliseconds{400};
    }

    void at(int ms, act what) { acts_.emplace_back(milliseconds{ms}, std::move(what)); }
    void submit(std::string const& input) { seen.log.add(submitted{input, h->submit(input)}); }

    // Until run() has ended by itself, or `end` is over and shutdown() has been called.
    story play(std::optional<std::uint64_t> seed = {}) {
        coir::test_scheduler s = seed ? coir::test_scheduler(*seed) : coir::test_scheduler();
        play_on(s);
        return lines(seen.readers[0].events);
    }

    void play_on(coir::test_scheduler& s) {
        prepare();
        s.set_turn_limit(100'000);
        static_cast<void>(s.run([this] { return everything(); }).value());
        seen.plans = session->plans();
        seen.max_wait = options.max_wait;
        seen.stop_timeout = options.stop_timeout;
    }

    // Before play().
    chat::handler_options<std::string> options;
    std::vector<answer_plan> answers; // the last one again and again
    milliseconds end{3'000};
    bool has_ignorer = false; // subscribes first, and reads when run() has ended
    milliseconds slow_reader{0};

    // While it plays, and afterwards.
    observation seen;
    std::optional<handler> h;
    std::optional<scripted_session> session;
    coir::fiber<> owner;
    std::vector<std::string> told; // diagnostics

private:
    void prepare() {
        seen.readers.resize(2);
        session.emplace(seen.log, [this](std::size_t n) {
            return answers.empty() ? answer_plan{} : answers[(std::min)(n, answers.size()) - 1];
        });
        options.on_diagnostic = [this](std::string_view what) {
            told.emplace_back(what);
            seen.log.add(diagnosed{std::string(what)});
        };
        options.events.on_diagnostic = options.on_diagnostic;
        seen.most_unread = options.events.capacity + options.events.reserved;
        h.emplace(*session, options);
    }

    coir::task<> everything() {
        auto ignorer = has_ignorer ? std::optional(h->subscribe()) : std::nullopt;
        auto body = [this](coir::scope<>& s) -> coir::task<> { return fork_all(s); };
        co_await coir::with_scope(coir::moved(body));
        seen.accepted_after_end = h->submit("z9");
        if (ignorer) {
            seen.ignorer.emplace();
            co_await read(std::move(*ignorer), *seen.ignorer, milliseconds{0});
        }
    }

    coir::task<> fork_all(coir::scope<>& s) {
        s.fork(read, h->subscribe(), std::ref(seen.readers[0]), milliseconds{0});
        s.fork(read, h->subscribe(), std::ref(seen.readers[1]), slow_reader);
        owner = s.fork(&rig::own, this);
        for (auto const& [when, what] : acts_) {
            s.fork(&rig::perform, this, when, std::cref(what));
        }
        co_await coir::timeout(owner.await(), end);
        h->shutdown();
    }

    coir::task<> own() { seen.left = co_await h->run(); }

    coir::task<> perform(milliseconds when, act const& what) {
        co_await coir::sleep_for(when);
        what(*this);
    }

    static coir::task<> read(handler::subscription events, reader& into, milliseconds pause) {
        while (auto e = co_await events.next()) {
            into.events.push_back(std::move(*e));
            co_await coir::sleep_for(pause);
        }
        into.dropped = events.was_dropped();
        into.ended = true;
    }

    std::vector<std::pair<milliseconds, act>> acts_;
};

inline rig::act type(std::string input) {
    return [input = std::move(input)](rig& r) { r.submit(input); };
}

} // namespace handler_model
