// A small OpenAI-compatible server on a free loopback port, so that the program shows something
// without an account, a network or a model. It speaks real HTTP and streams at a human pace.
//
//   chat::embedded_server server;
//   chat::llm_endpoint endpoint(server.base_url(), "demo", "");   // http://127.0.0.1:<port>/v1
//   ...
//   // the destructor ends running streams at once
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace chat {

// Limits of what a client may send; beyond them its connection is closed.
struct embedded_server_options {
    std::chrono::milliseconds token_pace{32};             // each token takes 75 % to 125 % of it; 0: no pause
    std::size_t max_request_bytes = std::size_t{4} << 20; // head and body
    std::size_t max_connections = 16;                     // at a time; some more wait in the kernel
    std::chrono::milliseconds request_timeout{5'000};     // for the whole request to arrive
};

// POST {base_url}/chat/completions with "stream": true; anything else is an error in OpenAI's shape.
class embedded_server {
public:
    // Listens before it returns. Throws std::runtime_error if no port can be had.
    explicit embedded_server(embedded_server_options options = {});
    ~embedded_server(); // as stop()
    embedded_server(embedded_server const&) = delete;
    embedded_server& operator=(embedded_server const&) = delete;

    [[nodiscard]] std::string const& base_url() const noexcept { return base_url_; }

    // Closes every connection, whatever its state, and joins all threads. Idempotent; one thread.
    void stop() noexcept;

private:
    class server;
    std::unique_ptr<server> server_;
    std::string base_url_;
};

// The answer to a conversation whose last user message is `prompt`: the same prompt always gets the
// same answer. `turn` counts the user messages so far.
[[nodiscard]] std::string canned_answer(std::string_view prompt, std::size_t turn);

} // namespace chat
