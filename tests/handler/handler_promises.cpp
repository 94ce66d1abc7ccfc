// What the handler promises, number by number, to the millisecond of virtual time.
#include "model/rig.hpp"
#include "support/effort.hpp"

#include <coir/testing/explore.hpp>

#include <catch2/catch.hpp>

#include <algorithm>

using namespace handler_model;
using std::chrono_literals::operator""ms;

namespace {

void expect_sound(rig const& r) {
    auto const wrong = check(r.seen);
    CAPTURE(wrong);
    CHECK(wrong.empty());
}

story starts_of(story const& all) {
    story found;
    std::ranges::copy_if(all, std::back_inserter(found), [](auto const& l) { return l.find("started") != l.npos; });
    return found;
}

// The session's part of the log in words: what was asked and kept, in this order.
story session_story(rig const& r) {
    story told;
    for (auto const& e : r.seen.log.entries()) {
        if (auto const* const a = std::get_if<answer_asked>(&e.what)) {
            told.push_back("ask " + std::to_string(a->number));
        } else if (auto const* const k = std::get_if<turn_kept>(&e.what)) {
            told.push_back((k->how == chat::ending::interrupted ? "keep interrupted " : "keep ") + k->text);
        } else if (auto const* const f = std::get_if<answer_finalized>(&e.what)) {
            told.push_back("finalized " + std::to_string(f->number));
        }
    }
    return told;
}

} // namespace

TEST_CASE("one input starts one request when it has been quiet [H1]") {
    rig r;
    r.answers = {plan("Hel", "lo")};
    r.at(0, type("a1"));
    CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 Hel", "120 delta 1 lo", "120 completed 1 Hello"});
    expect_sound(r);
}

TEST_CASE("inputs with gaps below the debounce are one request, in order [H2]") {
    rig r;
    r.at(0, type("a1"));
    r.at(60, type("a2"));
    r.at(120, type("a3"));
    CHECK(r.play() == story{"220 started 1 a1 a2 a3", "220 completed 1 "});
    expect_sound(r);
}

TEST_CASE("an input interrupts the request that runs, which says what it gave [H3][H4][H5][H6]") {
    rig r;
    r.answers = {plan("one ", "two ", "three "), plan("new")};
    r.at(0, type("a1"));
    r.at(125, type("a2"));
    CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "120 delta 1 two ",
                            "125 interrupted 1 new_user_input one two ", "225 started 2 a2", "235 delta 2 new",
                            "235 completed 2 new"});
    expect_sound(r);
}

TEST_CASE("inputs of several submitters at one moment give one interruption and one batch [H7]") {
    // The answer's clean-up takes longer than the debounce.
    auto const e = coir::explore(coir_test::seeds(), [](coir::test_scheduler& s) {
        rig r;
        r.answers = {plan("one ", "two ", "three ")};
        r.answers[0].finalizer = 150ms;
        r.at(0, type("a1"));
        r.at(125, type("b1"));
        r.at(125, type("c1"));
        r.at(170, type("d1"));
        r.play_on(s);
        auto const all = lines(r.seen.readers[0].events);
        auto const starts = starts_of(all);
        auto const interruptions =
            std::ranges::count_if(all, [](auto const& l) { return l.find("interrupted") != l.npos; });
        if (interruptions != 1 || starts.size() != 2 ||
            starts[1].size() != std::string("375 started 2 b1 c1 d1").size()) {
            throw std::logic_error("not one batch: " + starts.back());
        }
        if (auto const wrong = check(r.seen); !wrong.empty()) {
            throw std::logic_error(wrong.front());
        }
    });
    CHECK(e.runs > 0);
}

TEST_CASE("an input at the moment when the timer fires is not lost [H8]") {
    std::size_t together = 0;
    auto const e = coir::explore(coir_test::seeds(), [&](coir::test_scheduler& s) {
        rig r;
        r.answers = {plan("one ", "two ")};
        r.at(0, type("a1"));
        r.at(100, type("b1"));
        r.play_on(s);
        auto const starts = starts_of(lines(r.seen.readers[0].events));
        together += starts[0].ends_with("a1 b1") ? 1 : 0;
        if (auto const wrong = check(r.seen); !wrong.empty() || !starts.back().ends_with("b1")) {
            throw std::logic_error(wrong.empty() ? "b1 started nothing" : wrong.front());
        }
    });
    INFO("together in " << together << " of " << e.runs);
    CHECK(e.runs > 0);
}

