// The program as its users start it.
#include "support/child_process.hpp"
#include "support/scripted_server.hpp"

#include <nlohmann/json.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

using chat::testing::child_process;
using chat::testing::ended;
using chat::testing::reply;
using chat::testing::scripted_server;
using nlohmann::json;

namespace {

std::string const program = CHAT_PROGRAM;

std::vector<json> events_of(ended const& e) {
    std::vector<json> events;
    std::istringstream lines(e.out);
    for (std::string line; std::getline(lines, line);) {
        events.push_back(json::parse(line));
    }
    return events;
}

std::vector<std::string> names_of(std::vector<json> const& events) {
    std::vector<std::string> names;
    for (auto const& e : events) {
        if (e.at("event") != "text_delta") {
            names.push_back(e.at("event"));
        }
    }
    return names;
}

// Of the terminal event of each id, its text is what was given.
void expect_consistent(std::vector<json> const& events) {
    std::vector<std::string> deltas(1);
    std::int64_t last = 0;
    for (auto const& e : events) {
        REQUIRE(e.at("t_ms").is_number_integer());
        CHECK(e.at("t_ms") >= last);
        last = e.at("t_ms");
        std::size_t const id = e.at("id");
        if (e.at("event") == "request_started") {
            CHECK(id == deltas.size());
            deltas.emplace_back();
        } else if (e.at("event") == "text_delta") {
            CHECK(id + 1 == deltas.size());
            deltas.at(id) += e.at("delta");
        } else {
            CHECK(e.at(e.contains("text") ? "text" : "partial") == deltas.at(id));
        }
    }
}

} // namespace

TEST_CASE("without input it plays a script that shows batching, an interruption and an answer") {
    child_process child({program, "--json"});
    ended const e = child.wait();
    CHECK_FALSE(e.hung);
    CHECK(e.status == 0);
    CHECK(e.err == "");
    auto const events = events_of(e);
    CHECK(names_of(events) ==
          std::vector<std::string>{"request_started", "request_interrupted", "request_started", "request_completed"});
    CHECK(events.front().at("inputs").size() == 2);
    expect_consistent(events);
}

TEST_CASE("each line of a pipe is an input, and its end lets the last answer finish") {
    scripted_server server;
    server.add(reply::answer({"Hel", "lo"}));
    child_process child(
        {program, "--json", "--base-url", server.base_url(), "--debounce-ms", "60000", "--max-wait-ms", "60000"},
        "first\nsecond\n");
    ended const e = child.wait();
    CHECK_FALSE(e.hung);
    CHECK(e.status == 0);
    auto const events = events_of(e);
    REQUIRE(names_of(events) == std::vector<std::string>{"request_started", "request_completed"});
    CHECK(events.front().at("inputs") == json::array({"first", "second"}));
    CHECK(events.back().at("text") == "Hello");
    expect_consistent(events);
}

TEST_CASE("text for people holds the inputs and the answer") {
    scripted_server server;
    server.add(reply::answer({"Hel", "lo"}));
    child_process child({program, "--base-url", server.base_url()}, "first\n");
    ended const e = child.wait();
    CHECK(e.status == 0);
    CHECK(e.out == "> first\nHello\n");
    CHECK(e.err == "");
}

TEST_CASE("a line interrupts the answer that streams") {
    scripted_server server;
    server.add(reply::begin({"Hel"}).hold());
    server.add(reply::answer({"new"}));
    child_process child({program, "--json", "--base-url", server.base_url(), "--debounce-ms", "20"}, "first\n", true);
    REQUIRE(child.wait_for_output("\"Hel\""));
    child.type("second\n");
    REQUIRE(child.wait_for_output("request_completed"));
    CHECK(server.wait_until_closed(0));
    child.send(SIGINT); // nothing runs
    ended const e = child.wait();
    CHECK_FALSE(e.hung);
    CHECK(e.status == 130);
    auto const events = events_of(e);
    CHECK(names_of(events) ==
          std::vector<std::string>{"request_started", "request_interrupted", "request_started", "request_completed"});
    expect_consistent(events);
}

TEST_CASE("Ctrl-C interrupts the answer and keeps what came of it") {
    scripted_server server;
    server.add(reply::begin({"Hel"}).hold());
    child_process child({program, "--json", "--base-url", server.base_url(), "--debounce-ms", "20"}, "first\n", true);
    REQUIRE(child.wait_for_output("\"Hel\""));
    child.send(SIGINT);
    ended const e = child.wait();
    CHECK_FALSE(e.hung);
    CHECK(e.status == 130);
    auto const events = events_of(e);
    REQUIRE(names_of(events) == std::vector<std::string>{"request_started", "request_interrupted"});
    CHECK(events.back().at("reason") == "ctrl_c");
    CHECK(events.back().at("partial") == "Hel");
    CHECK(server.wait_until_closed(0));
}

TEST_CASE("wrong usage is told, with status 2") {
    auto const expect_usage_error = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), program);
        CAPTURE(arguments);
        child_process child(arguments);
        ended const e = child.wait();
        CHECK(e.status == 2);
        CHECK(e.out == "");
        CHECK(e.err.find("interruptible_handler: ") == 0);
    };
    expect_usage_error({"--no-such-flag"});
    expect_usage_error({"--debounce-ms", "soon"});
    expect_usage_error({"--debounce-ms", "-1"});
    expect_usage_error({"--connect-ms", "0"});
    expect_usage_error({"--base-url", "ftp://127.0.0.1/"});
    expect_usage_error({"--script", "/no/such/file"});
    expect_usage_error({"stray"});
}

TEST_CASE("help is on stdout, with status 0") {
    child_process child({program, "--help"});
    ended const e = child.wait();
    CHECK(e.status == 0);
    CHECK(e.out.find("--base-url") != std::string::npos);
    CHECK(e.err == "");
}

TEST_CASE("a failure is told on stderr and in the last event, with status 1") {
    scripted_server server;
    std::string const url = server.base_url();
    auto const expect_failure = [](std::string const& base_url, char const* kind, char const* message) {
        child_process child({program, "--json", "--base-url", base_url, "--debounce-ms", "1"}, "first\n");
        ended const e = child.wait();
        CHECK_FALSE(e.hung);
        CHECK(e.status == 1);
        CHECK(e.err.find("interruptible_handler: ") == 0);
        CHECK(e.err.find(message) != std::string::npos);
        auto const events = events_of(e);
        REQUIRE_FALSE(events.empty());
        CHECK(events.back().at("event") == "request_failed");
        CHECK(events.back().at("error").at("kind") == kind);
        expect_consistent(events);
    };
    SECTION("an unreachable server") {
        int port = 0;
        {
            scripted_server const gone;
            port = gone.port();
        }
        expect_failure("http://127.0.0.1:" + std::to_string(port) + "/v1", "connect", "cannot connect");
    }
    SECTION("401") {
        server.add(reply::status(401, "bad key"));
        expect_failure(url, "http_status", "401");
    }
    SECTION("cut in the middle") {
        server.add(reply::begin({"Hel"}).pause(std::chrono::milliseconds(50)).cut());
        expect_failure(url, "truncated", "cut");
    }
    SECTION("malformed events") {
        server.add(reply::begin({"Hel"}).event("{").hold());
        expect_failure(url, "protocol", "protocol");
    }
}
