// The transport against a server that misbehaves: what is delivered, how failures are named, and that
// cancelling closes the connection in every state.
#include "http_transport.hpp"

#include "support/recording_listener.hpp"
#include "support/scripted_server.hpp"
#include "support/slow_resolver.hpp"
#include "support/tls_server.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace chat;
using chat::testing::recording_listener;
using chat::testing::reply;
using chat::testing::scripted_server;

http_request post_to(std::string url, std::string body = "{}") {
    http_request request;
    request.url = std::move(url);
    request.body = std::move(body);
    return request;
}

struct exchange {
    explicit exchange(http_request request)
        : listener(std::make_shared<recording_listener>()), transfer(transport.start(std::move(request), listener)) {}

    std::shared_ptr<recording_listener> listener;
    http_transport transport;
    http_transfer transfer;
};

http_result result_of(http_request request) {
    exchange e(std::move(request));
    return e.listener->wait_until_done();
}

} // namespace

TEST_CASE("a streamed answer is delivered with status and headers") {
    scripted_server server;
    server.add(reply::answer({"Hel", "lo"}).header("X-Request-Id", "r1"));
    http_request request = post_to(server.base_url(), R"({"a":1})");
    request.headers.emplace_back("X-Test: yes");
    exchange e(std::move(request));

    http_result const result = e.listener->wait_until_done();
    CHECK(result.error == http_error::none);
    CHECK(result.status == 200);
    CHECK(e.listener->bytes().find("\"Hel\"") != std::string::npos);
    CHECK(e.listener->bytes().find("[DONE]") != std::string::npos);
    CHECK(e.listener->header("x-request-id") == "r1");
    CHECK(e.listener->done_calls() == 1);
    auto const recorded = server.request(0);
    CHECK(recorded.body == R"({"a":1})");
    CHECK(recorded.head.find("POST /v1 HTTP/1.1") == 0);
    CHECK(recorded.head.find("X-Test: yes") != std::string::npos);
    CHECK(recorded.head.find("Expect:") == std::string::npos);
}

TEST_CASE("the status and headers of an error response are delivered") {
    scripted_server server;
    server.add(reply::status(429).header("Retry-After", "7"));
    exchange e(post_to(server.base_url()));
    http_result const result = e.listener->wait_until_done();
    CHECK(result.error == http_error::none);
    CHECK(result.status == 429);
    CHECK(e.listener->header("retry-after") == "7");
}

TEST_CASE("failures are named") {
    scripted_server server;
    SECTION("nobody listens") {
        int port = 0;
        {
            scripted_server gone;
            port = gone.port();
        }
        auto const result = result_of(post_to("http://127.0.0.1:" + std::to_string(port) + "/"));
        CHECK(result.error == http_error::connect);
        CHECK_FALSE(result.message.empty());
    }
    SECTION("closed before any answer") {
        server.add(reply::raw(""));
        CHECK(result_of(post_to(server.base_url())).error == http_error::connect);
    }
    SECTION("cut in the middle of the body") {
        server.add(reply::begin({"Hel"}).cut());
        auto const result = result_of(post_to(server.base_url()));
        CHECK(result.error == http_error::cut);
        CHECK(result.status == 200);
    }
    SECTION("reset in the middle of the body") {
        server.add(reply::begin({"Hel"}).pause(std::chrono::milliseconds(50)).reset());
        CHECK(result_of(post_to(server.base_url())).error == http_error::cut);
    }
    SECTION("not HTTP") {
        server.add(reply::raw("SSH-2.0-OpenSSH_9.2\r\n"));
        CHECK(result_of(post_to(server.base_url())).error == http_error::other);
    }
    SECTION("a handshake that is never answered") {
        server.add(reply::deaf());
        http_request request = post_to(server.base_url("https"));
        request.connect_timeout = std::chrono::milliseconds(100);
        CHECK(result_of(std::move(request)).error == http_error::timeout_connect);
    }
    SECTION("plain HTTP where TLS was expected") {
        server.add(reply::blurt("HTTP/1.1 200 OK\r\n\r\n"));
        CHECK(result_of(post_to(server.base_url("https"))).error == http_error::tls);
    }
}

