// A server that misbehaves on demand, on a raw socket of the loopback interface. Each connection is
// answered by the next reply in line; the last one answers all further connections.
//
//   scripted_server server;
//   server.add(reply::status(429).header("Retry-After", "0.01"));
//   server.add(reply::answer({"Hel", "lo"}).hold());            // then silent until the client goes
//   client.talk_to(server.base_url());
//   REQUIRE(server.wait_until_closed(1));                       // by the client, on connection 1
//   REQUIRE(server.request(1).body.find("hello") != std::string::npos);
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace chat::testing {

// What a connection gets. Values: each call returns the reply, so that they chain.
class reply {
public:
    // 200 with server-sent events: one chunk per delta, finish_reason "stop", [DONE], proper end.
    static reply answer(std::vector<std::string> const& deltas);
    // 200 and a stream that has begun (role chunk and deltas), but neither [DONE] nor an end: add
    // hold(), cut(), event(), end() ...
    static reply begin(std::vector<std::string> const& deltas = {});
    // An error response with a JSON body {"error": {"message": ...}}.
    static reply status(int code, std::string_view message = "no");
    // A 200 response that streams `text` raw, then ends properly.
    static reply body(std::string_view text);
    // These bytes instead of a response.
    static reply raw(std::string_view bytes);
    // These bytes at once, without waiting for a request; none is recorded.
    static reply blurt(std::string_view bytes);
    // Accepts, and says nothing, not even to a TLS handshake; no request is recorded.
    static reply deaf();
    // Reads the request, and never answers.
    static reply silent();

    reply& header(std::string_view name, std::string_view value); // to the response's head
    reply& event(std::string_view data);                          // "data: <data>", blank line
    reply& delta(std::string_view text);                          // one OpenAI chunk
    reply& send(std::string_view bytes);                          // as they are
    reply& done();                                                // [DONE] and the proper end
    reply& end();                                                 // the proper end of the body
    reply& pause(std::chrono::milliseconds time);                 // ended early by a client that goes
    reply& slow(std::chrono::milliseconds between_events);        // a pause before every event
    reply& hold();                                                // silent until the client goes
    reply& cut();                                                 // closes in the middle
    reply& reset();                                               // closes with a TCP reset

private:
    friend class scripted_server;
    enum class action { send, chunk, pause, hold, reset };
    struct step {
        action what;
        std::string bytes;
        std::chrono::milliseconds time;
    };
    reply& then(action what, std::string bytes = {}, std::chrono::milliseconds time = {});

    bool reads_request_ = true;
    int status_ = 200;
    bool has_head_ = true;
    std::string headers_;
    std::vector<step> steps_;
    std::chrono::milliseconds between_{0};
};

struct recorded_request {
    std::string head; // request line and headers, without the blank line
    std::string body;
};

class scripted_server {
public:
    using seconds = std::chrono::seconds;

    scripted_server();
    ~scripted_server(); // closes all connections and joins
    scripted_server(scripted_server const&) = delete;
    scripted_server& operator=(scripted_server const&) = delete;

    scripted_server& add(reply r);

    [[nodiscard]] int port() const noexcept { return port_; }
    [[nodiscard]] std::string base_url(std::string_view scheme = "http") const;

    // Waiting for what connection `index` (from 0) does; false if it takes longer than the limit, which
    // is there for broken programs only.
    [[nodiscard]] bool wait_until_accepted(std::size_t index, seconds limit = seconds(20));
    [[nodiscard]] bool wait_until_requested(std::size_t index, seconds limit = seconds(20));
    [[nodiscard]] bool wait_until_replied(std::size_t index, seconds limit = seconds(20));
    // The client closed, or reset, connection `index`, and the server had not.
    [[nodiscard]] bool wait_until_closed(std::size_t index, seconds limit = seconds(20));

    [[nodiscard]] std::size_t connections() const;                   // accepted so far
    [[nodiscard]] recorded_request request(std::size_t index) const; // empty if none was read
    // When the client closed the connection; the epoch if it has not.
    [[nodiscard]] std::chrono::steady_clock::time_point closed_at(std::size_t index) const;

private:
    struct connection;

    void accept_all();
    void serve(connection& c, reply const& r);
    bool read_request(connection& c);
    bool play(connection& c, reply const& r);
    bool put(connection& c, std::string_view bytes);
    bool wait_for_client(connection& c, std::chrono::milliseconds limit, bool discard);
    void client_left(connection& c);
    template <class Predicate>
    bool wait_for(std::size_t index, seconds limit, Predicate predicate);

    int listener_ = -1;
    int stop_pipe_[2] = {-1, -1};
    int port_ = 0;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<reply> replies_;
    std::vector<std::unique_ptr<connection>> connections_;
    std::thread thread_;
};

} // namespace chat::testing
