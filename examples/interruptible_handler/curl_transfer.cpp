#include "curl_transfer.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace chat::detail {
namespace {

constexpr std::size_t max_response_head = 256 * 1024;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    CURLcode const code = curl_easy_setopt(easy, option, value);
    if (code != CURLE_OK) {
        throw std::runtime_error(std::string("libcurl: ") + curl_easy_strerror(code));
    }
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t\r\n";
    auto const first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

http_error classify(CURLcode code, bool responded) noexcept {
    switch (code) {
    case CURLE_OK: return http_error::none;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return http_error::connect;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return responded ? http_error::cut : http_error::connect;
    case CURLE_PARTIAL_FILE: return http_error::cut;
    case CURLE_OPERATION_TIMEDOUT: return http_error::timeout_connect; // the only time limit that libcurl is given
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED: return http_error::tls;
    default: return http_error::other;
    }
}

} // namespace

curl_transfer::curl_transfer(http_request request, std::shared_ptr<http_listener> listener,
                             std::shared_ptr<transfer_control> control)
    : request_(std::move(request)), listener_(std::move(listener)), control_(std::move(control)),
      easy_(curl_easy_init()) {
    if (!easy_) throw std::runtime_error("libcurl: no memory for a transfer");
    configure();
}

void curl_transfer::configure() {
    CURL* const easy = easy_.get();
    // An "Expect: 100-continue" would cost a round trip; an empty value removes a header.
    request_.headers.emplace_back("Expect:");
    for (std::string const& header : request_.headers) {
        // libcurl sends the text as it is; a line break would smuggle in a header or a request.
        if (header.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
            throw std::invalid_argument("a request header contains a line break");
        }
        curl_slist* const longer = curl_slist_append(header_list_.get(), header.c_str());
        if (longer == nullptr) throw std::bad_alloc();
        (void)header_list_.release(); // the new head owns the old list
        header_list_.reset(longer);
    }
    set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
    set(easy, CURLOPT_URL, request_.url.c_str());
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
    set(easy, CURLOPT_HTTPHEADER, header_list_.get());
    set(easy, CURLOPT_HEADERFUNCTION, &curl_transfer::header_callback);
    set(easy, CURLOPT_HEADERDATA, this);
    set(easy, CURLOPT_WRITEFUNCTION, &curl_transfer::body_callback);
    set(easy, CURLOPT_WRITEDATA, this);

    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    set(easy, CURLOPT_PROXY, ""); // an empty name switches the proxies of the environment off
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!request_.ca_file.empty()) set(easy, CURLOPT_CAINFO, request_.ca_file.c_str());

    // One connection per transfer, so that ending the transfer closes it (HTTP/2 would only reset a
    // stream), and a name look-up that is still running is left behind instead of waited for.
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_FRESH_CONNECT, 1L);
    set(easy, CURLOPT_FORBID_REUSE, 1L);
    set(easy, CURLOPT_QUICK_EXIT, 1L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    auto const limit = (std::max)(request_.connect_timeout, std::chrono::milliseconds(1));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limit.count()));
}

std::size_t curl_transfer::header_callback(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<curl_transfer*>(self)->take_header_line({data, size * count});
}

std::size_t curl_transfer::body_callback(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<curl_transfer*>(self)->take_body({data, size * count});
}

// libcurl hands over the status line, each header and the blank line. Any count but the line's
// size ends the transfer.
std::size_t curl_transfer::take_header_line(std::string_view line) {
    header_bytes_ += line.size();
    if (control_->cancelled() || header_bytes_ > max_response_head) return 0;
    if (responded_) return line.size(); // a trailer
    if (line.substr(0, 5) == "HTTP/") {
        headers_.clear();
    } else if (trimmed(line).empty()) {
        long status = 0;
        (void)curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
        if (status >= 100 && status < 200) return line.size();
        status_ = static_cast<int>(status);
        responded_ = true;
        listener_->on_response(status_, headers_);
    } else if (auto const colon = line.find(':'); colon != std::string_view::npos) {
        std::string name(trimmed(line.substr(0, colon)));
        std::transform(name.begin(), name.end(), name.begin(), lower);
        headers_.add(std::move(name), std::string(trimmed(line.substr(colon + 1))));
    }
    return line.size();
}

std::size_t curl_transfer::take_body(std::string_view bytes) noexcept {
    if (control_->cancelled()) return 0;
    return listener_->on_bytes(bytes) ? bytes.size() : std::size_t{CURL_WRITEFUNC_PAUSE};
}

http_result curl_transfer::result_of(CURLcode code) const {
    if (control_->cancelled()) return {http_error::cancelled, status_, "cancelled"};
    http_error const error = classify(code, responded_);
    if (error == http_error::none) return {error, status_, ""};
    if (header_bytes_ > max_response_head) return {error, status_, "the response head is too large"};
    if (code == CURLE_GOT_NOTHING) {
        return {error, status_, "the server closed the connection without an answer"};
    }
    std::string_view const text = trimmed(error_text_.data());
    return {error, status_, std::string(text.empty() ? curl_easy_strerror(code) : text)};
}

void curl_transfer::finish(http_result const& result) noexcept {
    easy_.reset();
    listener_->on_done(result);
    listener_.reset();
}

} // namespace chat::detail