TEST_CASE("cancelling closes the connection in every state [H21]") {
    scripted_server server;
    SECTION("during the TLS handshake") {
        server.add(reply::deaf());
        exchange e(post_to(server.base_url("https")));
        REQUIRE(server.wait_until_accepted(0));
        e.transfer.cancel();
        CHECK(e.listener->wait_until_done().error == http_error::cancelled);
        CHECK(server.wait_until_closed(0));
    }
    SECTION("waiting for the first byte") {
        server.add(reply::silent());
        exchange e(post_to(server.base_url()));
        REQUIRE(server.wait_until_requested(0));
        e.transfer.cancel();
        CHECK(e.listener->wait_until_done().error == http_error::cancelled);
        CHECK(server.wait_until_closed(0));
    }
    SECTION("in the middle of the stream") {
        server.add(reply::begin({"Hel"}).hold());
        exchange e(post_to(server.base_url()));
        REQUIRE(e.listener->wait_for_text("Hel"));
        e.transfer.cancel();
        CHECK(e.listener->wait_until_done().error == http_error::cancelled);
        CHECK(server.wait_until_closed(0));
    }
    SECTION("paused") {
        server.add(reply::begin({"Hel"}).hold());
        auto listener = std::make_shared<recording_listener>();
        listener->refuse();
        http_transport transport;
        auto transfer = transport.start(post_to(server.base_url()), listener);
        REQUIRE(listener->wait_for_refusal());
        transfer.cancel();
        CHECK(listener->wait_until_done().error == http_error::cancelled);
        CHECK(server.wait_until_closed(0));
    }
    SECTION("while a flood arrives") {
        reply flood = reply::begin();
        for (int i = 0; i < 16; ++i)
            flood.delta(std::string(std::size_t{1} << 18, 'x'));
        server.add(flood.hold());
        exchange e(post_to(server.base_url()));
        REQUIRE(e.listener->wait_for_text("xxxx"));
        e.transfer.cancel();
        CHECK(e.listener->wait_until_done().error == http_error::cancelled);
        CHECK(server.wait_until_closed(0));
    }
    SECTION("while connecting") {
        // A full accept queue leaves further connections in SYN-SENT.
        chat::testing::unaccepting_socket const full;
        exchange e(post_to("http://127.0.0.1:" + std::to_string(full.port()) + "/"));
        e.transfer.cancel();
        CHECK(e.listener->wait_until_done().error == http_error::cancelled);
    }
    SECTION("during name resolution") {
        chat::testing::slow_resolver resolver;
        exchange e(post_to(std::string("http://") + chat::testing::slow_resolver::host + "/"));
        resolver.wait_until_asked();
        e.transfer.cancel();
        CHECK(e.listener->wait_until_done().error == http_error::cancelled);
        CHECK(resolver.is_blocked());
    }
}

TEST_CASE("cancel is idempotent and may come late or early") {
    scripted_server server;
    server.add(reply::answer({"Hello"}));
    http_transfer late;
    {
        exchange e(post_to(server.base_url()));
        e.listener->wait_until_done();
        e.transfer.cancel();
        e.transfer.cancel();
        e.transfer.resume();
        late = e.transfer;
        CHECK(e.listener->done_calls() == 1);
    }
    late.cancel(); // the transport is gone
    late.resume();
    http_transfer().cancel();
}

TEST_CASE("a paused transfer delivers every byte once after resume [H15]") {
    scripted_server server;
    server.add(reply::answer({"one ", "two ", "three"}));
    auto listener = std::make_shared<recording_listener>();
    listener->refuse();
    http_transport transport;
    auto transfer = transport.start(post_to(server.base_url()), listener);
    REQUIRE(listener->wait_for_refusal());
    CHECK(listener->bytes().empty());
    listener->accept();
    transfer.resume();
    CHECK(listener->wait_until_done().error == http_error::none);

    auto other = std::make_shared<recording_listener>();
    transport.start(post_to(server.base_url()), other);
    other->wait_until_done();
    CHECK(listener->bytes() == other->bytes());
}

TEST_CASE("destroying the transport cancels what runs and reports it [H14]") {
    scripted_server server;
    server.add(reply::silent());
    auto first = std::make_shared<recording_listener>();
    auto second = std::make_shared<recording_listener>();
    {
        http_transport transport;
        transport.start(post_to(server.base_url()), first);
        transport.start(post_to(server.base_url()), second);
        REQUIRE(server.wait_until_requested(0));
        REQUIRE(server.wait_until_requested(1));
    }
    CHECK(first->wait_until_done().error == http_error::cancelled);
    CHECK(second->wait_until_done().error == http_error::cancelled);
    CHECK(server.wait_until_closed(0));
    CHECK(server.wait_until_closed(1));
}

