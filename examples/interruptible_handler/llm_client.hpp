// Answers of a language model as a stream of text, over real HTTP.
//
//   chat::llm_client client(transport, endpoint, limits);
//   auto show = [](std::string delta) { std::cout << delta << std::flush; };
//   co_await (client.ask(conversation) | coir::streams::for_each(show));
//
// Interrupting the stream closes the connection, whatever its state, before the interruption is
// over. A request is tried again only as long as nothing of the answer has been seen.
#pragma once

#include "llm_endpoint.hpp"
#include "llm_exchange.hpp"
#include "llm_stages.hpp"

#include <coir/stream.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace chat {

struct llm_limits {
    std::chrono::milliseconds connect{10'000};     // name resolution, TCP and TLS
    std::chrono::milliseconds first_token{60'000}; // of each attempt, from its beginning
    std::chrono::milliseconds idle{30'000};        // between two pieces of an answer, comments too
    std::chrono::milliseconds total{600'000};      // of all attempts together
};

// May be used by several fibers at once. Outlives its streams, as do transport and endpoint.
class llm_client {
public:
    llm_client(http_transport& transport, llm_endpoint const& endpoint, llm_limits limits = {})
        : transport_(transport), endpoint_(endpoint), limits_(limits) {}

    // The answer to the conversation, as it comes in. Every error has the text so far as `partial`,
    // and a message without the key.
    [[nodiscard]] coir::stream<std::string, llm_error> ask(std::vector<message> const& conversation) const {
        auto attempt = [this, body = request_body(endpoint_.model(), conversation)] { return try_once(body); };
        return coir::streams::retry_if_nothing_emitted(coir::moved(attempt), llm_retry_policy{}) |
               coir::streams::timeout_total(limits_.total, timed_out("the answer took too long")) |
               complete_errors(endpoint_);
    }

private:
    static llm_error timed_out(char const* what) { return llm_error(llm_error_kind::timeout, what); }

    [[nodiscard]] coir::stream<std::string, llm_error> try_once(std::string const& body) const {
        http_request request;
        request.url = endpoint_.url();
        request.headers = endpoint_.headers();
        request.body = body;
        request.connect_timeout = limits_.connect;
        auto exchange = std::make_shared<llm_exchange>(transport_, std::move(request));
        auto close = [exchange] { return exchange->close(); };
        return exchange->bytes(exchange) | coir::streams::ensuring(coir::moved(close)) |
               coir::streams::timeout_fail(limits_.idle, timed_out("the answer stalled")) |
               coir::streams::server_sent_events({max_line_bytes, max_event_bytes}) | answer_text() |
               coir::streams::timeout_first(limits_.first_token, timed_out("no answer began in time"));
    }

    http_transport& transport_;
    llm_endpoint const& endpoint_;
    llm_limits limits_;
};

} // namespace chat
