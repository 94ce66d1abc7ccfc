// The handler on all cores: submitters on plain threads and in fibers, subscribers that read, and one
// that never does. What must hold is checked afterwards, without times.
#include "model/checker.hpp"
#include "support/effort.hpp"

#include <coir/runtime/blocking.hpp>
#include <coir/runtime/thread_pool.hpp>
#include <coir/scope.hpp>

#include <catch2/catch.hpp>

#include <thread>

using namespace handler_model;
using std::chrono_literals::operator""ms;

namespace {

using handler = chat::interruptible_handler<std::string, model_error>;

constexpr int plain_threads = 3;
constexpr int fibers = 3;
constexpr int inputs_each = 8;

// Short answers, long ones, failures, slow clean-up: by number.
answer_plan plan_for(std::size_t number) {
    answer_plan p;
    for (std::size_t i = 0; i < number % 7; ++i) {
        p.deltas.emplace_back(milliseconds{i % 3}, std::to_string(number) + static_cast<char>('a' + i) + " ",
                              i % 4 == 3);
    }
    p.end = number % 5 == 4 ? how_it_ends::failure : how_it_ends::well;
    p.finalizer = milliseconds{number % 3};
    return p;
}

class busy_round {
public:
    explicit busy_round(bool orderly) : orderly_(orderly), session_(seen.log, plan_for), handler_(session_, options()) {
        seen.readers.resize(3);
        seen.virtual_time = false;
        seen.most_unread = 8 + 1'000;
    }

    observation seen;

    void run() {
        coir::thread_pool pool(4);
        pool.run([this] { return everything(); }).value();
        seen.accepted_after_end = handler_.submit("z9");
    }

private:
    static chat::handler_options<std::string> options_with(record& log) {
        chat::handler_options<std::string> o;
        o.debounce = 1ms;
        o.max_wait = 5ms;
        o.events.capacity = 8;
        o.events.reserved = 1'000;
        o.events.patience = 200ms; // real time: who reads promptly must never be that late on a busy machine
        o.on_diagnostic = [&log](std::string_view what) { log.add(diagnosed{std::string(what)}); };
        o.events.on_diagnostic = o.on_diagnostic;
        return o;
    }
    chat::handler_options<std::string> options() { return options_with(seen.log); }

    coir::task<> everything() {
        auto ignorer = handler_.subscribe();
        auto body = [this](coir::scope<>& s) -> coir::task<> { return fork_all(s); };
        co_await coir::with_scope(coir::moved(body));
        seen.ignorer.emplace();
        co_await read(std::move(ignorer), *seen.ignorer);
    }

    coir::task<> fork_all(coir::scope<>& s) {
        for (auto& r : seen.readers) {
            s.fork(read, handler_.subscribe(), std::ref(r));
        }
        auto const owner = s.fork(&busy_round::own, this);
        std::vector<coir::fiber<>> typists;
        for (int i = 0; i < fibers; ++i) {
            typists.push_back(s.fork(&busy_round::type, this, static_cast<char>('a' + i)));
        }
        std::vector<std::jthread> threads;
        for (int i = 0; i < plain_threads; ++i) {
            threads.emplace_back([this, i] { submit_all(static_cast<char>('p' + i)); });
        }
        s.fork(&busy_round::read_late, this);
        for (auto& t : typists) {
            co_await t;
        }
        auto const wait_for_threads = [&threads] { threads.clear(); };
        co_await coir::blocking(wait_for_threads);
        if (orderly_) {
            handler_.close_input();
        } else {
            handler_.shutdown();
        }
        co_await owner;
    }

    coir::task<> own() { seen.left = co_await handler_.run(); }

    coir::task<> type(char who) {
        for (int i = 1; i <= inputs_each; ++i) {
            submit(who, i);
            co_await coir::sleep_for(milliseconds{i % 4});
        }
    }

