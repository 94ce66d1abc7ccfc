#include "text_reference.hpp"

#include <coir/stream/text/utf8_decoder.hpp>

#include <catch2/catch.hpp>

#include <numeric>

using namespace std::literals;
using namespace text_test;
using coir::utf8_bom;
using coir::utf8_decoder;

static_assert(coir::text_decoder<utf8_decoder>);
static_assert(!coir::bounded_text_decoder<utf8_decoder>);

namespace {

constexpr auto replacement = "\xEF\xBF\xBD"sv;

std::string text_of(std::string_view input, cuts const& at = {}, utf8_bom bom = utf8_bom::skip) {
    auto const pieces = decode(utf8_decoder(bom), input, at).items;
    return std::accumulate(pieces.begin(), pieces.end(), std::string{});
}

std::string bad_cut(std::string_view input, std::string_view expected, utf8_bom bom = utf8_bom::skip) {
    return first_bad_cut(input, [&](cuts const& at) { return text_of(input, at, bom) == expected; });
}

std::string replaced(std::size_t count) {
    std::string text;
    while (count-- != 0)
        text += replacement;
    return text;
}

std::string bracketed(std::string_view text) { return std::string("<").append(text).append(">"); }

} // namespace

TEST_CASE("utf8: characters of every length survive any cut [S36]") {
    for (auto const text : {""sv, "plain ASCII, longer than a word"sv, "caf\xC3\xA9"sv, "\xE2\x82\xAC\xE2\x82\xAC"sv,
                            "a\xF0\x9F\x98\x80z"sv, "\xF4\x8F\xBF\xBF\xED\x9F\xBF\xEE\x80\x80"sv,
                            "\0\x7F\xC2\x80\xDF\xBF"sv, "abcdefgh\xC3\xA9ijklmnopqrstuvwx\xE0\xA0\x80yz"sv}) {
        CHECK(bad_cut(text, text) == "");
    }
}

TEST_CASE("utf8: each maximal subpart of an ill-formed sequence becomes one U+FFFD [S36]") {
    struct sample {
        std::string_view bytes;
        std::size_t replacements;
    };
    for (auto const& [bytes, count] : {sample{"\x80", 1},
                                       {"\xBF\xBF", 2},
                                       {"\xC0\xAF", 2},
                                       {"\xC1\xBF", 2},
                                       {"\xFE\xFF", 2},
                                       {"\xE0\x80\xAF", 3},
                                       {"\xE0\x9F\xBF", 3}, // overlong
                                       {"\xED\xA0\x80", 3},
                                       {"\xED\xBF\xBF", 3}, // surrogates
                                       {"\xF0\x80\x80\xAF", 4},
                                       {"\xF0\x8F\xBF\xBF", 4}, // overlong
                                       {"\xF4\x90\x80\x80", 4},
                                       {"\xF5\x80\x80\x80", 4},                    // above U+10FFFF
                                       {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF", 4}}) { // Unicode 15, table 3-11
        CHECK(bad_cut(bytes, replaced(count)) == "");
        CHECK(bad_cut(bracketed(bytes), bracketed(replaced(count))) == "");
    }
    CHECK(bad_cut("\xF0\x9F\x98\xC3\xA9", std::string(replacement) + "\xC3\xA9") == "");
    CHECK(bad_cut("\xE2\x82\n", std::string(replacement) + "\n") == "");
}

TEST_CASE("utf8: an unfinished sequence at the end becomes one U+FFFD [S36]") {
    for (auto const tail : {"\xC3"sv, "\xE2"sv, "\xE2\x82"sv, "\xF0"sv, "\xF0\x9F"sv, "\xF0\x9F\x98"sv})
        CHECK(bad_cut("ab" + std::string(tail), std::string("ab").append(replacement)) == "");
}

TEST_CASE("utf8: one byte order mark at the start is skipped, if asked [S36]") {
    CHECK(bad_cut("\xEF\xBB\xBFhi", "hi") == "");
    CHECK(bad_cut("\xEF\xBB\xBF", "") == "");
    CHECK(bad_cut("\xEF\xBB\xBF\xEF\xBB\xBFx", "\xEF\xBB\xBFx") == "");
    CHECK(bad_cut("x\xEF\xBB\xBF", "x\xEF\xBB\xBF") == "");
    CHECK(bad_cut("\xEF\xBB", replaced(1)) == "");
    CHECK(bad_cut("\xEF\xBBx", std::string(replacement) + "x") == "");
    CHECK(bad_cut("\xEF\xBB\xBFhi", "\xEF\xBB\xBFhi", utf8_bom::keep) == "");
}

TEST_CASE("utf8: what is complete is given at once, and never an empty piece") {
    utf8_decoder decoder;
    std::string text = "kept when there is nothing";
    decoder.feed("");
    CHECK_FALSE(decoder.next(text));
    decoder.feed("\xE2\x82");
    CHECK_FALSE(decoder.next(text));
    CHECK(text == "kept when there is nothing");
    decoder.feed("\xAC"
                 "a\xC3");
    REQUIRE(decoder.next(text));
    CHECK(text == "\xE2\x82\xAC"
                  "a");
    CHECK_FALSE(decoder.next(text));
    decoder.finish();
    REQUIRE(decoder.next(text));
    CHECK(text == replacement);
    CHECK_FALSE(decoder.next(text));
}

TEST_CASE("utf8: every sequence of three bytes at the borders of the encoding is as WHATWG decodes it") {
    constexpr auto borders =
        "\x00\x41\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF"sv;
    std::string wrong;
    for (char const a : borders)
        for (char const b : borders)
            for (char const c : borders)
                for (auto const tail : {""sv, "\x80"sv}) {
                    auto const input = std::string{a, b, c}.append(tail);
                    if (bad_cut(input, reference_utf8(input), utf8_bom::keep) != "") wrong = input;
                }
    CHECK(wrong == "");
}

TEST_CASE("utf8: random bytes in random chunks are as WHATWG decodes them [S36]") {
    std::vector<std::string> const words{"a",
                                         "text of some length ",
                                         "\xC3\xA9",
                                         "\xE2\x82\xAC",
                                         "\xF0\x9F\x98\x80",
                                         "\xC3",
                                         "\xE2",
                                         "\xE2\x82",
                                         "\xF0",
                                         "\xF0\x9F",
                                         "\x80",
                                         "\xBF",
                                         "\xFF",
                                         "\xED\xA0",
                                         "\xEF\xBB\xBF",
                                         "\n"};
    random_engine random(36);
    for (int round = 0; round < 5000; ++round) {
        auto const input = random_text(random, words, 20);
        auto const at = random_cuts(random, input.size());
        INFO("round " << round << ", " << describe(at));
        REQUIRE(text_of(input, at, utf8_bom::keep) == reference_utf8(input));
    }
}