TEST_CASE("inputs of a request that was interrupted before its first word are in the next [H9][H18]") {
    rig r;
    r.answers = {plan("late "), plan("both")};
    r.answers[0].deltas[0].delay = 500ms;
    r.at(0, type("a1"));
    r.at(50, type("a2"));
    r.at(200, type("a3"));
    CHECK(r.play() == story{"150 started 1 a1 a2", "200 interrupted 1 new_user_input ", "300 started 2 a1 a2 a3",
                            "310 delta 2 both", "310 completed 2 both"});
    CHECK(session_story(r) == story{"ask 1", "finalized 1", "ask 2", "finalized 2", "keep both"});
    expect_sound(r);
}

TEST_CASE("what a fiber submitted is processed after the fiber has ended [H10]") {
    rig r;
    r.at(0, [](rig& me) { // a fiber of its own, which ends here
        me.submit("a1");
    });
    CHECK(r.play() == story{"100 started 1 a1", "100 completed 1 "});
}

TEST_CASE("the next request starts after the finalizers of the last one [H11]") {
    rig r;
    r.answers = {plan("one ", "two "), plan("new")};
    r.answers[0].finalizer = 300ms;
    r.at(0, type("a1"));
    r.at(115, type("a2"));
    CHECK(starts_of(r.play()) == story{"100 started 1 a1", "415 started 2 a2"});
    CHECK(session_story(r) ==
          story{"ask 1", "finalized 1", "keep interrupted one ", "ask 2", "finalized 2", "keep new"});
    CHECK(r.told.empty());
    expect_sound(r);
}

TEST_CASE("a request that does not stop in time is left behind, with a diagnostic [H11][H12]") {
    rig r;
    r.answers = {plan("one ", "two "), plan("x", "y", "z")};
    r.answers[0].finalizer = 530ms; // ends while the second request runs
    r.answers[1].deltas[1].delay = 300ms;
    r.at(0, type("a1"));
    r.at(115, type("a2"));
    CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "515 interrupted 1 new_user_input one ",
                            "515 started 2 a2", "525 delta 2 x", "825 delta 2 y", "835 delta 2 z",
                            "835 completed 2 xyz"});
    CHECK(r.told == story{"a request did not stop in time and was left behind"});
    expect_sound(r);
}

TEST_CASE("a request that was left behind gives nothing any more [H5][H12]") {
    rig r;
    r.answers = {plan("one ", "late "), plan("new")};
    r.answers[0].deltas[1] = delta_plan(1'000ms, "late ", true);
    r.at(0, type("a1"));
    r.at(115, type("a2"));
    CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "515 interrupted 1 new_user_input one ",
                            "515 started 2 a2", "525 delta 2 new", "525 completed 2 new"});
    expect_sound(r);
}

TEST_CASE("a failed request is over [H13]") {
    rig r;
    r.answers = {plan("one "), plan("fine")};
    SECTION("by a failure") {
        r.answers[0].end = how_it_ends::failure;
        r.at(0, type("a1"));
        r.at(500, type("a2"));
        CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "110 failed 1 (the model is tired) one ",
                                "600 started 2 a2", "610 delta 2 fine", "610 completed 2 fine"});
    }
    SECTION("by an exception") {
        r.answers[0].end = how_it_ends::defect;
        r.at(0, type("a1"));
        r.at(500, type("a2"));
        CHECK(r.play()[2] == "110 failed 1 (defect) one ");
    }
    CHECK(session_story(r) == story{"ask 1", "finalized 1", "keep one ", "ask 2", "finalized 2", "keep fine"});
    expect_sound(r);
}

TEST_CASE("shutdown interrupts, tells the end, and takes nothing more [H14]") {
    rig r;
    r.answers = {plan("one ", "two ", "three ")};
    r.at(0, type("a1"));
    r.at(115, [](rig& me) { me.h->shutdown(); });
    r.at(116, type("a2"));
    CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "115 interrupted 1 shutdown one "});
    CHECK(r.seen.left == std::vector<std::string>{});
    CHECK_FALSE(r.seen.accepted_after_end);
    CHECK(r.seen.readers[0].ended);
    expect_sound(r);
}

TEST_CASE("shutdown gives back what was not answered [H14][H9]") {
    rig r;
    r.answers = {plan("late")};
    r.answers[0].deltas[0].delay = 500ms;
    r.at(0, type("a1"));
    r.at(200, type("b1"));
    r.at(220, [](rig& me) { me.h->shutdown(); });
    CHECK(r.play() == story{"100 started 1 a1", "200 interrupted 1 new_user_input "});
    CHECK(r.seen.left == std::vector<std::string>{"a1", "b1"});
    expect_sound(r);
}

TEST_CASE("an owner that is interrupted loses nothing [H14][H8]") {
    rig r;
    r.answers = {plan("one ", "two ")};
    r.at(0, type("a1"));
    r.at(115, [](rig& me) {
        me.submit("a2");
        me.owner.request_interrupt();
    });
    CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "115 interrupted 1 shutdown one "});
    r.seen.left = r.h->take_unanswered();
    CHECK(r.seen.left == std::vector<std::string>{"a2"});
    expect_sound(r);
}

