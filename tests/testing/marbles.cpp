// Lines of marbles, and the boards that play them.
#include <coir/fiber.hpp>
#include <coir/stream.hpp>
#include <coir/testing/marbles.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace coir::marbles;
using namespace std::chrono_literals;
using coir::task;
namespace streams = coir::streams;
using event_list = std::vector<event>;

namespace coir_test_keys {

enum class key { up, down };
std::string marble_name(key k) { return k == key::up ? "u" : "d"; }

struct point {
    int x, y;
};
std::ostream& operator<<(std::ostream& out, point const& p) { return out << p.x << ';' << p.y; }

} // namespace coir_test_keys

namespace {

auto same() {
    return streams::filter([](auto const&) { return true; });
}

template <class T>
std::string name(T const& x) {
    return coir::detail::name_of_marble(x);
}

std::string message_of(std::function<void()> const& f) {
    try {
        f();
    } catch (std::invalid_argument const& e) {
        return e.what();
    }
    return "nothing was thrown";
}

std::string complaint(std::string const& text) {
    return message_of([&] { line{text}; });
}

} // namespace

TEST_CASE("each symbol of a line takes a dash, and spaces take nothing") {
    CHECK(line{"a-b--|"}.events() == event_list{{0_dashes, event_kind::element, "a"},
                                                {2_dashes, event_kind::element, "b"},
                                                {5_dashes, event_kind::end, ""}});
    CHECK(line{" a - b--| "} == line{"a-b--|"});
    CHECK(line{"--a", 1s}.events() == event_list{{2s, event_kind::element, "a"}});
    CHECK(line{"---"}.events().empty());
    CHECK(line{""}.events().empty());
}

TEST_CASE("what is in a group happens at one moment, and takes a dash in all") {
    CHECK(line{"-(ab)c(d|)"}.events() == event_list{{1_dash, event_kind::element, "a"},
                                                    {1_dash, event_kind::element, "b"},
                                                    {2_dashes, event_kind::element, "c"},
                                                    {3_dashes, event_kind::element, "d"},
                                                    {3_dashes, event_kind::end, ""}});
    CHECK(line{"(a)"} == line{"a"});
    CHECK(line{"(ab)"} != line{"(ba)"});
    CHECK(line{"(ab)"} != line{"ab"});
}

TEST_CASE("longer names are in braces, which nest") {
    CHECK(line{"{42}-{a,{b}}{}"}.events() == event_list{{0_dashes, event_kind::element, "42"},
                                                        {2_dashes, event_kind::element, "a,{b}"},
                                                        {3_dashes, event_kind::element, ""}});
    CHECK(line{"{a}"} == line{"a"});
}

TEST_CASE("a line ends in five ways, of which two have a name") {
    CHECK(line{"a#"}.events().back() == event{1_dash, event_kind::failure, ""});
    CHECK(line{"a#x"}.events().back() == event{1_dash, event_kind::failure, "x"});
    CHECK(line{"a#{late}"}.events().back() == event{1_dash, event_kind::failure, "late"});
    CHECK(line{"a*{bad luck}"}.events().back() == event{1_dash, event_kind::defect, "bad luck"});
    CHECK(line{"a!"}.events().back() == event{1_dash, event_kind::interruption, ""});
    CHECK(line{"a/"}.events().back() == event{1_dash, event_kind::closing, ""});
    CHECK(line{"a|"}.ended() == event_kind::end);
    CHECK(line{"a"}.ended() == std::nullopt);
}

TEST_CASE("time in brackets passes") {
    CHECK(line{"a[250ms]b"}.events().back().at == 260ms);
    CHECK(line{"[2h][3min][4s][5ms][6us][7ns]a"}.events().back().at == 2h + 3min + 4s + 5ms + 6us + 7ns);
}

