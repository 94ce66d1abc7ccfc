// The chat protocol as text: what the request says after interruptions, and how chunks are read.
#include "llm_protocol.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace {

using namespace chat;
using nlohmann::json;

json messages_of(std::vector<message> const& conversation) {
    return json::parse(request_body("m", conversation)).at("messages");
}

std::string text_chunk(std::string const& text) {
    return json{{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}}.dump();
}

llm_error error_of(std::string const& data, std::string const& event = "") {
    chunk_parser parser;
    chunk const result = parser.parse(event, data);
    REQUIRE(result.error.has_value());
    return *result.error;
}

} // namespace

TEST_CASE("a request names the model, streams, and has the messages in order") {
    json const body = json::parse(request_body("m-1", {{role::system, "be brief"}, {role::user, "hi"}}));
    CHECK(body.at("model") == "m-1");
    CHECK(body.at("stream") == true);
    CHECK(body.at("messages") == json::parse(R"([{"role":"system","content":"be brief"},
                                                 {"role":"user","content":"hi"}])"));
}

TEST_CASE("an interrupted answer is sent with its text and a marker before the next input [H19]") {
    json const sent = messages_of({{role::user, "first"}, {role::assistant, "Hel", true}, {role::user, "second"}});
    REQUIRE(sent.size() == 3);
    CHECK(sent[1] == json{{"role", "assistant"}, {"content", "Hel"}});
    CHECK(sent[2].at("role") == "user");
    CHECK(sent[2].at("content") == "[Request interrupted by user]\nsecond");
}

TEST_CASE("an answer interrupted before its first delta adds nothing [H18] [H19]") {
    json const sent = messages_of({{role::user, "first"}, {role::assistant, "", true}, {role::user, "second"}});
    CHECK(sent == json::parse(R"([{"role":"user","content":"first\nsecond"}])"));
}

TEST_CASE("the inputs of a batch are one user message [H2]") {
    json const sent = messages_of({{role::user, "a"}, {role::user, "b"}, {role::user, "c"}});
    CHECK(sent == json::parse(R"([{"role":"user","content":"a\nb\nc"}])"));
}

TEST_CASE("an unfinished tool call is dropped [H20]") {
    message answer(role::assistant, "Let me look.", true);
    answer.tool_calls.emplace_back("call_1", "search", "{\"q\":");
    SECTION("and the text stays") {
        json const sent = messages_of({{role::user, "x"}, answer, {role::user, "y"}});
        REQUIRE(sent.size() == 3);
        CHECK(sent[1] == json{{"role", "assistant"}, {"content", "Let me look."}});
    }
    SECTION("and with it a message that then has nothing") {
        answer.text.clear();
        CHECK(messages_of({{role::user, "x"}, answer, {role::user, "y"}}).size() == 1);
    }
    SECTION("while a finished one stays, with its result") {
        answer.tool_calls.emplace_back("call_2", "clock", "{}", "noon");
        json const sent = messages_of({{role::user, "x"}, answer, {role::user, "y"}});
        REQUIRE(sent.size() == 4);
        REQUIRE(sent[1].at("tool_calls").size() == 1);
        CHECK(sent[1].at("tool_calls")[0].at("id") == "call_2");
        CHECK(sent[1].at("tool_calls")[0].at("function").at("name") == "clock");
        CHECK(sent[2] == json{{"role", "tool"}, {"tool_call_id", "call_2"}, {"content", "noon"}});
    }
}

TEST_CASE("a request with text that is not UTF-8 is valid JSON") {
    CHECK(messages_of({{role::user, "a\xFF\xC3"}})[0].at("content") == "a\uFFFD\uFFFD");
}

TEST_CASE("deltas are read and [DONE] ends the answer [W2]") {
    chunk_parser parser;
    CHECK(parser.parse("", R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})").text.empty());
    CHECK(parser.parse("", text_chunk("Hel")).text == "Hel");
    CHECK(parser.parse("", text_chunk("lo")).text == "lo");
    chunk const last = parser.parse("", R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})");
    CHECK_FALSE(last.error.has_value());
    CHECK_FALSE(last.done);
    CHECK(parser.parse("", "[DONE]").done);
    CHECK(parser.text() == "Hello");
    CHECK(parser.finish_reason() == "stop");
}

