// Which errors are worth another try, and when.
#include "llm_error.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <set>
#include <string>

namespace {

using namespace chat;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::chrono::system_clock::time_point now = std::chrono::system_clock::time_point(784'111'777s);

http_headers with(std::string name, std::string value) {
    http_headers headers;
    headers.add(std::move(name), std::move(value));
    return headers;
}

} // namespace

TEST_CASE("every kind of error has its own name") {
    std::set<std::string_view> names;
    for (auto const kind :
         {llm_error_kind::connect, llm_error_kind::tls, llm_error_kind::http_status, llm_error_kind::timeout,
          llm_error_kind::protocol, llm_error_kind::truncated, llm_error_kind::too_large, llm_error_kind::api}) {
        names.insert(name_of(kind));
    }
    CHECK(names == std::set<std::string_view>{"connect", "tls", "http_status", "timeout", "protocol", "truncated",
                                              "too_large", "api"});
}

TEST_CASE("408, 409, 429, 5xx and connect errors are retried, others are not [W9]") {
    for (int const status : {408, 409, 429, 500, 502, 503, 504, 529}) {
        CAPTURE(status);
        CHECK(http_status_error(status, {}, "", now).retryable);
    }
    for (int const status : {301, 307, 400, 401, 403, 404, 413, 422}) {
        CAPTURE(status);
        CHECK_FALSE(http_status_error(status, {}, "", now).retryable);
    }
    CHECK(transport_error({http_error::connect, 0, "refused"}).retryable);
    CHECK(transport_error({http_error::connect, 0, "refused"}).kind == llm_error_kind::connect);
    CHECK(transport_error({http_error::timeout_connect, 0, "late"}).kind == llm_error_kind::timeout);
    CHECK(transport_error({http_error::cut, 200, "cut"}).kind == llm_error_kind::truncated);
    CHECK(transport_error({http_error::tls, 0, "expired"}).kind == llm_error_kind::tls);
    CHECK_FALSE(transport_error({http_error::tls, 0, "expired"}).retryable);
    CHECK_FALSE(transport_error({http_error::other, 0, "odd"}).retryable);
}

TEST_CASE("the server's advice in x-should-retry counts more than the status [W9]") {
    CHECK_FALSE(http_status_error(500, with("x-should-retry", "false"), "", now).retryable);
    CHECK(http_status_error(400, with("x-should-retry", "true"), "", now).retryable);
}

TEST_CASE("Retry-After is read in all three forms [W10]") {
    CHECK(parse_retry_after(with("retry-after-ms", "250"), now) == 250ms);
    CHECK(parse_retry_after(with("retry-after", "2"), now) == 2'000ms);
    CHECK(parse_retry_after(with("retry-after", "0.5"), now) == 500ms);
    CHECK(parse_retry_after(with("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"), now) == 10'000ms);
    CHECK(parse_retry_after(with("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), now) == 0ms);
    http_headers both = with("retry-after", "9");
    both.add("retry-after-ms", "100");
    CHECK(parse_retry_after(both, now) == 100ms);
}

TEST_CASE("a Retry-After that makes no sense is ignored [W10]") {
    for (char const* const value :
         {"", "soon", "nan", "inf", "1x", "Sun, 31 Feb 1994 08:49:47 GMT", "Sun, 06 Foo 1994 08:49:47 GMT"}) {
        CAPTURE(value);
        CHECK_FALSE(parse_retry_after(with("retry-after", value), now).has_value());
    }
    CHECK_FALSE(parse_retry_after({}, now).has_value());
    CHECK(parse_retry_after(with("retry-after", "-5"), now) == 0ms);
    CHECK(parse_retry_after(with("retry-after", "1e300"), now) > longest_retry_after);
}

TEST_CASE("a pause of more than 120 seconds is not waited for [W10]") {
    auto const patient = http_status_error(429, with("retry-after", "120"), "", now);
    CHECK(retry_delay(patient, 0, 0.5) == 120'000ms);
    auto const impatient = http_status_error(429, with("retry-after", "121"), "", now);
    CHECK_FALSE(retry_delay(impatient, 0, 0.5).has_value());
    CHECK(impatient.retry_after == 121'000ms);
}

TEST_CASE("without Retry-After the pause doubles from half a second to eight, less up to a quarter [W10]") {
    CHECK(backoff(0, 0.0) == 500ms);
    CHECK(backoff(1, 0.0) == 1'000ms);
    CHECK(backoff(4, 0.0) == 8'000ms);
    CHECK(backoff(60, 0.0) == 8'000ms);
    CHECK(backoff(2'000, 0.0) == 8'000ms);
    CHECK(backoff(0, 0.999) > 374ms);
    CHECK(backoff(0, 0.999) < 377ms);
    auto const error = http_status_error(500, {}, "", now);
    CHECK(retry_delay(error, 1, 0.0) == 1'000ms);
    CHECK_FALSE(retry_delay(error, max_retries, 0.0).has_value());
}

TEST_CASE("an HTTP error quotes what the server said") {
    CHECK(http_status_error(401, {}, R"({"error":{"message":"bad key"}})", now).message ==
          "HTTP 401 Unauthorized: bad key");
    CHECK(http_status_error(503, {}, "<html>", now).message == "HTTP 503 Service Unavailable");
    CHECK(http_status_error(307, {}, "", now).message == "HTTP 307 (redirects are not followed)");
    CHECK(http_status_error(418, {}, R"({"error":"short"})", now).message == "HTTP 418: short");
}