TEST_CASE("a text that is no line says where and why") {
    CHECK(complaint("a-(b") == "coir: this is no line of marbles: this group is not closed\n    a-(b\n      ^");
    CHECK(complaint("a)b") == "coir: this is no line of marbles: this group was not opened\n    a)b\n     ^");
    auto const [text, why, where] = GENERATE(table<std::string, std::string, std::size_t>({
        {"a$b", "this character stands for nothing", 1},
        {"(a-b)", "no time passes in a group", 2},
        {"(a[1s])", "no time passes in a group", 2},
        {"(a(b))", "a group in a group", 2},
        {"-()", "nothing is in this group", 1},
        {"a|b", "nothing comes after the end", 2},
        {"a#x-", "nothing comes after the end", 3},
        {"a|[1s]", "nothing comes after the end", 2},
        {"(|a)", "nothing comes after the end", 2},
        {"a{bc", "this name is not closed", 1},
        {"a#{b{c}", "this name is not closed", 2},
        {"a[1s", "this time is not closed", 1},
        {"[1]", "a time is written as [250ms]", 0},
        {"[s]", "a time is written as [250ms]", 0},
        {"[1.5s]", "a time is written as [250ms]", 0},
        {"[-1s]", "a time is written as [250ms]", 0},
        {"[9999999999h]", "a time is written as [250ms]", 0},
        {"[99999999999s]", "a time is written as [250ms]", 0},
        {"[2000000h][2000000h]", "this is too long", 19},
    }));
    INFO(text << " -> " << complaint(text));
    CHECK(complaint(text).find(why) != std::string::npos);
    CHECK(complaint(text).ends_with("\n    " + text + "\n    " + std::string(where, ' ') + "^"));
}

TEST_CASE("a dash takes some time") {
    CHECK_THROWS_AS(line{0s}, std::invalid_argument);
    CHECK_THROWS_AS(line("a", -1s), std::invalid_argument);
    CHECK_THROWS_AS(board{0s}, std::invalid_argument);
}

TEST_CASE("a line is written as it is read") {
    std::string const text =
        GENERATE(as<std::string>{}, "", "a-b--|", "(ab)--(c|)", "{ab}-{}", "-#", "-#x", "(a#{late})", "a*{bad luck}",
                 "a!", "a/", "a[5ms]b", "a-[5ms]b", "a[10s]b", "{(}{-}");
    CHECK(line{text}.text() == text);
}