TEST_CASE("empty and null choices, unknown fields and null members are legal [W2]") {
    chunk_parser parser;
    for (char const* const data : {
             R"({"choices":[],"usage":{"total_tokens":3}})",
             R"({"choices":null,"usage":{}})",
             R"({"usage":null})",
             R"({"obfuscation":"x","choices":[{"delta":null,"finish_reason":null}]})",
             R"({"choices":[{"index":0,"delta":{"content":null,"audio":{}},"logprobs":null}],"error":null})",
         }) {
        chunk const result = parser.parse("", data);
        CHECK_FALSE(result.error.has_value());
        CHECK_FALSE(result.done);
        CHECK(result.text.empty());
    }
}

TEST_CASE("an error object or event fails the answer with what the server said [W3]") {
    chunk_parser parser;
    CHECK(parser.parse("", text_chunk("Hel")).text == "Hel");
    chunk const failed = parser.parse("", R"({"error":{"message":"overloaded","type":"server_error","code":503}})");
    REQUIRE(failed.error.has_value());
    CHECK(failed.error->kind == llm_error_kind::api);
    CHECK(failed.error->message.find("overloaded") != std::string::npos);
    CHECK(failed.error->partial == "Hel");
    CHECK(failed.error->status == 503);
    CHECK(failed.error->retryable);

    CHECK(error_of(R"({"error":"plain text"})").message.find("plain text") != std::string::npos);
    CHECK(error_of(R"({"message":"by name"})", "error").message.find("by name") != std::string::npos);
    CHECK(error_of("not json", "error").kind == llm_error_kind::api);
    CHECK_FALSE(error_of(R"({"error":{"code":"invalid_api_key"}})").retryable);
}

TEST_CASE("an answer that ends early keeps its text [W6]") {
    chunk_parser parser;
    (void)parser.parse("", text_chunk("Hel"));
    llm_error const error = parser.truncated();
    CHECK(error.kind == llm_error_kind::truncated);
    CHECK(error.partial == "Hel");
}

TEST_CASE("what is not the protocol is a protocol error") {
    for (char const* const data :
         {"", "nonsense", "{\"choices\":", "[]", "42", R"({"choices":"x"})", R"({"choices":[1]})", "{\"a\":\"\xFF\"}",
          R"({"choices":[{"delta":{"tool_calls":[{"index":-1}]}}]})",
          R"({"choices":[{"delta":{"tool_calls":[{"index":4000000000}]}}]})"}) {
        CAPTURE(data);
        CHECK(error_of(data).kind == llm_error_kind::protocol);
    }
}

TEST_CASE("JSON deeper than 64 levels is refused, also when it is a million levels deep") {
    auto const nested = [](std::size_t depth) {
        return "{\"x\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
    };
    chunk_parser parser;
    CHECK_FALSE(parser.parse("", nested(64)).error.has_value());
    CHECK(error_of(nested(65)).kind == llm_error_kind::protocol);
    CHECK(error_of(std::string(1'000'000, '[')).kind == llm_error_kind::protocol);
    CHECK(error_of(std::string(1'000'000, '{'), "error").kind == llm_error_kind::protocol);
    CHECK_FALSE(
        parser.parse("", R"({"x":"[[[[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["})").error);
}

TEST_CASE("an event over 4 MiB and an answer over 16 MiB are too large") {
    CHECK(error_of(text_chunk(std::string(max_event_bytes, 'x'))).kind == llm_error_kind::too_large);

    chunk_parser parser;
    std::string const big = text_chunk(std::string(std::size_t{2} << 20, 'x'));
    for (int i = 0; i < 8; ++i)
        CHECK_FALSE(parser.parse("", big).error.has_value());
    chunk const over = parser.parse("", text_chunk("x"));
    REQUIRE(over.error.has_value());
    CHECK(over.error->kind == llm_error_kind::too_large);
    CHECK(over.error->partial.size() == max_answer_bytes);
}

TEST_CASE("fragments of tool calls are joined by index, and count against the answer") {
    chunk_parser parser;
    (void)parser.parse("", R"({"choices":[{"delta":{"tool_calls":[
        {"index":0,"id":"c1","type":"function","function":{"name":"search","arguments":""}}]}}]})");
    (void)parser.parse("",
                       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]}}]})");
    (void)parser.parse("", R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]})");
    REQUIRE(parser.tool_calls().size() == 1);
    CHECK(parser.tool_calls()[0].id == "c1");
    CHECK(parser.tool_calls()[0].name == "search");
    CHECK(parser.tool_calls()[0].arguments == R"({"q":1})");
}

TEST_CASE("a refusal is shown like an answer") {
    chunk_parser parser;
    CHECK(parser.parse("", R"({"choices":[{"delta":{"content":null,"refusal":"I cannot"}}]})").text == "I cannot");
}