TEST_CASE("many transfers cancelled from many threads each end once") {
    scripted_server server;
    server.add(reply::begin({"x"}).hold());
    std::vector<std::shared_ptr<recording_listener>> listeners;
    {
        http_transport transport;
        std::vector<std::thread> threads;
        for (int i = 0; i < 16; ++i) {
            listeners.push_back(std::make_shared<recording_listener>());
            threads.emplace_back([&transport, &server, listener = listeners.back(), i] {
                http_transfer transfer = transport.start(post_to(server.base_url()), listener);
                if (i % 2 == 0) (void)listener->wait_for_text("x");
                transfer.cancel();
                transfer.resume();
            });
        }
        for (auto& thread : threads)
            thread.join();
    }
    for (auto const& listener : listeners)
        CHECK(listener->done_calls() == 1);
}

TEST_CASE("redirects are not followed") {
    scripted_server target;
    scripted_server server;
    server.add(reply::status(307).header("Location", target.base_url()));
    auto const result = result_of(post_to(server.base_url()));
    CHECK(result.status == 307);
    CHECK(target.connections() == 0);
}

TEST_CASE("only http and https are spoken") {
    CHECK(result_of(post_to("file:///etc/passwd")).error == http_error::other);
    CHECK(result_of(post_to("gopher://127.0.0.1:1/")).error == http_error::other);
    CHECK(result_of(post_to("http://user:pass@127.0.0.1:1/")).error == http_error::other);
    CHECK(result_of(post_to("no url at all")).error != http_error::none);
}

TEST_CASE("a certificate that no trusted root signed is refused") {
    chat::testing::tls_server server;
    http_request request = post_to("https://localhost:" + std::to_string(server.port()) + "/");
    SECTION("unknown to the system") {
        auto const result = result_of(std::move(request));
        CHECK(result.error == http_error::tls);
        CHECK(result.status == 0);
        CHECK(server.requests() == 0);
    }
    SECTION("trusted, but for another host") {
        request.ca_file = server.certificate_file();
        request.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
        CHECK(result_of(std::move(request)).error == http_error::tls);
        CHECK(server.requests() == 0);
    }
    SECTION("trusted, and for this host") {
        request.ca_file = server.certificate_file();
        auto const result = result_of(std::move(request));
        CHECK(result.message == "");
        CHECK(result.status == 200);
        CHECK(server.requests() == 1);
    }
}

TEST_CASE("a header with a line break is refused") {
    http_transport transport;
    http_request request = post_to("http://127.0.0.1:1/");
    request.headers.emplace_back("Authorization: Bearer x\r\nX-Injected: yes");
    CHECK_THROWS_AS(transport.start(std::move(request), std::make_shared<recording_listener>()), std::invalid_argument);
}

TEST_CASE("error messages hold neither headers nor body") {
    scripted_server server;
    server.add(reply::raw(""));
    server.add(reply::raw("garbage\r\n\r\n"));
    server.add(reply::begin({"x"}).cut());
    for (int i = 0; i < 3; ++i) {
        http_request request = post_to(server.base_url(), "secret-body");
        request.headers.emplace_back("Authorization: Bearer secret-key");
        auto const result = result_of(std::move(request));
        CHECK(result.error != http_error::none);
        CHECK(result.message.find("secret") == std::string::npos);
    }
}

TEST_CASE("a response head without end is cut off") {
    scripted_server server;
    reply endless = reply::raw("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 1'000; ++i)
        endless.send("X-Filler: " + std::string(1'000, 'x') + "\r\n");
    server.add(endless.hold());
    auto const result = result_of(post_to(server.base_url()));
    CHECK(result.error == http_error::other);
    CHECK(result.message == "the response head is too large");
    CHECK(server.wait_until_closed(0));
}

TEST_CASE("proxies of the environment are not used") {
    scripted_server proxy;
    scripted_server server;
    server.add(reply::answer({"direct"}));
    std::string const url = "http://127.0.0.1:" + std::to_string(proxy.port());
    setenv("http_proxy", url.c_str(), 1);
    setenv("ALL_PROXY", url.c_str(), 1);
    auto const result = result_of(post_to(server.base_url()));
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    CHECK(result.status == 200);
    CHECK(proxy.connections() == 0);
}