TEST_CASE("no further input lets the last answer finish [H14]") {
    rig r;
    r.answers = {plan("one ", "two ")};
    r.at(0, type("a1"));
    r.at(10, [](rig& me) { me.h->close_input(); });
    CHECK(r.play() == story{"10 started 1 a1", "20 delta 1 one ", "30 delta 1 two ", "30 completed 1 one two "});
    CHECK(r.seen.left == std::vector<std::string>{});
    expect_sound(r);
}

TEST_CASE("a slow subscriber holds the answer back and misses nothing [H15]") {
    rig r;
    r.slow_reader = 50ms;
    r.options.events.capacity = 4;
    r.answers = {plan("a", "b", "c", "d", "e", "f", "g", "h")};
    r.at(0, type("a1"));
    story const all = r.play();
    // It has taken one at 100, 150, 200 ... and four wait for it.
    CHECK(all[5] == "150 delta 1 e");
    CHECK(all.back() == "300 completed 1 abcdefgh");
    CHECK(lines(r.seen.readers[1].events) == all);
    CHECK(r.told.empty());
    expect_sound(r);
}

TEST_CASE("a subscriber that never reads stops neither input, nor interruption, nor the end [H15]") {
    rig r;
    r.has_ignorer = true;
    r.options.events.capacity = 3;
    r.options.events.reserved = 10;
    r.options.events.patience = 700ms;
    r.answers = {plan("a", "b", "c", "d"), plan("x", "y")};
    SECTION("interruption") {
        r.at(0, type("a1"));
        r.at(300, type("a2"));
        r.at(500, [](rig& me) { me.h->shutdown(); });
        CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 a", "120 delta 1 b",
                                "300 interrupted 1 new_user_input ab", "400 started 2 a2",
                                "500 interrupted 2 shutdown "});
        CHECK(r.told.empty());
        CHECK(r.seen.ignorer->events.size() == 6);
    }
    SECTION("patience") {
        r.at(0, type("a1"));
        // The third delta waits from 130 on.
        CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 a", "120 delta 1 b", "130 delta 1 c", "840 delta 1 d",
                                "840 completed 1 abcd"});
        CHECK(r.told == story{"a subscriber that does not read was dropped"});
        CHECK(r.seen.ignorer->dropped);
        CHECK(r.seen.ignorer->events.size() == 3);
    }
    SECTION("the reserve") {
        r.answers = {plan()};
        r.answers[0].end = how_it_ends::never;
        for (int i = 0; i < 10; ++i) {
            r.at(200 * i, type("a" + std::to_string(i + 1)));
        }
        CHECK(r.play().size() == 20);
        CHECK(r.seen.ignorer->dropped);
        CHECK(r.seen.ignorer->events.size() == 13);
    }
    expect_sound(r);
}

TEST_CASE("every subscriber sees every event from its subscription on [H16]") {
    rig r;
    r.answers = {plan("a", "b", "c")};
    std::optional<handler::subscription> late;
    r.at(0, type("a1"));
    r.at(125, [&](rig& me) { late.emplace(me.h->subscribe()); });
    story const all = r.play();
    CHECK(lines(r.seen.readers[1].events) == all);
    auto rest = [&]() -> coir::task<story> {
        story seen;
        while (auto e = co_await late->next()) {
            seen.push_back(line(*e));
        }
        co_return seen;
    };
    coir::test_scheduler s;
    CHECK(s.run(rest).value() == story{"130 delta 1 c", "130 completed 1 abc"});
    expect_sound(r);
}

TEST_CASE("continuous typing does not put a request off for ever [H17]") {
    rig r;
    r.options.max_wait = 250ms;
    r.answers = {plan()};
    for (int i = 0; i < 5; ++i) {
        r.at(60 * i, type("a" + std::to_string(i + 1)));
    }
    CHECK(r.play()[0] == "250 started 1 a1 a2 a3 a4 a5");
    expect_sound(r);
}

TEST_CASE("the partial answer is in the conversation before the next is asked for, an empty one is not [H19]") {
    rig r;
    r.answers = {plan("one ", "two "), plan("never"), plan("three")};
    r.answers[1].deltas[0].delay = 900ms;
    r.at(0, type("a1"));
    r.at(115, type("a2"));
    r.at(300, type("a3"));
    r.play();
    CHECK(session_story(r) == story{"ask 1", "finalized 1", "keep interrupted one ", "ask 2", "finalized 2", "ask 3",
                                    "finalized 3", "keep three"});
    expect_sound(r);
}

