// Text decoders as stages: chunks cut anywhere, ends of every kind. What the decoders themselves
// accept is tested next to here.
#include "stream_support.hpp"

#include <catch2/catch.hpp>

using namespace stream_test;

namespace {

using chunks = std::vector<std::string>;

chunks cut(std::string const& text, std::size_t at) { return {text.substr(0, at), text.substr(at)}; }
chunks bytes(std::string const& text) {
    chunks all;
    for (char const c : text) {
        all.emplace_back(1, c);
    }
    return all;
}

// In one chunk, in two cut at every place, byte by byte, from a vector and from a generator.
template <class Run, class Expected>
void check_every_cut(std::string const& text, Run run, Expected const& expected) {
    CHECK(run(chunks{text}) == expected);
    CHECK(run(bytes(text)) == expected);
    for (std::size_t i = 0; i <= text.size(); ++i) {
        INFO("cut at " << i);
        CHECK(run(cut(text, i)) == expected);
    }
}

stream<std::string, err> arriving(chunks all, int fails_with = 0) {
    for (auto const& c : all) {
        co_await sleep_for(1ms);
        co_yield c;
    }
    if (fails_with != 0) {
        co_await coir::fail<err>(fails_with);
    }
}

using text_or_err = coir::errors<err, coir::text_error>;

} // namespace

TEST_CASE("lines are the same wherever the text is cut, and a last line needs no end [S36]") {
    auto const lines = [](chunks all) {
        test_scheduler s;
        auto const end = s.run([&]() -> task<chunks, coir::text_error> {
            co_return co_await (streams::from(all) | streams::decode_utf8() | streams::split_lines() |
                                streams::to_vector());
        });
        return end.value();
    };
    check_every_cut("a\r\nb\rc\n\nd\xc3\xa9\xe2\x82\xac last", lines,
                    chunks{"a", "b", "c", "", "d\xc3\xa9\xe2\x82\xac last"});
}

TEST_CASE("UTF-8 that is cut or broken decodes as in one piece [S36]") {
    auto const decoded = [](chunks all) {
        test_scheduler s;
        auto const end = s.run([&]() -> task<std::string, err> {
            co_return co_await (
                arriving(all) | streams::decode_utf8() |
                streams::fold(std::string{}, [](std::string sum, std::string const& x) { return sum + x; }));
        });
        return end.value();
    };
    check_every_cut("\xf0\x9f\x98\x80 \xff \xe2\x82", decoded,
                    std::string{"\xf0\x9f\x98\x80 \xef\xbf\xbd \xef\xbf\xbd"});
}

TEST_CASE("events of a server are the same wherever they are cut, from a source that waits [S36]") {
    auto const events = [](chunks all) {
        test_scheduler s;
        auto const end = s.run([&]() -> task<chunks, text_or_err> {
            co_return co_await (arriving(all) | streams::server_sent_events() |
                                streams::transform([](coir::sse_event const& e) { return e.event + "=" + e.data; }) |
                                streams::to_vector());
        });
        return end.value();
    };
    check_every_cut("event: a\ndata: 1\ndata: 2\n\n: comment\r\n\r\ndata: 3\r\n\r\ndata: lost", events,
                    chunks{"a=1\n2", "message=3"});
}

TEST_CASE("a line that is too long fails the stream after the lines before it, and closes it") {
    test_scheduler s;
    entries log;
    auto const text = chunks{"one\ntw", "o\nmuch too long", "\nthree\n"};
    auto const end = s.run([&]() -> task<void, text_or_err> {
        auto close = finalizer(log);
        co_await (arriving(text) | streams::ensuring(close) | streams::split_lines(5) |
                  streams::for_each([&log](std::string const& l) { log.push_back(l); }));
    });
    REQUIRE(end.is_failure());
    CHECK(std::holds_alternative<coir::text_error>(end.error()));
    CHECK(log == entries{"one", "two", "finalizer begins", "finalizer ends"});
}

TEST_CASE("a failure of upstream comes after the complete lines, and the part of a line is dropped [S7]") {
    test_scheduler s;
    entries log;
    auto const text = chunks{"one\ntw"};
    auto const end = s.run([&]() -> task<void, text_or_err> {
        co_await (arriving(text, 3) | streams::split_lines() |
                  streams::for_each([&log](std::string const& l) { log.push_back(l); }));
    });
    REQUIRE(end.is_failure());
    CHECK(std::get<err>(end.error()) == err{3});
    CHECK(log == entries{"one"});
}

TEST_CASE("a signal in the middle of a line drops the part of it [X1]") {
    test_scheduler s;
    deferred<> stop;
    auto const text = chunks{"{\"a\":1}\n{\"b\"", ":2}", "\n"};
    auto const end = s.run([&]() -> task<chunks, text_or_err> {
        fork(after, 2ms, &stop);
        co_return co_await (arriving(text) | streams::split_json_lines() | streams::interrupt_when(stop) |
                            streams::to_vector());
    });
    CHECK(end.value() == chunks{"{\"a\":1}"});
}

TEST_CASE("chunks may be any text: views, of a range that is referred to") {
    test_scheduler s;
    std::vector<std::string_view> const views{"a\n", "b"};
    auto const end = s.run([&]() -> task<chunks, coir::text_error> {
        co_return co_await (streams::from(views) | streams::split_lines() | streams::to_vector());
    });
    CHECK(end.value() == chunks{"a", "b"});
}