    // On a thread of its own.
    void submit_all(char who) {
        for (int i = 1; i <= inputs_each; ++i) {
            submit(who, i);
            if (i % 3 == 0) {
                handler_.flush();
            }
            if (i == 5) {
                handler_.interrupt();
            }
            std::this_thread::sleep_for(milliseconds{i % 3});
        }
    }

    void submit(char who, int number) {
        std::string const input = who + std::to_string(number);
        seen.log.add(submitted{input, handler_.submit(input)});
    }

    static coir::task<> read(handler::subscription events, reader& into) {
        while (auto e = co_await events.next()) {
            into.events.push_back(std::move(*e));
        }
        into.dropped = events.was_dropped();
        into.ended = true;
    }

    coir::task<> read_late() {
        co_await coir::sleep_for(milliseconds{5});
        reader late;
        co_await read(handler_.subscribe(), late);
        seen.late.push_back(std::move(late));
    }

    bool orderly_;
    scripted_session session_;
    handler handler_;
};

void check_rounds(bool orderly) {
    unsigned const rounds = 20 * coir_test::stress_scale();
    for (unsigned i = 0; i < rounds; ++i) {
        busy_round round(orderly);
        round.run();
        auto const wrong = check(round.seen);
        CAPTURE(i, wrong);
        REQUIRE(wrong.empty());
        REQUIRE(round.seen.left);
        if (orderly) {
            REQUIRE(round.seen.readers[0].events.size() > 1);
        }
    }
}

} // namespace

TEST_CASE("submitters on threads and fibers, and a subscriber that never reads, in an orderly end "
          "[H5][H6][H7][H8][H15][H16]") {
    check_rounds(true);
}
TEST_CASE("submitters on threads and fibers, and a subscriber that never reads, cut off by shutdown "
          "[H5][H6][H8][H14][H15][H16]") {
    check_rounds(false);
}

TEST_CASE("concurrent submits while a request runs give one interruption and one batch [H7]") {
    for (unsigned i = 0; i < 10 * coir_test::stress_scale(); ++i) {
        record log;
        scripted_session session(log, [](std::size_t number) {
            answer_plan p;
            p.deltas.emplace_back(0ms, "x");
            p.end = number == 1 ? how_it_ends::never : how_it_ends::well;
            return p;
        });
        chat::handler_options<std::string> options;
        options.debounce = std::chrono::minutes{1}; // close_input() ends the wait
        options.max_wait = options.debounce;
        options.is_immediate = [](std::string const& input) { return input == "a1"; };
        handler h(session, options);
        std::vector<std::vector<std::string>> batches;
        int interruptions = 0;
        // Submits from four threads when the first answer has begun, and closes the input.
        auto reading = [&](handler::subscription events) -> coir::task<> {
            while (auto e = co_await events.next()) {
                if (auto const* const s = std::get_if<chat::request_started<std::string>>(&e->what)) {
                    batches.push_back(s->inputs);
                }
                interruptions += std::holds_alternative<chat::request_interrupted>(e->what) ? 1 : 0;
                auto const* const d = std::get_if<chat::text_delta>(&e->what);
                if (d != nullptr && d->id == 1) {
                    auto const submit_from_threads = [&h] {
                        std::vector<std::jthread> threads;
                        for (char who = 'p'; who < 't'; ++who) {
                            threads.emplace_back([&h, who] { h.submit(std::string(1, who)); });
                        }
                    };
                    co_await coir::blocking(submit_from_threads);
                    h.close_input();
                }
            }
        };
        auto body = [&](coir::scope<>& s) -> coir::task<> {
            s.fork(reading, h.subscribe());
            co_await h.run();
        };
        auto everything = [&]() -> coir::task<> { co_await coir::with_scope(body); };
        h.submit("a1");
        coir::thread_pool pool(4);
        pool.run(everything).value();
        REQUIRE(interruptions == 1);
        REQUIRE(batches.size() == 2);
        REQUIRE(batches[1].size() == 4);
    }
}
