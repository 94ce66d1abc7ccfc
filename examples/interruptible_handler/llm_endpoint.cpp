#include "llm_endpoint.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace chat {
namespace {

bool has_control_character(std::string_view text) noexcept {
    return std::any_of(text.begin(), text.end(), [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

// The URL is taken apart by libcurl's own parser, the one that will read it again for the request:
// two parsers that disagree about the host would make the loopback check worthless.
class parsed_url {
public:
    explicit parsed_url(std::string const& text) : url_(curl_url()) {
        if (!url_ || curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) {
            throw bad_endpoint("the base URL is not a valid http or https URL");
        }
    }

    // Empty if the part is absent.
    [[nodiscard]] std::string part(CURLUPart which) const {
        char* text = nullptr;
        if (curl_url_get(url_.get(), which, &text, 0) != CURLUE_OK) return {};
        std::unique_ptr<char, decltype(&curl_free)> const owner(text, &curl_free);
        return text;
    }

    [[nodiscard]] bool has(CURLUPart which) const {
        char* text = nullptr;
        bool const found = curl_url_get(url_.get(), which, &text, 0) == CURLUE_OK;
        curl_free(text);
        return found;
    }

private:
    struct free_url {
        void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
    };
    std::unique_ptr<CURLU, free_url> url_;
};

bool is_loopback(std::string const& host) {
    if (host == "localhost" || host == "[::1]") return true;
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

} // namespace

llm_endpoint::llm_endpoint(std::string_view base_url, std::string model, std::string api_key)
    : url_(base_url), model_(std::move(model)), api_key_(std::move(api_key)) {
    if (has_control_character(url_)) throw bad_endpoint("the base URL contains a control character");
    if (has_control_character(api_key_)) throw bad_endpoint("the API key contains a control character");
    if (has_control_character(model_)) throw bad_endpoint("the model name contains a control character");
    if (model_.empty()) throw bad_endpoint("the model name is empty");

    // Without a scheme libcurl would guess one.
    if (url_.find("://") == std::string::npos) throw bad_endpoint("the base URL has no http:// or https://");
    parsed_url const parsed(url_);
    std::string const scheme = parsed.part(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") throw bad_endpoint("the base URL is neither http nor https");
    if (parsed.has(CURLUPART_USER) || parsed.has(CURLUPART_PASSWORD)) {
        throw bad_endpoint("the base URL contains a user name or password");
    }
    if (parsed.has(CURLUPART_QUERY) || parsed.has(CURLUPART_FRAGMENT)) {
        throw bad_endpoint("the base URL contains a query or a fragment");
    }
    std::string const host = parsed.part(CURLUPART_HOST);
    if (host.empty()) throw bad_endpoint("the base URL has no host");
    if (!api_key_.empty() && scheme == "http" && !is_loopback(host)) {
        throw bad_endpoint("the API key would travel unencrypted: use https, or a server on this machine");
    }

    url_ = parsed.part(CURLUPART_URL);
    while (!url_.empty() && url_.back() == '/')
        url_.pop_back();
    url_ += "/chat/completions";
}

std::vector<std::string> llm_endpoint::headers() const {
    std::vector<std::string> all{"Content-Type: application/json", "Accept: text/event-stream"};
    if (!api_key_.empty()) all.push_back("Authorization: Bearer " + api_key_);
    return all;
}

std::string llm_endpoint::redacted(std::string_view text) const {
    std::string result = redact(text, api_key_); // before the cut, which could leave half a key
    if (result.size() > longest_message) {
        std::size_t end = longest_message;
        while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xC0u) == 0x80u)
            --end;
        result.resize(end);
        result += "...";
    }
    return result;
}

std::string redact(std::string_view text, std::string_view secret) {
    std::string result;
    while (!secret.empty()) {
        auto const at = text.find(secret);
        if (at == std::string_view::npos) break;
        result.append(text.substr(0, at)).append("[redacted]");
        text.remove_prefix(at + secret.size());
    }
    return result.append(text);
}

} // namespace chat
