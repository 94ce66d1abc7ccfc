// The embedded server, asked over real HTTP, politely and otherwise.
#include "embedded_server.hpp"

#include "http_transport.hpp"
#include "llm_protocol.hpp"
#include "support/raw_client.hpp"
#include "support/recording_listener.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace chat;
using namespace std::chrono_literals;
using chat::testing::raw_client;
using chat::testing::recording_listener;
using nlohmann::json;

embedded_server_options fast() {
    embedded_server_options options;
    options.token_pace = 0ms;
    return options;
}

struct response {
    int status;
    std::string body;
};

response post(embedded_server const& server, std::string body, std::string const& path = "/chat/completions") {
    http_transport transport;
    http_request request;
    request.url = server.base_url() + path;
    request.body = std::move(body);
    request.headers.emplace_back("Content-Type: application/json");
    auto listener = std::make_shared<recording_listener>();
    transport.start(std::move(request), listener);
    http_result const result = listener->wait_until_done();
    return {result.status, listener->bytes()};
}

std::vector<std::string> data_lines(std::string const& body) {
    std::vector<std::string> result;
    std::istringstream in(body);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind("data: ", 0) == 0) result.push_back(line.substr(6));
    }
    return result;
}

std::string answer_to(embedded_server const& server, std::string const& prompt) {
    chunk_parser parser;
    for (auto const& line : data_lines(post(server, request_body("demo", {{role::user, prompt}})).body)) {
        (void)parser.parse("", line);
    }
    return parser.text();
}

int port_of(embedded_server const& server) {
    std::string const& url = server.base_url();
    return std::stoi(url.substr(url.rfind(':') + 1));
}

} // namespace

TEST_CASE("the embedded server streams an answer in OpenAI's form [W2]") {
    embedded_server const server(fast());
    auto const [status, body] = post(server, request_body("demo", {{role::user, "hello"}}));
    CHECK(status == 200);
    auto const lines = data_lines(body);
    REQUIRE(lines.size() > 10);
    json const first = json::parse(lines.front());
    CHECK(first.at("object") == "chat.completion.chunk");
    CHECK(first.at("model") == "demo");
    CHECK(first.at("choices")[0].at("delta").at("role") == "assistant");
    json const last = json::parse(lines[lines.size() - 2]);
    CHECK(last.at("choices")[0].at("finish_reason") == "stop");
    CHECK(lines.back() == "[DONE]");
    CHECK(answer_to(server, "hello") == canned_answer("hello", 1));
}

TEST_CASE("the embedded answer depends on the prompt") {
    embedded_server const server(fast());
    std::string const first = answer_to(server, "Tell me about coroutines");
    CHECK(first.find("coroutine") != std::string::npos);
    CHECK(first != answer_to(server, "What is cancellation?"));
    CHECK(first == answer_to(server, "Tell me about coroutines"));
    CHECK(canned_answer("[Request interrupted by user]\nhello", 2).find("I stopped. You said \"hello\"") == 0);
    CHECK(canned_answer("", 1).find("You said \"\"") == 0);
}

TEST_CASE("bad requests get an error in OpenAI's form") {
    embedded_server const server(fast());
    for (char const* const body :
         {"", "nonsense", "[]", R"({"stream":false,"messages":[]})", R"({"messages":[]})", R"({"stream":true})",
          R"({"stream":true,"messages":[]})", R"({"stream":true,"messages":[{"role":"user","content":[1]}]})",
          R"({"stream":true,"messages":[1,{"role":2}]})"}) {
        CAPTURE(body);
        auto const answer = post(server, body);
        CHECK(answer.status == 400);
        CHECK_FALSE(api_error_message(answer.body).empty());
    }
    CHECK(post(server, std::string(1'000'000, '[')).status == 400);
    auto const elsewhere = post(server, "{}", "/elsewhere");
    CHECK(elsewhere.status == 404);
    CHECK(api_error_message(elsewhere.body) == "HTTP 404");
}