TEST_CASE("flush and immediate inputs do not wait [H22]") {
    rig r;
    r.options.is_immediate = [](std::string const& input) { return input.ends_with('!'); };
    SECTION("flush") {
        r.at(0, type("a1"));
        r.at(20, [](rig& me) { me.h->flush(); });
        CHECK(r.play()[0] == "20 started 1 a1");
    }
    SECTION("flush without inputs") {
        r.at(0, [](rig& me) { me.h->flush(); });
        r.at(10, type("a1"));
        CHECK(r.play()[0] == "110 started 1 a1");
    }
    SECTION("immediate") {
        r.at(0, type("a1"));
        r.at(30, type("a2!"));
        CHECK(r.play()[0] == "30 started 1 a1 a2!");
    }
    SECTION("immediate while a request runs") {
        r.answers = {plan("one ", "two "), plan("new")};
        r.at(0, type("a1"));
        r.at(115, type("a2!"));
        CHECK(starts_of(r.play()) == story{"100 started 1 a1", "115 started 2 a2!"});
    }
    SECTION("no debounce at all") {
        r.options.debounce = 0ms;
        r.at(5, type("a1"));
        CHECK(r.play()[0] == "5 started 1 a1");
    }
    SECTION("a full batch") {
        r.options.max_batch = 2;
        r.at(0, type("a1"));
        r.at(20, type("a2"));
        CHECK(r.play()[0] == "20 started 1 a1 a2");
    }
    expect_sound(r);
}

TEST_CASE("a policy says what an input does to the request that runs [H23]") {
    rig r;
    r.options.while_running = [](std::string const& input) {
        return is_queued(input)      ? chat::on_running::queue
               : is_ignorable(input) ? chat::on_running::ignore
                                     : chat::on_running::interrupt;
    };
    r.answers = {plan("a", "b", "c", "d"), plan("new")};
    r.at(0, type("a1-")); // no request runs
    r.at(115, type("a2~"));
    r.at(116, type("a3-"));
    SECTION("queue and ignore") {
        CHECK(r.play() == story{"100 started 1 a1-", "110 delta 1 a", "120 delta 1 b", "130 delta 1 c", "140 delta 1 d",
                                "140 completed 1 abcd", "215 started 2 a2~", "225 delta 2 new", "225 completed 2 new"});
    }
    SECTION("interrupt") {
        r.at(125, type("a4"));
        CHECK(r.play() == story{"100 started 1 a1-", "110 delta 1 a", "120 delta 1 b",
                                "125 interrupted 1 new_user_input ab", "225 started 2 a2~ a4", "235 delta 2 new",
                                "235 completed 2 new"});
    }
    expect_sound(r);
}

TEST_CASE("interrupt() ends the request that runs, and its inputs wait if nothing was answered [H18]") {
    rig r;
    r.answers = {plan("one ", "two "), plan("new")};
    r.at(0, type("a1"));
    SECTION("after the first word") {
        r.at(115, [](rig& me) { me.h->interrupt(); });
        CHECK(r.play() == story{"100 started 1 a1", "110 delta 1 one ", "115 interrupted 1 ctrl_c one "});
        CHECK(r.seen.left == std::vector<std::string>{});
    }
    SECTION("before it") {
        r.at(105, [](rig& me) { me.h->interrupt(); });
        CHECK(r.play() == story{"100 started 1 a1", "105 interrupted 1 ctrl_c "});
        CHECK(r.seen.left == std::vector<std::string>{"a1"});
    }
    SECTION("when none runs") {
        r.at(50, [](rig& me) { me.h->interrupt(); });
        CHECK(r.play().back() == "120 completed 1 one two ");
    }
    expect_sound(r);
}

TEST_CASE("a session that throws fails the request [H13]") {
    struct broken : chat::session<std::string, model_error> {
        coir::stream<std::string, model_error> answer(std::vector<std::string> const&) override {
            throw std::runtime_error("no answer");
        }
        void keep(std::vector<std::string> const& inputs, std::string const&, chat::ending) override {
            kept = inputs;
            throw std::runtime_error("no memory of it");
        }
        std::vector<std::string> kept;
    };
    broken session;
    chat::handler_options<std::string> options;
    story told;
    options.on_diagnostic = [&](std::string_view what) { told.emplace_back(what); };
    handler h(session, options);
    auto events = h.subscribe();
    h.submit("a1");
    h.close_input();
    coir::test_scheduler s;
    CHECK(s.run([&] { return h.run(); }).value().empty());
    auto rest = [&]() -> coir::task<story> {
        story seen;
        while (auto e = co_await events.next()) {
            seen.push_back(line(*e));
        }
        co_return seen;
    };
    CHECK(s.run(rest).value() == story{"0 started 1 a1", "0 failed 1 (defect) "});
    CHECK(session.kept == std::vector<std::string>{"a1"});
    CHECK(told == story{"no memory of it"});
}
