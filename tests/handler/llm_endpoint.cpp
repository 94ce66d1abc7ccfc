// Where the API key may go, and what is refused before anything is sent.
#include "llm_endpoint.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace {

using namespace chat;

std::string refusal_of(std::string const& url, std::string const& key = "", std::string const& model = "m") {
    try {
        llm_endpoint const endpoint(url, model, key);
    } catch (bad_endpoint const& problem) {
        return problem.what();
    }
    return "";
}

} // namespace

TEST_CASE("the path of the protocol is appended to the base URL") {
    CHECK(llm_endpoint("http://localhost:1/v1", "m", "").url() == "http://localhost:1/v1/chat/completions");
    CHECK(llm_endpoint("https://host/v1/", "m", "").url() == "https://host/v1/chat/completions");
    CHECK(llm_endpoint("https://host", "m", "").url() == "https://host/chat/completions");
}

TEST_CASE("the key goes over https, or to this machine only") {
    for (char const* const url : {"https://api.example.com/v1", "http://localhost:8080/v1", "http://127.0.0.1/v1",
                                  "http://127.8.9.1/v1", "http://[::1]:8080/v1", "HTTP://localhost/v1"}) {
        CAPTURE(url);
        CHECK(refusal_of(url, "sk-1") == "");
    }
    for (char const* const url :
         {"http://api.example.com/v1", "http://10.0.0.1/v1", "http://128.0.0.1/v1", "http://localhost.example.com/v1",
          "http://127.0.0.1.example.com/v1", "http://[::2]/v1", "http://0.0.0.0/v1", "http://localhost./v1"}) {
        CAPTURE(url);
        CHECK_FALSE(refusal_of(url, "sk-1").empty());
        CHECK(refusal_of(url, "") == "");
    }
}

TEST_CASE("URLs that are not plain http or https ones are refused") {
    for (char const* const url :
         {"", "api.example.com/v1", "ftp://host/", "file:///etc/passwd", "http://", "https://user@host/",
          "https://user:pass@host/", "https://host/v1?key=1", "https://host/v1#x", "https://host/\r\nX: y",
          "https://ho\nst/", "http:host", "https://localhost@evil.example.com\\/v1"}) {
        CAPTURE(url);
        CHECK_FALSE(refusal_of(url).empty());
    }
}

TEST_CASE("line breaks in the key or the model are refused, without showing the key") {
    std::string const problem = refusal_of("https://host/v1", "sk-secret\r\nX-Injected: yes");
    CHECK_FALSE(problem.empty());
    CHECK(problem.find("secret") == std::string::npos);
    CHECK_FALSE(refusal_of("https://host/v1", "sk-\n").empty());
    CHECK_FALSE(refusal_of("https://host/v1", "", "gpt\r\n").empty());
    CHECK_FALSE(refusal_of("https://host/v1", "", "").empty());
    CHECK(refusal_of("http://example.com/", "sk-secret").find("secret") == std::string::npos);
}

TEST_CASE("the key is in the headers, and nowhere else") {
    llm_endpoint const endpoint("https://host/v1", "m", "sk-secret");
    auto const headers = endpoint.headers();
    CHECK(std::count(headers.begin(), headers.end(), "Authorization: Bearer sk-secret") == 1);
    CHECK(endpoint.url().find("secret") == std::string::npos);
    auto const without = llm_endpoint("https://host/v1", "m", "").headers();
    CHECK(std::none_of(without.begin(), without.end(),
                       [](std::string const& h) { return h.find("Authorization") != std::string::npos; }));
}

TEST_CASE("what a server says is redacted, then cut between characters") {
    llm_endpoint const endpoint("https://host/v1", "m", "sk-secret");
    CHECK(endpoint.redacted("key sk-secret, again sk-secret") == "key [redacted], again [redacted]");
    CHECK(endpoint.redacted("nothing") == "nothing");
    CHECK(redact("text", "") == "text");

    std::string const straddling = std::string(longest_message - 4, 'x') + "sk-secret";
    CHECK(endpoint.redacted(straddling).find("sk-s") == std::string::npos);
    std::string umlauts;
    while (umlauts.size() <= longest_message)
        umlauts += "\u00e4";
    umlauts.insert(umlauts.begin(), 'x');
    std::string const cut = endpoint.redacted(umlauts);
    CHECK(cut.size() == longest_message - 1 + 3);
    CHECK(cut.substr(cut.size() - 5) == "\u00e4...");
}
