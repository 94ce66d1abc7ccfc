// One HTTP request and its answer, between the transport's thread and a fiber.
#pragma once

#include "http_transport.hpp"
#include "llm_error.hpp"

#include <coir/adapt.hpp>
#include <coir/deferred.hpp>
#include <coir/stream.hpp>
#include <coir/sync/queue.hpp>
#include <coir/time.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace chat {

class llm_exchange : public http_listener {
public:
    llm_exchange(http_transport& transport, http_request request)
        : transport_(transport), request_(std::move(request)) {}

    // Sends the request when first pulled, and gives the body of a 2xx answer; fails with what went
    // wrong. `self` keeps the exchange alive.
    static coir::stream<std::string, llm_error> bytes(std::shared_ptr<llm_exchange> self) {
        self->started_ = true;
        self->transfer_ = self->transport_.start(std::move(self->request_), self);
        response const& r = co_await self->head_;
        if (r.status / 100 != 2) {
            std::string const body = co_await self->beginning_of_body();
            co_await coir::fail(http_status_error(r.status, r.headers, body, coir::system_now()));
        }
        while (auto piece = co_await self->next()) {
            co_yield std::move(*piece);
        }
    }

    // Closes the connection, if it is open, and waits until it is closed.
    coir::task<> close() {
        if (started_) {
            transfer_.cancel();
            co_await closed_;
        }
    }

private:
    struct response {
        response(int s, http_headers h) : status(s), headers(std::move(h)) {}
        int status;
        http_headers headers;
    };

    static constexpr std::size_t most_pieces = 64;            // read ahead of the consumer
    static constexpr std::size_t most_error_text = 64 * 1024; // of a body that reports an error

    coir::task<std::optional<std::string>, llm_error> next() {
        auto piece = co_await pieces_.pop();
        if (paused_.exchange(false)) {
            transfer_.resume();
        }
        co_return piece;
    }

    coir::task<std::string, llm_error> beginning_of_body() {
        std::string text;
        while (text.size() < most_error_text) {
            auto piece = co_await coir::as_result(next());
            if (!piece || !*piece) {
                break; // what there is says more than how it was cut off
            }
            text += **piece;
        }
        co_return text;
    }

    // ---- On the transport's thread.

    void on_response(int status, http_headers const& headers) noexcept override { head_.succeed(status, headers); }

    bool on_bytes(std::string_view bytes) noexcept override {
        if (push(bytes)) {
            return true;
        }
        paused_.store(true);
        // The consumer may have emptied the queue before it could see that we pause.
        return push(bytes) && paused_.exchange(false);
    }

    void on_done(http_result const& result) noexcept override {
        if (result.error == http_error::none) {
            pieces_.close();
        } else {
            // Nobody looks at the error of a transfer that was cancelled.
            llm_error const error = result.error == http_error::cancelled
                                        ? llm_error(llm_error_kind::truncated, "cancelled")
                                        : transport_error(result);
            head_.fail(error);
            pieces_.fail(error);
        }
        closed_.succeed();
    }

    bool push(std::string_view bytes) noexcept { return static_cast<bool>(pieces_.try_push(std::string(bytes))); }

    http_transport& transport_;
    http_request request_;
    http_transfer transfer_;
    bool started_ = false;
    std::atomic<bool> paused_{false};
    coir::deferred<response, llm_error> head_;
    coir::queue<std::string, llm_error> pieces_{coir::bounded(most_pieces)};
    coir::deferred<> closed_;
};

} // namespace chat
