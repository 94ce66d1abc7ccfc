#include "llm_error.hpp"

#include "json_limits.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace chat {
namespace {

using std::chrono::milliseconds;

std::string_view reason_of(int status) noexcept {
    switch (status) {
    case 400: return " Bad Request";
    case 401: return " Unauthorized";
    case 403: return " Forbidden";
    case 404: return " Not Found";
    case 408: return " Request Timeout";
    case 409: return " Conflict";
    case 413: return " Content Too Large";
    case 429: return " Too Many Requests";
    case 500: return " Internal Server Error";
    case 502: return " Bad Gateway";
    case 503: return " Service Unavailable";
    case 504: return " Gateway Timeout";
    default: return status >= 300 && status < 400 ? " (redirects are not followed)" : "";
    }
}

std::optional<double> to_number(std::string const& text) noexcept {
    char* end = nullptr;
    double const value = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !std::isfinite(value)) return std::nullopt;
    return value;
}

// Beyond a year it makes no difference, and the conversion must not overflow.
milliseconds to_delay(double ms) noexcept {
    constexpr double year = 365.0 * 24 * 3600 * 1000;
    return milliseconds(static_cast<milliseconds::rep>(std::clamp(ms, 0.0, year)));
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that servers may send. Free of the locale.
std::optional<std::chrono::system_clock::time_point> to_date(std::string const& text) {
    int day = 0, year = 0, hour = 0, minute = 0, second = 0;
    std::array<char, 4> month{};
    if (std::sscanf(text.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &day, month.data(), &year, &hour,
                    &minute, &second) != 6) {
        return std::nullopt;
    }
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    auto const at = months.find(month.data());
    if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    std::chrono::year_month_day const date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(at / 3 + 1)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

} // namespace

std::string_view name_of(llm_error_kind kind) noexcept {
    switch (kind) {
    case llm_error_kind::connect: return "connect";
    case llm_error_kind::tls: return "tls";
    case llm_error_kind::http_status: return "http_status";
    case llm_error_kind::timeout: return "timeout";
    case llm_error_kind::protocol: return "protocol";
    case llm_error_kind::truncated: return "truncated";
    case llm_error_kind::too_large: return "too_large";
    case llm_error_kind::api: return "api";
    }
    return "unknown";
}

llm_error transport_error(http_result const& result) {
    switch (result.error) {
    case http_error::connect: return {llm_error_kind::connect, "cannot connect: " + result.message, 0, true};
    case http_error::timeout_connect:
        return {llm_error_kind::timeout, "no connection in time: " + result.message, 0, true};
    case http_error::tls: return {llm_error_kind::tls, "no secure connection: " + result.message};
    case http_error::cut:
        return {llm_error_kind::truncated, "the connection was cut: " + result.message, result.status, true};
    default: return {llm_error_kind::protocol, "not a valid answer: " + result.message, result.status};
    }
}

llm_error http_status_error(int status, http_headers const& headers, std::string_view body,
                            std::chrono::system_clock::time_point now) {
    std::string message = "HTTP " + std::to_string(status) + std::string(reason_of(status));
    if (std::string const said = api_error_message(body); !said.empty()) message += ": " + said;
    llm_error error(llm_error_kind::http_status, std::move(message), status, is_retryable_status(status));
    std::string const* const advice = headers.find("x-should-retry");
    if (advice != nullptr && *advice == "true") error.retryable = true;
    if (advice != nullptr && *advice == "false") error.retryable = false;
    error.retry_after = parse_retry_after(headers, now);
    if (error.retry_after && *error.retry_after > longest_retry_after) error.retryable = false;
    return error;
}

bool is_retryable_status(int status) noexcept {
    return status == 408 || status == 409 || status == 429 || status >= 500;
}

std::optional<milliseconds> parse_retry_after(http_headers const& headers, std::chrono::system_clock::time_point now) {
    if (std::string const* const ms = headers.find("retry-after-ms")) {
        if (auto const value = to_number(*ms)) return to_delay(*value);
    }
    std::string const* const text = headers.find("retry-after");
    if (text == nullptr) return std::nullopt;
    if (auto const seconds = to_number(*text)) return to_delay(*seconds * 1000);
    if (auto const date = to_date(*text)) {
        return to_delay(std::chrono::duration<double, std::milli>(*date - now).count());
    }
    return std::nullopt;
}

milliseconds backoff(int attempt, double random) noexcept {
    double const full = (std::min)(500.0 * std::pow(2.0, attempt), 8000.0);
    return milliseconds(static_cast<milliseconds::rep>(full * (1.0 - 0.25 * random)));
}

std::optional<milliseconds> retry_delay(llm_error const& error, int attempt, double random) noexcept {
    if (!error.retryable || attempt >= max_retries) return std::nullopt;
    return error.retry_after ? *error.retry_after : backoff(attempt, random);
}

std::string api_error_message(std::string_view body) {
    auto const parsed = parse_json(body);
    if (!parsed) return {};
    nlohmann::json const* const inner = member(*parsed, "error");
    nlohmann::json const& error = inner == nullptr ? *parsed : *inner;
    if (auto const* text = error.get_ptr<std::string const*>()) return *text;
    std::string const* const message = string_member(error, "message");
    return message == nullptr ? std::string() : *message;
}

} // namespace chat