TEST_CASE("the embedded server listens on 127.0.0.1 only") {
    embedded_server const server(fast());
    CHECK(server.base_url().find("http://127.0.0.1:") == 0);
    CHECK(raw_client("127.0.0.1", port_of(server)).connected());
    CHECK_FALSE(raw_client("127.0.0.2", port_of(server)).connected());
}

TEST_CASE("the embedded server bounds requests") {
    embedded_server_options options = fast();
    options.max_request_bytes = 64 * 1024;
    options.request_timeout = 300ms;
    embedded_server const server(options);
    int const port = port_of(server);

    SECTION("a body that is announced too large") {
        raw_client client("127.0.0.1", port);
        client.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
        CHECK(client.read_to_end().find(" 413 ") != std::string::npos);
    }
    SECTION("a header without end") {
        raw_client client("127.0.0.1", port);
        client.send("POST / HTTP/1.1\r\nX-Long: ");
        client.flood(1'000'000);
        CHECK(client.is_closed_by_peer());
    }
    SECTION("headers without end") {
        raw_client client("127.0.0.1", port);
        client.send("POST / HTTP/1.1\r\n");
        for (int i = 0; i < 20'000 && client.send("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"); ++i) {
        }
        CHECK(client.is_closed_by_peer());
    }
    SECTION("a body in chunks without end") {
        raw_client client("127.0.0.1", port);
        client.send("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n");
        client.flood(1'000'000);
        CHECK(client.is_closed_by_peer());
    }
    SECTION("a request that never ends arriving") {
        raw_client client("127.0.0.1", port);
        client.send("POST / HT");
        CHECK(client.is_closed_by_peer());
    }
    CHECK(answer_to(server, "still there?").find("still there?") != std::string::npos);
}

TEST_CASE("more clients than connections are allowed wait for their turn") {
    embedded_server_options options = fast();
    options.max_connections = 2;
    embedded_server const server(options);
    std::vector<std::shared_ptr<recording_listener>> listeners;
    http_transport transport;
    for (int i = 0; i < 6; ++i) {
        http_request request;
        request.url = server.base_url() + "/chat/completions";
        request.body = request_body("demo", {{role::user, "hello"}});
        listeners.push_back(std::make_shared<recording_listener>());
        transport.start(std::move(request), listeners.back());
    }
    for (auto const& listener : listeners) {
        CHECK(listener->wait_until_done().status == 200);
        CHECK(listener->bytes().find("[DONE]") != std::string::npos);
    }
}

TEST_CASE("a client that leaves frees its connection [H21]") {
    embedded_server_options options;
    options.max_connections = 1;
    options.token_pace = 20ms;
    embedded_server const server(options);
    for (int i = 0; i < 3; ++i) {
        http_transport transport;
        http_request request;
        request.url = server.base_url() + "/chat/completions";
        request.body = request_body("demo", {{role::user, "hello"}});
        auto listener = std::make_shared<recording_listener>();
        auto transfer = transport.start(std::move(request), listener);
        REQUIRE(listener->wait_for_text("You"));
        transfer.cancel();
        CHECK(listener->wait_until_done().error == http_error::cancelled);
    }
}

TEST_CASE("stop ends streams, and clients in any state, at once") {
    embedded_server_options options;
    options.token_pace = 3'600'000ms; // a token an hour: only stop can end this
    options.request_timeout = 3'600'000ms;
    embedded_server server(options);
    raw_client silent("127.0.0.1", port_of(server));
    raw_client halfway("127.0.0.1", port_of(server));
    halfway.send("POST /v1/chat");
    http_transport transport;
    http_request request;
    request.url = server.base_url() + "/chat/completions";
    request.body = request_body("demo", {{role::user, "hello"}});
    auto listener = std::make_shared<recording_listener>();
    transport.start(std::move(request), listener);
    REQUIRE(listener->wait_for_text("assistant"));
    server.stop();
    server.stop();
    CHECK(listener->wait_until_done().error == http_error::cut);
    CHECK(silent.is_closed_by_peer());
    CHECK(halfway.is_closed_by_peer());
}

TEST_CASE("a server that nobody uses stops as well") {
    for (int i = 0; i < 20; ++i) {
        embedded_server const server(fast());
        CHECK(port_of(server) > 0);
    }
}
