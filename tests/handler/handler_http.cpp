// The client, and the handler on top of it, over real HTTP to a server that misbehaves.
#include "support/live_chat.hpp"
#include "support/scripted_server.hpp"
#include "support/slow_resolver.hpp"

#include <coir/runtime/sync_wait.hpp>

#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace chat;
using chat::testing::live_chat;
using chat::testing::reply;
using chat::testing::scripted_server;
using nlohmann::json;
using std::chrono_literals::operator""ms;

namespace {

constexpr char secret[] = "sk-very-secret";

std::vector<message> question() { return {message(role::user, "hello")}; }

struct heard {
    std::string text;
    std::optional<llm_error> error;
};

heard ask(std::string const& base_url, llm_limits limits = {}) {
    http_transport transport;
    llm_endpoint const endpoint(base_url, "test-model", secret);
    llm_client const client(transport, endpoint, limits);
    heard result;
    auto listen = [&]() -> coir::task<void, llm_error> {
        auto const add = [&](std::string delta) { result.text += delta; };
        co_await (client.ask(question()) | coir::streams::for_each(add));
    };
    auto const end = coir::sync_wait(listen);
    if (end.is_failure()) {
        result.error = end.error();
    } else {
        REQUIRE(end.is_success());
    }
    return result;
}

// The error that a server with this one reply gives, after the text "Hel" or nothing.
llm_error error_of(scripted_server& server, llm_limits limits = {}, std::string const& scheme = "http") {
    heard const h = ask(server.base_url(scheme), limits);
    REQUIRE(h.error);
    CHECK(h.error->partial == h.text);
    CHECK(h.error->message.find(secret) == std::string::npos);
    CHECK_FALSE(h.error->message.empty());
    return *h.error;
}

json messages_of(scripted_server const& server, std::size_t connection) {
    return json::parse(server.request(connection).body).at("messages");
}

json said(char const* who, char const* text) { return {{"role", who}, {"content", text}}; }

reply tool_call_begun(std::vector<std::string> const& deltas) {
    return reply::begin(deltas).event(R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1",)"
                                      R"("type":"function","function":{"name":"look_up","arguments":"{\"wo"}}]}}]})");
}

} // namespace

TEST_CASE("an answer comes in as it is sent [W2]") {
    scripted_server server;
    server.add(reply::answer({"Hel", "lo"}).slow(20ms));
    heard const h = ask(server.base_url());
    CHECK_FALSE(h.error);
    CHECK(h.text == "Hello");
    json const body = json::parse(server.request(0).body);
    CHECK(body.at("stream") == true);
    CHECK(body.at("model") == "test-model");
    CHECK(server.request(0).head.find(std::string("Authorization: Bearer ") + secret) != std::string::npos);
}

TEST_CASE("what goes wrong has a kind, and keeps the text so far [W3][W6]") {
    scripted_server server;
    SECTION("cut in the middle") {
        server.add(reply::begin({"Hel"}).pause(20ms).cut());
        auto const e = error_of(server);
        CHECK(e.kind == llm_error_kind::truncated);
        CHECK(e.partial == "Hel");
    }
    SECTION("a proper end without [DONE]") {
        server.add(reply::begin({"Hel"}).end());
        auto const e = error_of(server);
        CHECK(e.kind == llm_error_kind::truncated);
        CHECK(e.partial == "Hel");
    }
    SECTION("an event that is no JSON") {
        server.add(reply::begin({"Hel"}).event("{not json").hold());
        auto const e = error_of(server);
        CHECK(e.kind == llm_error_kind::protocol);
        CHECK(e.partial == "Hel");
        CHECK(server.wait_until_closed(0));
    }
    SECTION("not HTTP at all") {
        server.add(reply::raw("SSH-2.0-OpenSSH_9.2\r\n"));
        CHECK(error_of(server).kind == llm_error_kind::protocol);
    }
    SECTION("an error in the stream") {
        server.add(reply::begin({"Hel"}).event(R"({"error":{"message":"overloaded sk-very-secret"}})").hold());
        auto const e = error_of(server);
        CHECK(e.kind == llm_error_kind::api);
        CHECK(e.message.find("overloaded") != std::string::npos);
        CHECK(e.partial == "Hel");
    }
    SECTION("401") {
        server.add(reply::status(401, "Incorrect API key provided: sk-very-secret"));
        auto const e = error_of(server);
        CHECK(e.kind == llm_error_kind::http_status);
        CHECK(e.status == 401);
        CHECK(e.message.find("Incorrect API key") != std::string::npos);
    }
    SECTION("a line that is too long") {
        server.add(reply::begin({"Hel"}).event(std::string(max_line_bytes + 1, 'x')).hold());
        auto const e = error_of(server);
        CHECK(e.kind == llm_error_kind::too_large);
        CHECK(e.partial == "Hel");
        CHECK(server.wait_until_closed(0));
    }
    SECTION("no secure connection") {
        server.add(reply::blurt("HTTP/1.1 200 OK\r\n\r\n"));
        CHECK(error_of(server, {}, "https").kind == llm_error_kind::tls);
    }
    CHECK(server.connections() == 1);
}

