#include "text_reference.hpp"

#include <coir/stream/text/sse_parser.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <type_traits>

using namespace std::literals;
using namespace text_test;
using coir::sse_event;
using coir::sse_limits;
using coir::sse_parser;

static_assert(coir::bounded_text_decoder<sse_parser>);
static_assert(!std::is_aggregate_v<sse_event>);

namespace {

using retry_time = std::optional<std::chrono::milliseconds>;
using events = std::vector<sse_event>;

sse_event make_event(std::string data, std::string type = "message", std::string id = "", retry_time retry = {}) {
    sse_event event;
    event.event = std::move(type);
    event.data = std::move(data);
    event.id = std::move(id);
    event.retry = retry;
    return event;
}

std::string bad_cut(std::string_view input, events const& expected, std::optional<text_error> error = {},
                    sse_limits limits = {}) {
    return first_bad_cut(input, [&](cuts const& at) {
        return decode(sse_parser(limits), input, at) == decoded<sse_event>{expected, error};
    });
}

} // namespace

TEST_CASE("SSE: a blank line dispatches, whatever the line ends and cuts [W1]") {
    for (auto const& end : {"\n"s, "\r"s, "\r\n"s}) {
        auto const input = "data: one" + end + end + "data: two" + end + end;
        CHECK(bad_cut(input, {make_event("one"), make_event("two")}) == "");
    }
    CHECK(bad_cut("data: one\r\n\rdata: two\n\r\ndata: three\r\r",
                  {make_event("one"), make_event("two"), make_event("three")}) == "");
    CHECK(bad_cut("\n\r\n\r\n\ndata: x\n\n\n\n", {make_event("x")}) == "");
}

TEST_CASE("SSE: data lines are joined by a newline, one space after the colon is removed [W1]") {
    CHECK(bad_cut("data: YHOO\ndata: +2\ndata: 10\n\n", {make_event("YHOO\n+2\n10")}) == "");
    CHECK(bad_cut("data:test\n\ndata: test\n\ndata:  test\n\n",
                  {make_event("test"), make_event("test"), make_event(" test")}) == "");
    CHECK(bad_cut("data: a:b: c\n\n", {make_event("a:b: c")}) == "");
    CHECK(bad_cut("data:\n\ndata: \n\n", {make_event(""), make_event("")}) == "");
}

TEST_CASE("SSE: a data field that is empty is data, a block without one is no event [W1]") {
    CHECK(bad_cut("data\n\ndata\ndata\n\ndata:", {make_event(""), make_event("\n")}) == "");
    CHECK(bad_cut("event: ping\n\nid: 7\n\n: only a comment\n\n", {}) == "");
    CHECK(bad_cut("event: ping\n\ndata: x\n\n", {make_event("x")}) == "");
}

TEST_CASE("SSE: the type is that of its own block, the last one given [W1]") {
    CHECK(bad_cut("event: add\ndata: 1\n\ndata: 2\n\n", {make_event("1", "add"), make_event("2")}) == "");
    CHECK(bad_cut("event: a\nevent: b\ndata: 1\n\n", {make_event("1", "b")}) == "");
    CHECK(bad_cut("event: a\nevent:\ndata: 1\n\n", {make_event("1")}) == "");
}

TEST_CASE("SSE: comments and unknown fields are ignored, comments are counted [W1] [W7]") {
    CHECK(bad_cut(": hello\n:\ndata: x\nfoo: bar\nDATA: y\n data: z\ndata : w\nbar\n:data: no\n\n",
                  {make_event("x")}) == "");
    sse_parser parser;
    sse_event event;
    parser.feed(": ping\n\n: pi");
    CHECK_FALSE(parser.next(event));
    CHECK(parser.comments() == 1);
    parser.feed("ng\n");
    CHECK_FALSE(parser.next(event));
    CHECK(parser.comments() == 2);
}

TEST_CASE("SSE: one byte order mark at the start is skipped [W1]") {
    CHECK(bad_cut("\xEF\xBB\xBF"
                  "data: x\n\n",
                  {make_event("x")}) == "");
    CHECK(bad_cut("\xEF\xBB\xBF\xEF\xBB\xBF"
                  "data: x\n\ndata: y\n\n",
                  {make_event("y")}) == "");
    CHECK(bad_cut("data: x\n\n\xEF\xBB\xBF"
                  "data: y\n\n",
                  {make_event("x")}) == "");
    CHECK(bad_cut("\xEF\xBB\xBF\n\xEF\xBB\xBF"
                  "data: y\n\n",
                  {}) == "");
}

TEST_CASE("SSE: an event that the end of the input leaves unfinished is discarded [W1]") {
    CHECK(bad_cut("data: one\n\ndata: two\n", {make_event("one")}) == "");
    CHECK(bad_cut("data: one\n\ndata: two", {make_event("one")}) == "");
    CHECK(bad_cut("data: one", {}) == "");
    CHECK(bad_cut("", {}) == "");
}

TEST_CASE("SSE: an id holds until the next one, and one with NUL is ignored [W1]") {
    CHECK(bad_cut("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
                  {make_event("a", "message", "1"), make_event("b", "message", "1"), make_event("c")}) == "");
    CHECK(bad_cut("id: 1\n\nid: 2\0\ndata: a\n\n"sv, {make_event("a", "message", "1")}) == "");
}