TEST_CASE("a line is written in one way") {
    CHECK(line{" (a) {b}[20ms]c---"}.text() == "ab--c");
    CHECK(line{std::string(40, '-') + "a"}.text() == std::string(40, '-') + "a");
    CHECK(line{std::string(41, '-') + "a"}.text() == "[410ms]a");
    CHECK(line{std::string(6'000, '-') + "a"}.text() == "[1min]a");
}

TEST_CASE("events that are too near to each other for a line are listed") {
    line l;
    l.add({0ms, event_kind::element, "a"});
    l.add({5ms, event_kind::element, "bc"});
    l.add({1s, event_kind::end, ""});
    CHECK(l.text() == "a at 0ms, {bc} at 5ms, | at 1s");
}

TEST_CASE("how elements are called") {
    CHECK(name('a') == "a");
    CHECK(name(42) == "42");
    CHECK(name(true) == "true");
    CHECK(name("text") == "text");
    CHECK(name(std::string{"text"}) == "text");
    CHECK(name(std::vector<char>{'a', 'b'}) == "ab");
    CHECK(name(std::vector<int>{1, 23}) == "1,23");
    CHECK(name(std::vector<std::vector<int>>{}).empty());
    CHECK(name(std::pair<char, int>{'a', 1}) == "a1");
    CHECK(name(std::tuple<char, std::string, int>{'a', "bc", 1}) == "a,bc,1");
    CHECK(name(std::map<char, int>{{'a', 1}}) == "a1");
    CHECK(name(std::optional<int>{3}) == "3");
    CHECK(name(std::optional<int>{}) == "nothing");
    CHECK(name(std::variant<int, char>{'c'}) == "c");
    CHECK(name(coir_test_keys::key::down) == "d");
    CHECK(name(coir_test_keys::point{1, 2}) == "1;2");
    CHECK(name(failure{"x"}) == "x");
}

TEST_CASE("play says what a pipeline gave, and when") {
    std::string const text = GENERATE(as<std::string>{}, "a-b----c|", "(ab)-(c|)", "|", "--|", "a-#", "a-#x",
                                      "(a#{late})", "a-*{bad luck}", "a-*", "a-!", "a[1s]b[8s]|", "a-[1ms]b|");
    CHECK(play(text, same()) == text);
    CHECK(board{25ms}.play(text, same()) == text);
}

TEST_CASE("a source without an end goes on, and the line is cut off") {
    CHECK(play("a-b-", same()) == "a-b");
    CHECK(play("", same()) == "");
    CHECK(play("a[5s]b[4s]c", same()) == "a[5s]b[4s]c");
    CHECK(play("a[5s]b[6s]c", same()) == "a[5s]b");
    CHECK(play("a[5s]b[6s]c", same(), {.until = 5s}) == "a");
    CHECK(play("a-b---|", same(), {.until = 6_dashes}) == "a-b");
    CHECK(play("a-b---|", same(), {.until = 6_dashes + 1ns}) == "a-b---|");
}

TEST_CASE("elements are read as what the source gives") {
    board b;
    auto twice = [](int n) { return 2 * n; };
    CHECK(b.play<int>("1-{23}-|", streams::transform(twice)) == "2-{46}-|");
    auto longer = [](std::string s) { return s + "!"; };
    CHECK(b.play<std::string>("{ab}|", streams::transform(longer)) == "{ab!}|");
    CHECK(b.play<long>("{-5}|", same()) == "{-5}|");
    CHECK(message_of([&] { b.source<int>("1-x"); }) == "coir: an element called {x} is not of the type of this source");
    CHECK_THROWS_AS(b.source<int>("{1x}"), std::invalid_argument);
    CHECK_THROWS_AS(b.source<signed char>("{300}"), std::invalid_argument);
    CHECK_THROWS_AS(b.source("{ab}"), std::invalid_argument);
    CHECK_THROWS_AS(b.source("a/"), std::invalid_argument);
    CHECK_THROWS_AS(b.source("a("), std::invalid_argument);
}

TEST_CASE("a consumer that takes its time gets late what was due meanwhile") {
    CHECK(play("abc---d-|", same(), {.takes = 2_dashes}) == "a-b-c-d-|");
    CHECK(play("(abc)---d|", same(), {.takes = 3_dashes}) == "a--b--c--d--|");
}

TEST_CASE("a consumer that is interrupted sees no more, and its source learns it") {
    board b;
    line seen;
    CHECK(b.play(b.source("a--b--c|", seen), {.interrupted_at = 4_dashes}) == "a--b!");
    CHECK(seen == "a--b!");
    CHECK(b.play(b.source("a-|", seen), {.interrupted_at = 4_dashes}) == "a-|");
    CHECK(seen == "a-|");
    CHECK(b.play(b.source("a-|", seen), {.takes = 5_dashes, .interrupted_at = 4_dashes}) == "a---!");
    CHECK(seen == "a---/");
}

TEST_CASE("what became of a source") {
    board b;
    line seen;
    CHECK(b.play(b.source("a-b-|", seen)) == "a-b-|");
    CHECK(seen == "a-b-|");
    CHECK(b.play(b.source("a-b-#x", seen)) == "a-b-#x");
    CHECK(seen == "a-b-#x");
    CHECK(b.play(b.source("a-b-*x", seen)) == "a-b-*x");
    CHECK(seen == "a-b-*x");
    CHECK(b.play(b.source("a-b-|", seen) | streams::take(2)) == "a-(b|)");
    CHECK(seen == "a-(b/)");
    CHECK(b.play(b.source("a-b-|", seen) | streams::take(0)) == "|");
    CHECK(seen == "");
    CHECK(b.play(b.source("a-b-", seen)) == "a-b"); // what comes after the cut is not seen
    CHECK(seen == "a-b");
}

TEST_CASE("a signal is completed by the first event of its line") {
    board b;
    CHECK(b.play(b.source("a--b--c|") | streams::interrupt_when(b.signal("----|"))) == "a--b|");
    CHECK(b.play(b.source("a--b--c|") | streams::interrupt_when(b.signal("----x"))) == "a--b|");
    CHECK(b.play(b.source("a--b--c|") | streams::interrupt_when(b.signal("----#x"))) == "a--b#x");
    CHECK(b.play(b.source("a--b--c|") | streams::interrupt_when(b.signal("----*x"))) == "a--b*x");
    CHECK(b.play(b.source("a--b--c|") | streams::interrupt_when(b.signal("----!"))) == "a--b!");
    CHECK(b.play(b.source("a--b--c|") | streams::interrupt_when(b.signal("---"))) == "a--b--c|");
    auto const& late = b.signal("----------|");
    CHECK(b.play(b.source("a|")) == "a|");
    CHECK_FALSE(late.is_done());
}

TEST_CASE("the time of a source begins with its first pull, that of a hot one when it is made") {
    auto after_two_dashes = [](board* b, auto source) -> task<line> {
        line out;
        auto note = [&](char c) { out.add({b->scheduler().elapsed(), event_kind::element, std::string(1, c)}); };
        co_await coir::sleep_for(2_dashes);
        co_await coir::as_result(std::move(source) | streams::for_each(note));
        co_return out;
    };
    board cold;
    CHECK(cold.scheduler().run(after_two_dashes, &cold, cold.source("abcd|")).value() == "--abcd");
    board hot;
    CHECK(hot.scheduler().run(after_two_dashes, &hot, hot.hot_source("abcd|")).value() == "--cd");
    board ended;
    line seen;
    CHECK(ended.scheduler().run(after_two_dashes, &ended, ended.hot_source("a|", seen)).value() == "");
}

TEST_CASE("a play is the same for the same seed, and on its time the order has no say") {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        board b{1_dash, seed};
        CHECK(b.play("a-b(cd)---e|", same()) == "a-b(cd)---e|");
    }
}

TEST_CASE("many plays of one board come one after the other") {
    board b{1s};
    for (int i = 0; i < 3; ++i) {
        line seen;
        CHECK(b.play(b.source("-a-|", seen)) == "-a-|");
        CHECK(seen == "-a-|");
    }
    CHECK(b.scheduler().elapsed() == 9s);
}

TEST_CASE("several consumers in one run, each with a line of its own") {
    board b;
    line fast, slow, cut;
    auto work = [&]() -> task<> {
        auto const f = coir::fork(b.record(b.source("abc|"), fast));
        auto const g = coir::fork(b.record(b.source("a-b-c-d|"), cut));
        co_await b.record(b.source("abc#x"), slow, 2_dashes);
        co_await f;
        co_await g.interrupt();
    };
    b.run(work);
    CHECK(fast == "abc|");
    CHECK(slow == "a-b-c-#x");
    CHECK(cut == "a-b-c-(d!)");
    b.run(work, {.until = 3_dashes});
    CHECK(fast == "abc");
    CHECK(slow == "a-b");
    b.run(work, {.interrupted_at = 3_dashes});
    CHECK(slow == "a-b!");
}

TEST_CASE("all lines of a run count from its beginning") {
    board b;
    line seen, out;
    auto work = [&]() -> task<> {
        co_await coir::sleep_for(3_dashes);
        co_await b.record(b.source("a-b|", seen), out);
    };
    b.scheduler().advance(1h);
    b.run(work);
    CHECK(out == "---a-b|");
    CHECK(seen == "---a-b|");
}
