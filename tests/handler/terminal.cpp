// Nothing a model says may act on the terminal.
#include "terminal.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using chat::safe_for_terminal;
using chat::terminal_filter;

TEST_CASE("text, newlines and tabs pass unchanged") {
    std::string_view const text = "Hello,\tw\u00f6rld \u20ac \U0001F600\n";
    CHECK(safe_for_terminal(text) == text);
}

TEST_CASE("control characters and escape sequences in model text are replaced") {
    CHECK(safe_for_terminal("\x1b[31mred\x1b]0;title\x07") == "\u241b[31mred\u241b]0;title\u2407");
    CHECK(safe_for_terminal("a\rb\bc\x7f") == "a\u240db\u2408c\u2421");
    CHECK(safe_for_terminal(std::string_view("\0", 1)) == "\u2400");
    CHECK(safe_for_terminal("\u009b31m") == "\uFFFD31m"); // CSI as UTF-8
    CHECK(safe_for_terminal("\x9b") == "\uFFFD");         // CSI as a single byte
    CHECK(safe_for_terminal("a\u202Eb\u2066c\u200Fd") == "a\uFFFDb\uFFFDc\uFFFDd");
    for (int c = 0; c < 256; ++c) {
        CAPTURE(c);
        std::string const shown = safe_for_terminal(std::string(1, static_cast<char>(c)));
        bool const printable = (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
        CHECK((shown.size() == 1) == printable);
    }
}

TEST_CASE("what is not UTF-8 is replaced") {
    CHECK(safe_for_terminal("\xC3(") == "\uFFFD(");
    CHECK(safe_for_terminal("\xC0\xAF") == "\uFFFD\uFFFD");           // overlong
    CHECK(safe_for_terminal("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD"); // a surrogate
    CHECK(safe_for_terminal("\xF4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");
    CHECK(safe_for_terminal("\xE2\x82") == "\uFFFD\uFFFD");
    CHECK(safe_for_terminal("\xC2\x1b[m") == "\uFFFD\u241b[m");
}

TEST_CASE("where the text is cut makes no difference") {
    std::string const text = "a\u00e9\u20ac\U0001F600\x1b[1m\u009b\u202e\xff\xe2\x82z\xf0\x9f";
    std::string const whole = safe_for_terminal(text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        terminal_filter filter;
        std::string shown = filter.feed(std::string_view(text).substr(0, cut));
        shown += filter.feed(std::string_view(text).substr(cut));
        shown += filter.finish();
        CHECK(shown == whole);
    }
    terminal_filter filter;
    std::string bytewise;
    for (char const c : text)
        bytewise += filter.feed({&c, 1});
    CHECK(bytewise + filter.finish() == whole);
}
