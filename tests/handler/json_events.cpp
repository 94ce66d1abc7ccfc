// The lines of --json, read back.
#include "json_events.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <sstream>
#include <string>

using namespace chat;
using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("each event is one line with exactly its members") {
    std::ostringstream out;
    json_events events(out);
    events.request_started(1, {"a", "b"}, 5ms);
    events.text_delta(1, "Hi\nyou", 6ms);
    events.request_interrupted(1, "Hi", "new_user_input", 7ms);
    events.request_completed(2, "Hello", 8ms);
    llm_error error(llm_error_kind::http_status, "HTTP 500", 500);
    error.partial = "Hel";
    events.request_failed(3, error, 9ms);
    CHECK(out.str() ==
          R"({"event":"request_started","id":1,"inputs":["a","b"],"t_ms":5}
{"event":"text_delta","id":1,"delta":"Hi\nyou","t_ms":6}
{"event":"request_interrupted","id":1,"partial":"Hi","reason":"new_user_input","t_ms":7}
{"event":"request_completed","id":2,"text":"Hello","t_ms":8}
{"event":"request_failed","id":3,"error":{"kind":"http_status","message":"HTTP 500"},"partial":"Hel","t_ms":9}
)");
}

TEST_CASE("json lines survive text that is not UTF-8") {
    std::ostringstream out;
    json_events events(out);
    events.request_started(1, {"\xFF", std::string("\0\x1b", 2)}, 0ms);
    events.text_delta(1, "\xE2\x82", 0ms);
    std::istringstream lines(out.str());
    std::string line;
    REQUIRE(std::getline(lines, line));
    CHECK(json::parse(line).at("inputs")[0] == "\uFFFD");
    CHECK(line.find('\x1b') == std::string::npos);
    REQUIRE(std::getline(lines, line));
    CHECK(json::parse(line).at("delta") == "\uFFFD");
}

TEST_CASE("t_ms never goes back") {
    std::ostringstream out;
    json_events events(out);
    events.text_delta(1, "a", 10ms);
    events.text_delta(1, "b", 3ms);
    CHECK(out.str().find("\"b\",\"t_ms\":10") != std::string::npos);
}
