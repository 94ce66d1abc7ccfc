#include "text_reference.hpp"

#include <coir/stream/text/json_line_splitter.hpp>
#include <coir/stream/text/line_splitter.hpp>

#include <catch2/catch.hpp>

using namespace std::literals;
using namespace text_test;
using coir::json_line_splitter;
using coir::line_splitter;

static_assert(coir::bounded_text_decoder<line_splitter>);
static_assert(coir::bounded_text_decoder<json_line_splitter>);

namespace {

using lines = std::vector<std::string>;

template <class Splitter>
std::string bad_cut(Splitter const& splitter, std::string_view input, decoded<std::string> const& expected) {
    return first_bad_cut(input, [&](cuts const& at) { return decode(splitter, input, at) == expected; });
}

std::string bad_cut(std::string_view input, lines const& expected) {
    return bad_cut(line_splitter{}, input, {expected, {}});
}

} // namespace

TEST_CASE("lines: LF, CR and CRLF end a line, however they are cut [S36]") {
    CHECK(bad_cut("", {}) == "");
    CHECK(bad_cut("a\nb\n", {"a", "b"}) == "");
    CHECK(bad_cut("a\rb\r", {"a", "b"}) == "");
    CHECK(bad_cut("a\r\nb\r\n", {"a", "b"}) == "");
    CHECK(bad_cut("\n\r\r\n\n", {"", "", "", ""}) == "");
    CHECK(bad_cut("a\n\rb\r\r\nc", {"a", "", "b", "", "c"}) == "");
    CHECK(bad_cut("\xC3\xA9\n\xFF\0x\r\n"sv, {"\xC3\xA9", "\xFF\0x"s}) == "");
}

TEST_CASE("lines: the last line needs no end [S36]") {
    CHECK(bad_cut("a", {"a"}) == "");
    CHECK(bad_cut("a\nb", {"a", "b"}) == "");
    CHECK(bad_cut("a\r\nb", {"a", "b"}) == "");
    CHECK(bad_cut("a\n\n", {"a", ""}) == "");
}

TEST_CASE("lines: a line ended by CR does not wait for the next byte [S36]") {
    line_splitter splitter;
    std::string line;
    splitter.feed("one\r");
    REQUIRE(splitter.next(line));
    CHECK(line == "one");
    splitter.feed("\n");
    CHECK_FALSE(splitter.next(line));
    splitter.feed("\n");
    REQUIRE(splitter.next(line));
    CHECK(line == "");
}

TEST_CASE("lines: next_view gives the same without a copy") {
    line_splitter splitter;
    std::string_view line;
    splitter.feed("one\r\ntwo\nthr");
    REQUIRE(splitter.next_view(line));
    CHECK(line == "one");
    REQUIRE(splitter.next_view(line));
    CHECK(line == "two");
    CHECK_FALSE(splitter.next_view(line));
    splitter.feed("ee");
    splitter.finish();
    REQUIRE(splitter.next_view(line));
    CHECK(line == "three");
    CHECK_FALSE(splitter.next_view(line));
}

TEST_CASE("lines: feeding more before taking changes nothing") {
    line_splitter splitter;
    for (char const c : "a\r\nb\rc\n\nd"sv)
        splitter.feed(std::string_view(&c, 1));
    splitter.finish();
    lines got;
    take_all(splitter, got);
    CHECK(got == lines{"a", "b", "c", "", "d"});
}

TEST_CASE("lines: a line longer than the limit fails, after the lines before it, however it is cut") {
    line_splitter const four(4);
    CHECK(bad_cut(four, "1234\r\n1234", {{"1234", "1234"}, {}}) == "");
    CHECK(bad_cut(four, "ab\n12345\ncd\n", {{"ab"}, text_error::line_too_long}) == "");
    CHECK(bad_cut(four, "ab\r12345", {{"ab"}, text_error::line_too_long}) == "");
    CHECK(bad_cut(line_splitter(0), "\n\r\n", {{"", ""}, {}}) == "");
    CHECK(to_string(text_error::line_too_long) == "line too long");
}

TEST_CASE("lines: the limit is noticed without waiting for the end of the line, and for good") {
    line_splitter splitter(4);
    std::string line;
    splitter.feed("12345");
    CHECK_FALSE(splitter.next(line));
    CHECK(splitter.error() == text_error::line_too_long);
    splitter.feed("\nok\n");
    splitter.finish();
    CHECK_FALSE(splitter.next(line));
}

TEST_CASE("lines: the limit is 1 MiB by default") {
    std::string const longest(std::size_t{1} << 20, 'x');
    CHECK(decode(line_splitter{}, longest + '\n') == decoded<std::string>{{longest}, {}});
    CHECK(decode(line_splitter{}, longest + "x\n") == decoded<std::string>{{}, text_error::line_too_long});
}

TEST_CASE("lines: random text in random chunks is split as a whole would be [S36]") {
    std::vector<std::string> const words{"\r", "\n", "\r\n", "a", " ", "\t", "some words", "\xC3\xA9"};
    random_engine random(1);
    for (int round = 0; round < 5000; ++round) {
        auto const input = random_text(random, words, 24);
        auto const at = random_cuts(random, input.size());
        INFO("round " << round << ", " << describe(at));
        REQUIRE(decode(line_splitter{}, input, at) == reference_lines(input));
        auto const limit = below(random, 8);
        REQUIRE(decode(line_splitter{limit}, input, at) == reference_lines(input, limit));
        REQUIRE(decode(json_line_splitter{limit}, input, at) == reference_json_lines(input, limit));
    }
}

TEST_CASE("JSON lines: blank lines are passed over, the rest is left alone [W8]") {
    auto const check = [](std::string_view input, lines const& expected) {
        return bad_cut(json_line_splitter{}, input, {expected, {}});
    };
    CHECK(check("{\"a\":1}\r\n\n[2]\n", {"{\"a\":1}", "[2]"}) == "");
    CHECK(check("\n \t\r\n\n", {}) == "");
    CHECK(check(" {} \n\t\n \"last\"", {" {} ", " \"last\""}) == "");
    CHECK(check("1\n  ", {"1"}) == "");
}

TEST_CASE("JSON lines: bounded like lines") {
    CHECK(bad_cut(json_line_splitter(4), "[1]\n\n[100]\n", {{"[1]"}, text_error::line_too_long}) == "");
    CHECK(bad_cut(json_line_splitter(4), "[1]\n     \n[2]\n", {{"[1]"}, text_error::line_too_long}) == "");
}
