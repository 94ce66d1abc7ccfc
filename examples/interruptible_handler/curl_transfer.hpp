// One libcurl easy handle with its request, its listener and the flags that other threads may set.
// Internal to http_transport.cpp, where the thread that drives these lives.
//
//   detail::curl_transfer transfer(std::move(request), listener, control);
//   curl_multi_add_handle(multi, transfer.easy());
//   ... the handle is reported as done: take it out of the multi handle, then
//   transfer.finish(transfer.result_of(code));
#pragma once

#include "http_transport.hpp"

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace chat::detail {

// What a handle shares with its transfer. The flags are only ever raised by handles and read by the
// transport's thread after a wake-up, whose mutex orders them; `cancelled` is also read between two
// pieces of the body, so that nothing is delivered once it is seen.
class transfer_control {
public:
    explicit transfer_control(std::shared_ptr<transport_mailbox> mailbox) : mailbox_(std::move(mailbox)) {}

    void cancel() noexcept;
    void resume() noexcept;
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(); }
    [[nodiscard]] bool take_resume() noexcept { return resume_.exchange(false); }

private:
    std::shared_ptr<transport_mailbox> mailbox_;
    std::atomic<bool> cancelled_{false};
    std::atomic<bool> resume_{false};
};

class curl_transfer {
public:
    curl_transfer(http_request request, std::shared_ptr<http_listener> listener,
                  std::shared_ptr<transfer_control> control);
    curl_transfer(curl_transfer const&) = delete;
    curl_transfer& operator=(curl_transfer const&) = delete;

    [[nodiscard]] CURL* easy() const noexcept { return easy_.get(); }
    [[nodiscard]] transfer_control& control() noexcept { return *control_; }
    [[nodiscard]] http_result result_of(CURLcode code) const;

    // Frees the handle, which closes what is left of the connection, then tells the listener.
    // The transfer must be out of the multi handle.
    void finish(http_result const& result) noexcept;

private:
    void configure();
    [[nodiscard]] std::size_t take_header_line(std::string_view line);
    [[nodiscard]] std::size_t take_body(std::string_view bytes) noexcept;
    static std::size_t header_callback(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t body_callback(char* data, std::size_t size, std::size_t count, void* self);

    struct free_easy {
        void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
    };
    struct free_list {
        void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
    };

    http_request request_;
    std::shared_ptr<http_listener> listener_;
    std::shared_ptr<transfer_control> control_;
    std::unique_ptr<curl_slist, free_list> header_list_; // the easy handle points into these, so
    std::array<char, CURL_ERROR_SIZE> error_text_{};     // they are declared before it
    std::unique_ptr<CURL, free_easy> easy_;
    http_headers headers_;
    std::size_t header_bytes_ = 0;
    int status_ = 0;
    bool responded_ = false;
};

} // namespace chat::detail
