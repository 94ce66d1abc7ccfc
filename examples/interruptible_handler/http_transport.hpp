// HTTP POST requests whose answer arrives in pieces, and which can be dropped at any moment.
// One thread drives libcurl's multi interface; nothing here knows coroutines or JSON.
//
//   chat::http_transport transport;
//   chat::http_request request;
//   request.url = "http://127.0.0.1:8080/v1/chat/completions";
//   request.body = "{}";
//   auto transfer = transport.start(std::move(request), listener);  // listener: shared_ptr
//   transfer.cancel();                          // the socket closes now, in whatever state it is
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chat {

// Response headers in order of arrival; names are lower case.
class http_headers {
public:
    void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
    // The first value of `name` (give it in lower case), or nullptr. O(number of headers).
    [[nodiscard]] std::string const* find(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    void clear() noexcept { fields_.clear(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

// A POST. Redirects are not followed, certificates are verified, cookies and netrc are not used,
// and proxy variables of the environment are ignored: the request goes where the URL says.
struct http_request {
    http_request() = default;

    std::string url; // http or https only
    std::string body;
    std::vector<std::string> headers;                  // "Name: value"
    std::chrono::milliseconds connect_timeout{10'000}; // name resolution, TCP and TLS together
    std::string ca_file; // PEM file of trusted roots instead of the system's; empty: system
};

enum class http_error {
    none,
    connect,         // no such host, refused, or closed before any answer
    tls,             // handshake or certificate verification failed
    timeout_connect, // `connect_timeout` passed
    cut,             // closed in the middle of the answer
    cancelled,
    other // not HTTP, a bad URL, ...
};
[[nodiscard]] std::string_view name_of(http_error error) noexcept;

// How a transfer ended. `message` is fit for a user; it never holds request headers or the body.
struct http_result {
    http_result(http_error e, int s, std::string m) : error(e), status(s), message(std::move(m)) {}

    http_error error;
    int status; // 0 if no response began
    std::string message;
};

// Receives one transfer. All calls come from the transport's thread, one after another, and must
// return quickly: a listener that blocks holds up every transfer, and cancellation.
class http_listener {
public:
    virtual ~http_listener() = default;

    // The response head is complete. At most once; interim (1xx) responses are not reported.
    virtual void on_response(int status, http_headers const& headers) noexcept = 0;

    // A piece of the body. Returning false pauses the transfer: the same bytes are delivered again
    // after `http_transfer::resume`, and the peer feels the back-pressure of TCP meanwhile.
    virtual bool on_bytes(std::string_view bytes) noexcept = 0;

    // Exactly once, and the last call; the connection has been closed by then.
    virtual void on_done(http_result const& result) noexcept = 0;
};

namespace detail {
class transfer_control;
class transport_mailbox;
} // namespace detail

// Refers to a transfer; copies refer to the same one. Dropping it does not cancel. All members may
// be called from any thread, any number of times, also after the transfer or the transport ended.
class http_transfer {
public:
    http_transfer() = default;

    // Asks for the end of the transfer and returns at once. Unless it has ended already,
    // `on_done(cancelled)` follows, after the connection was closed; an `on_bytes` that is running
    // finishes, no further one begins. Allocates nothing.
    void cancel() noexcept;

    // Continues a paused transfer. No effect on one that is not paused.
    void resume() noexcept;

private:
    friend class http_transport;
    explicit http_transfer(std::shared_ptr<detail::transfer_control> control) : control_(std::move(control)) {}

    std::shared_ptr<detail::transfer_control> control_;
};

// Owns the thread and all connections. Connections are never reused, so that the end of a transfer
// is the end of its connection: closing it is the only way to tell a language model to stop.
class http_transport {
public:
    http_transport();  // throws std::runtime_error or std::system_error if there are no resources
    ~http_transport(); // cancels every transfer, each gets its `on_done`, and joins; not from a listener
    http_transport(http_transport const&) = delete;
    http_transport& operator=(http_transport const&) = delete;

    // Starts a transfer. Any thread. Every failure, also of a bad URL, is reported to `on_done`;
    // throws only std::invalid_argument (line break in a header) or for want of memory.
    // The transport drops its reference to `listener` right after `on_done`, on its own thread.
    http_transfer start(http_request request, std::shared_ptr<http_listener> listener);

private:
    class worker;
    std::shared_ptr<detail::transport_mailbox> mailbox_;
    std::unique_ptr<worker> worker_;
};

} // namespace chat