TEST_CASE("SSE: last_event_id is that of the last complete block, with data or without [W1]") {
    sse_parser parser;
    sse_event event;
    parser.feed("id: 1\ndata: a\n\nid: 2\n");
    while (parser.next(event)) {
    }
    CHECK(parser.last_event_id() == "1");
    parser.feed("\nid: 3\ndata: lost");
    parser.finish();
    CHECK_FALSE(parser.next(event));
    CHECK(parser.last_event_id() == "2");
}

TEST_CASE("SSE: retry takes digits only [W1]") {
    auto const of = [](std::string_view value) {
        return decode(sse_parser{}, "retry:" + std::string(value) + "\ndata: x\n\n").items.at(0).retry;
    };
    CHECK(of("3000") == 3s);
    CHECK(of(" 0") == 0ms);
    CHECK(of("0010") == 10ms);
    for (auto const bad : {"", "-1", "+1", "1.5", "1e3", "10 ", "  10", "0x10", "99999999999999999999"})
        CHECK(of(bad) == std::nullopt);
    CHECK(bad_cut("retry: 5\ndata: a\n\ndata: b\n\n", {make_event("a", "message", "", 5ms), make_event("b")}) == "");
}

TEST_CASE("SSE: the reconnection time is kept, even from a block without data [W1]") {
    sse_parser parser;
    sse_event event;
    CHECK(parser.reconnection_time() == std::nullopt);
    parser.feed("retry: 250\n\ndata: x\n\n");
    REQUIRE(parser.next(event));
    CHECK(event.retry == std::nullopt);
    CHECK(parser.reconnection_time() == 250ms);
}

TEST_CASE("SSE: the event is given at the first byte of the line end that completes it [W1]") {
    for (auto const& blank : {"\n\n"s, "\r\r"s, "\r\n\r"s, "\n\r"s}) {
        sse_parser parser;
        sse_event event;
        parser.feed("data: now" + blank);
        REQUIRE(parser.next(event));
        CHECK(event == make_event("now"));
        parser.feed("\n");
        CHECK_FALSE(parser.next(event));
    }
}

TEST_CASE("SSE: ill-formed UTF-8 becomes U+FFFD [W1]") {
    CHECK(bad_cut("data: a\xFF"
                  "b\xC3\ndata:\xC3\xA9\nevent: \xE2\x82\n\n",
                  {make_event("a\xEF\xBF\xBD"
                              "b\xEF\xBF\xBD\n\xC3\xA9",
                              "\xEF\xBF\xBD")}) == "");
}

TEST_CASE("SSE: lines and events are bounded, and what came before is given [W1]") {
    sse_limits const small{.max_line = 12, .max_event = 8};
    auto const first = events{make_event("ok")};
    CHECK(bad_cut("data: ok\n\ndata: 789012\n\n", {make_event("ok"), make_event("789012")}, {}, small) == "");
    CHECK(bad_cut("data: ok\n\ndata: 7890123\n\n", first, text_error::line_too_long, small) == "");
    CHECK(bad_cut("data: ok\n\n: 34567890123", first, text_error::line_too_long, small) == "");
    CHECK(bad_cut("data:1234\ndata:678\n\n", {make_event("1234\n678")}, {}, small) == "");
    CHECK(bad_cut("data: ok\n\ndata:1234\ndata:6789\n\ndata: no\n\n", first, text_error::event_too_large, small) == "");
    CHECK(bad_cut("data\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\ndata\n\n", {}, text_error::event_too_large,
                  small) == "");
    CHECK(to_string(text_error::event_too_large) == "event too large");
}

TEST_CASE("SSE: the limits are 1 MiB a line and 4 MiB an event by default") {
    std::string const line = "data:" + std::string((std::size_t{1} << 20) - 5, 'x') + '\n';
    auto const four = line + line + line + line; // 4 MiB less 20 bytes, and three newlines
    CHECK(decode(sse_parser{}, four + "data:" + std::string(16, 'x') + "\n\n").items.size() == 1);
    CHECK(decode(sse_parser{}, four + "data:" + std::string(17, 'x') + "\n\n").error == text_error::event_too_large);
    CHECK(decode(sse_parser{}, "x" + line).error == text_error::line_too_long);
}

TEST_CASE("SSE: random streams in random chunks give the events of WHATWG [W1]") {
    std::vector<std::string> const words{
        "\n",     "\r",           "\r\n",     "\n\n",        "\r\n\r\n", "data: text\n", "data:", "data", "event: e\n",
        "event:", "id: 4\r\n",    "id:",      "retry: 10\n", "retry:",   ": comment\n",  ":",     " ",    "x",
        "\0"s,    "\xEF\xBB\xBF", "\xC3\xA9", "\xE2\x82",    "\xFF",     "other: y\n"};
    random_engine random(7);
    std::size_t total = 0;
    for (int round = 0; round < 10000; ++round) {
        auto const input = random_text(random, words, 30);
        auto const at = random_cuts(random, input.size());
        auto const expected = reference_events(input);
        INFO("round " << round << ", " << describe(at));
        REQUIRE(decode(sse_parser{}, input, at) == expected);
        auto const limits = sse_limits{below(random, 20), below(random, 20)};
        REQUIRE(decode(sse_parser{limits}, input, at) == reference_events(input, limits));
        total += expected.items.size();
    }
    CHECK(total > 3000); // the inputs are not all noise
}
