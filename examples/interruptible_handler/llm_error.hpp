// Everything that can go wrong with one request to a language model, and when to try again.
//
//   chat::llm_error error = chat::http_status_error(429, headers, body, system_clock::now());
//   if (auto delay = chat::retry_delay(error, attempt, random)) sleep(*delay);  // else: give up
#pragma once

#include "http_transport.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace chat {

enum class llm_error_kind {
    connect,     // no connection, or it was closed before any answer
    tls,         // handshake or certificate
    http_status, // an answer other than 2xx
    timeout,     // one of connect, first token, between tokens, total
    protocol,    // the answer is not what the protocol says
    truncated,   // the connection ended before the answer did
    too_large,   // a line, an event or the answer exceeds its limit
    api          // the server reported an error inside the stream
};
// The enumerator's name, as `--json` prints it.
[[nodiscard]] std::string_view name_of(llm_error_kind kind) noexcept;

// `message` may quote the server: show it only through `llm_endpoint::redacted`, which takes the API
// key out. `partial` is the text received so far.
struct llm_error {
    // Not an aggregate on purpose: GCC 12 destroys aggregates made inside a co_await expression twice.
    llm_error(llm_error_kind k, std::string m, int s = 0, bool may_retry = false)
        : kind(k), status(s), message(std::move(m)), retryable(may_retry) {}

    llm_error_kind kind;
    int status; // of HTTP, or the number in an API error; 0 if there is none
    std::string message;
    std::string partial;
    std::optional<std::chrono::milliseconds> retry_after; // what the server asked for
    bool retryable; // by its nature; the caller retries only before the first delta
};

constexpr int max_retries = 2;
constexpr std::chrono::milliseconds longest_retry_after{120'000};

// The error of a transfer that failed. Requires result.error to be none of `none` and `cancelled`.
[[nodiscard]] llm_error transport_error(http_result const& result);

// The error of a response whose status is not 2xx. `body` is the beginning of the response's body;
// its error message, if it has one in the usual form, becomes part of the message.
// Retryable: 408, 409, 429 and 5xx, unless the server says otherwise in x-should-retry, or asks for
// a pause longer than `longest_retry_after`.
[[nodiscard]] llm_error http_status_error(int status, http_headers const& headers, std::string_view body,
                                          std::chrono::system_clock::time_point now);

[[nodiscard]] bool is_retryable_status(int status) noexcept;

// retry-after-ms, else retry-after as seconds (also fractions) or as an HTTP date; never negative.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(http_headers const& headers,
                                                                         std::chrono::system_clock::time_point now);

// 0.5 s * 2^attempt, at most 8 s, minus up to a quarter. attempt counts from 0; random is in [0, 1).
[[nodiscard]] std::chrono::milliseconds backoff(int attempt, double random) noexcept;

// How long to wait before retry number `attempt` (from 0), or nothing: do not retry.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_delay(llm_error const& error, int attempt,
                                                                   double random) noexcept;

// The message of an OpenAI-shaped error object `{"error": {"message": ...}}`, or of the inner object
// alone, or that object's text if it is a string; empty if `body` is none of these.
[[nodiscard]] std::string api_error_message(std::string_view body);

} // namespace chat
