// Where requests go, checked before the first one is sent: a wrong URL or a key that would travel
// in the clear is a configuration error, not a failed request.
//
//   chat::llm_endpoint endpoint("https://api.example.com/v1", "gpt-4o-mini", key);
//   request.url = endpoint.url();          // https://api.example.com/v1/chat/completions
//   request.headers = endpoint.headers();  // the only place where the key appears
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace chat {

// The message says what to change, and never contains the key.
class bad_endpoint : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

constexpr std::size_t longest_message = 2'000;

// Immutable after construction; any thread may read it.
class llm_endpoint {
public:
    // Throws bad_endpoint unless: the URL is http or https, with a host, without user name, query,
    // fragment or control characters; key and model have no control characters; and the key, if there
    // is one, goes over https or to this machine (localhost, 127.0.0.0/8, ::1).
    llm_endpoint(std::string_view base_url, std::string model, std::string api_key);

    [[nodiscard]] std::string const& url() const noexcept { return url_; }
    [[nodiscard]] std::string const& model() const noexcept { return model_; }
    [[nodiscard]] std::vector<std::string> headers() const;

    // `text` with every occurrence of the key replaced, then cut to `longest_message`. Servers quote
    // keys in their error messages, so whatever a server said passes through here before it is shown.
    [[nodiscard]] std::string redacted(std::string_view text) const;

private:
    std::string url_;
    std::string model_;
    std::string api_key_;
};

// `text` with every occurrence of `secret` replaced by "[redacted]"; unchanged if it is empty.
[[nodiscard]] std::string redact(std::string_view text, std::string_view secret);

} // namespace chat