TEST_CASE("each time limit ends a request, and closes its connection [W7]") {
    scripted_server server;
    llm_limits limits;
    SECTION("the first token, of a server that says nothing") {
        server.add(reply::silent());
        limits.first_token = 100ms;
        CHECK(error_of(server, limits).kind == llm_error_kind::timeout);
    }
    SECTION("the first token, of a server that only sends comments") {
        reply pings = reply::begin();
        for (int i = 0; i < 2'000; ++i) {
            pings.pause(10ms).send("8\r\n: ping\n\n\r\n");
        }
        server.add(pings.hold());
        limits.first_token = 200ms;
        CHECK(error_of(server, limits).kind == llm_error_kind::timeout);
    }
    SECTION("between tokens") {
        server.add(reply::begin({"Hel"}).hold());
        limits.idle = 150ms;
        auto const e = error_of(server, limits);
        CHECK(e.kind == llm_error_kind::timeout);
        CHECK(e.partial == "Hel");
    }
    SECTION("in total") {
        reply endless = reply::begin();
        for (int i = 0; i < 2'000; ++i) {
            endless.pause(10ms).delta("x");
        }
        server.add(endless.hold());
        limits.total = 300ms;
        auto const e = error_of(server, limits);
        CHECK(e.kind == llm_error_kind::timeout);
    }
    CHECK(server.wait_until_closed(0));
    CHECK(server.connections() == 1);
}

TEST_CASE("a request is tried again before the first delta only [W9][W10]") {
    scripted_server server;
    auto const begun = std::chrono::steady_clock::now();
    SECTION("429 with Retry-After, which is longer than any first pause of ours") {
        server.add(reply::status(429).header("Retry-After", "1.2"));
        server.add(reply::answer({"Hello"}));
        CHECK(ask(server.base_url()).text == "Hello");
        CHECK(std::chrono::steady_clock::now() - begun >= 1'200ms);
        CHECK(server.connections() == 2);
        CHECK(server.request(0).body == server.request(1).body);
    }
    SECTION("500") {
        server.add(reply::status(500));
        server.add(reply::answer({"Hello"}));
        CHECK(ask(server.base_url()).text == "Hello");
        CHECK(server.connections() == 2);
    }
    SECTION("cut before the first delta") {
        server.add(reply::begin().cut());
        server.add(reply::answer({"Hello"}));
        CHECK(ask(server.base_url()).text == "Hello");
        CHECK(server.connections() == 2);
    }
    SECTION("three times at most") {
        server.add(reply::status(503).header("retry-after-ms", "1"));
        CHECK(error_of(server).status == 503);
        CHECK(server.connections() == 3);
    }
    SECTION("not when the server asks for minutes") {
        server.add(reply::status(429).header("Retry-After", "121"));
        CHECK(error_of(server).status == 429);
        CHECK(server.connections() == 1);
    }
    SECTION("not after the first delta") {
        server.add(reply::begin({"Hel"}).pause(20ms).reset());
        server.add(reply::answer({"Hello"}));
        CHECK(error_of(server).partial == "Hel");
        CHECK(server.connections() == 1);
    }
}

TEST_CASE("a server that does not exist is a failure to connect") {
    int port = 0;
    {
        scripted_server const gone;
        port = gone.port();
    }
    heard const h = ask("http://127.0.0.1:" + std::to_string(port) + "/v1");
    REQUIRE(h.error);
    CHECK(h.error->kind == llm_error_kind::connect);
}

TEST_CASE("an input interrupts a request in every phase, and the connection is closed at once [H3][H21]") {
    auto const expect_interrupted = [](reply const& begun, std::string const& partial) {
        scripted_server server;
        server.add(begun);
        server.add(reply::answer({"new"}));
        live_chat chat(server.base_url());
        chat.handler().submit("first");
        REQUIRE(server.wait_until_requested(0));
        REQUIRE(chat.wait_for_text(1, partial));
        chat.handler().submit("second");
        CHECK(server.wait_until_closed(0));
        REQUIRE(chat.wait_for_end(2));
        CHECK(chat.finish().empty());
        auto const first = chat.seen(1);
        CHECK(first.how == ending::interrupted);
        CHECK(first.reason == interrupt_reason::new_user_input);
        CHECK(first.text == partial);
        CHECK(first.terminals == 1);
        CHECK_FALSE(first.late);
        CHECK(chat.seen(2).text == "new");
    };
    SECTION("waiting for the first byte") { expect_interrupted(reply::silent(), ""); }
    SECTION("in the middle of the stream") { expect_interrupted(reply::begin({"Hel", "lo"}).hold(), "Hello"); }
    SECTION("in the middle of an error's body") {
        expect_interrupted(reply::raw("HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n{").hold(), "");
    }
}

TEST_CASE("shutdown does not wait for a server in any phase [H14][H21]") {
    auto const expect_shut_down = [](std::string const& url, auto wait_until_there) {
        live_chat chat(url);
        chat.handler().submit("first");
        wait_until_there();
        chat.handler().shutdown();
        CHECK(chat.finish() == std::vector<std::string>{"first"});
        CHECK(chat.seen(1).how == ending::interrupted);
        CHECK(chat.seen(1).reason == interrupt_reason::shutdown);
        CHECK(chat.seen(1).text.empty());
    };
    scripted_server server;
    SECTION("name resolution") {
        chat::testing::slow_resolver resolver;
        expect_shut_down(std::string("https://") + chat::testing::slow_resolver::host + "/v1",
                         [&] { resolver.wait_until_asked(); });
    }
    SECTION("connecting") {
        chat::testing::unaccepting_socket const full;
        expect_shut_down("http://127.0.0.1:" + std::to_string(full.port()) + "/v1",
                         [] { std::this_thread::sleep_for(100ms); });
    }
    SECTION("the TLS handshake") {
        server.add(reply::deaf());
        expect_shut_down(server.base_url("https"), [&] { REQUIRE(server.wait_until_accepted(0)); });
    }
    SECTION("the pause before a retry") {
        server.add(reply::status(429).header("Retry-After", "100"));
        expect_shut_down(server.base_url(), [&] { REQUIRE(server.wait_until_replied(0)); });
    }
}

TEST_CASE("the server sees what was said before the interruption, marked as cut off [H19]") {
    scripted_server server;
    server.add(reply::begin({"Hel", "lo"}).hold());
    server.add(reply::answer({"new"}));
    server.add(reply::answer({"newer"}));
    live_chat chat(server.base_url());
    chat.handler().submit("first");
    REQUIRE(chat.wait_for_text(1, "Hello"));
    chat.handler().submit("second");
    REQUIRE(chat.wait_for_end(2));
    chat.handler().submit("third");
    CHECK(chat.finish().empty());
    CHECK(messages_of(server, 1) == json::array({said("user", "first"), said("assistant", "Hello"),
                                                 said("user", "[Request interrupted by user]\nsecond")}));
    CHECK(messages_of(server, 2) == json::array({said("user", "first"), said("assistant", "Hello"),
                                                 said("user", "[Request interrupted by user]\nsecond"),
                                                 said("assistant", "new"), said("user", "third")}));
}

TEST_CASE("an answer that was interrupted before its first word leaves nothing but its inputs [H18][H19]") {
    scripted_server server;
    server.add(reply::silent());
    server.add(reply::answer({"new"}));
    live_chat chat(server.base_url());
    chat.handler().submit("first");
    REQUIRE(server.wait_until_requested(0));
    chat.handler().submit("second");
    CHECK(chat.finish().empty());
    CHECK(messages_of(server, 1) == json::array({said("user", "first\nsecond")}));
    CHECK(chat.seen(1).text.empty());
}

TEST_CASE("the text of a failed answer stays in the conversation [H13][H19]") {
    scripted_server server;
    server.add(reply::begin({"Hel"}).pause(20ms).cut());
    server.add(reply::answer({"new"}));
    live_chat chat(server.base_url());
    chat.handler().submit("first");
    REQUIRE(chat.wait_for_end(1));
    chat.handler().submit("second");
    CHECK(chat.finish().empty());
    auto const first = chat.seen(1);
    CHECK(first.how == ending::failed);
    CHECK(first.text == "Hel");
    REQUIRE(first.error);
    CHECK(first.error->kind == llm_error_kind::truncated);
    CHECK(messages_of(server, 1)[1] == said("assistant", "Hel"));
    CHECK(chat.seen(2).how == ending::completed);
}

TEST_CASE("an unfinished tool call is not in the next request [H20]") {
    auto const expect_next = [](reply const& begun, std::string const& partial, json const& expected) {
        scripted_server server;
        server.add(begun);
        server.add(reply::answer({"new"}));
        live_chat chat(server.base_url());
        chat.handler().submit("first");
        REQUIRE(server.wait_until_requested(0));
        REQUIRE(chat.wait_for_text(1, partial));
        chat.handler().submit("second");
        CHECK(chat.finish().empty());
        CHECK(messages_of(server, 1) == expected);
        CHECK(server.request(1).body.find("look_up") == std::string::npos);
        CHECK(chat.seen(2).text == "new");
    };
    SECTION("after some text") {
        expect_next(tool_call_begun({"Hel"}).delta("lo").hold(), "Hello",
                    json::array({said("user", "first"), said("assistant", "Hello"),
                                 said("user", "[Request interrupted by user]\nsecond")}));
    }
    SECTION("alone") { expect_next(tool_call_begun({}).hold(), "", json::array({said("user", "first\nsecond")})); }
}

TEST_CASE("inputs that come together are one request to the server [H2]") {
    scripted_server server;
    server.add(reply::answer({"new"}));
    auto options = live_chat::quick();
    options.debounce = std::chrono::minutes{1}; // close_input() ends the wait
    options.max_wait = options.debounce;
    live_chat chat(server.base_url(), {}, {}, options);
    chat.handler().submit("a");
    chat.handler().submit("b");
    CHECK(chat.finish().empty());
    CHECK(messages_of(server, 0) == json::array({said("user", "a\nb")}));
    CHECK(server.connections() == 1);
}

TEST_CASE("a flood that nobody reads is held back, and can be interrupted [H15][H21]") {
    scripted_server server;
    reply flood = reply::begin();
    for (int i = 0; i < 3'000; ++i) {
        flood.delta(std::string(1'000, 'x'));
    }
    server.add(flood.hold());
    server.add(reply::answer({}));
    auto options = live_chat::quick();
    options.events.capacity = 8;
    options.events.patience = std::chrono::hours{1};
    live_chat chat(server.base_url(), {}, {}, options);
    auto ignorer = chat.handler().subscribe();
    chat.handler().submit("first");
    REQUIRE(chat.wait_for_text(1, std::string(7'000, 'x'))); // of eight events one was the start
    chat.handler().submit("second");
    CHECK(server.wait_until_closed(0));
    REQUIRE(chat.wait_for_end(2));
    CHECK(chat.seen(1).text == std::string(7'000, 'x'));
    CHECK(chat.seen(2).how == ending::completed);
    CHECK_FALSE(ignorer.was_dropped());
    CHECK(chat.finish().empty());
}

TEST_CASE("the key is in no event") {
    scripted_server server;
    server.add(reply::status(401, "Incorrect API key provided: sk-very-secret"));
    live_chat chat(server.base_url(), secret);
    chat.handler().submit("first");
    CHECK(chat.finish().empty());
    auto const first = chat.seen(1);
    REQUIRE(first.error);
    CHECK(first.error->kind == llm_error_kind::http_status);
    CHECK(first.error->message.find("sk-") == std::string::npos);
    CHECK(first.error->message.find("[redacted]") != std::string::npos);
}
