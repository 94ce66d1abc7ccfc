#include "http_transport.hpp"

#include "curl_transfer.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace chat {
namespace detail {

// The way into the transport's thread, shared with handles, which may outlive the transport.
// `multi` is valid for wake-ups until close(), and all of it is guarded by one mutex.
class transport_mailbox {
public:
    using arrivals = std::vector<std::unique_ptr<curl_transfer>>;

    explicit transport_mailbox(CURLM* multi) : multi_(multi) {}

    void post(std::unique_ptr<curl_transfer> transfer) {
        std::lock_guard const lock(mutex_);
        arrivals_.push_back(std::move(transfer));
        wake_locked();
    }

    void wake() noexcept {
        std::lock_guard const lock(mutex_);
        wake_locked();
    }

    void stop() noexcept {
        std::lock_guard const lock(mutex_);
        stopping_ = true;
        wake_locked();
    }

    // True in second place: the transport is being destroyed.
    [[nodiscard]] std::pair<arrivals, bool> collect() noexcept {
        std::lock_guard const lock(mutex_);
        return {std::exchange(arrivals_, {}), stopping_};
    }

    void close() noexcept {
        std::lock_guard const lock(mutex_);
        multi_ = nullptr;
    }

private:
    void wake_locked() noexcept {
        if (multi_ != nullptr) (void)curl_multi_wakeup(multi_);
    }

    std::mutex mutex_;
    CURLM* multi_;
    arrivals arrivals_;
    bool stopping_ = false;
};

void transfer_control::cancel() noexcept {
    if (!cancelled_.exchange(true)) mailbox_->wake();
}

void transfer_control::resume() noexcept {
    resume_.store(true);
    mailbox_->wake();
}

} // namespace detail

namespace {

// A signal handled on this thread would reach code that does not expect it, and OpenSSL may write
// to a closed socket: with SIGPIPE blocked that is an error code.
void block_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

void initialize_curl_once() {
    static CURLcode const code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) throw std::runtime_error("libcurl cannot be initialized");
}

} // namespace

// The thread, and what only it touches.
class http_transport::worker {
public:
    worker() : multi_(make_multi()), mailbox_(std::make_shared<detail::transport_mailbox>(multi_)) {
        try {
            thread_ = std::thread([this] { run(); });
        } catch (...) {
            curl_multi_cleanup(multi_);
            throw;
        }
    }

    ~worker() {
        mailbox_->stop();
        thread_.join();
        mailbox_->close();
        curl_multi_cleanup(multi_);
    }

    [[nodiscard]] std::shared_ptr<detail::transport_mailbox> const& mailbox() const noexcept { return mailbox_; }

private:
    using transfer_list = std::vector<std::unique_ptr<detail::curl_transfer>>;

    static CURLM* make_multi() {
        initialize_curl_once();
        CURLM* const multi = curl_multi_init();
        if (multi == nullptr) throw std::runtime_error("libcurl: no memory");
        return multi;
    }

    void run() {
        block_signals();
        constexpr int idle_ms = 60'000; // an upper bound only: wake-ups and timers of libcurl end it
        while (take_orders()) {
            int running = 0;
            (void)curl_multi_perform(multi_, &running);
            reap();
            (void)curl_multi_poll(multi_, nullptr, 0, idle_ms, nullptr);
        }
        while (!transfers_.empty())
            drop(transfers_.begin());
    }

    // New transfers, then the flags of all: a transfer cancelled before it began ends here.
    bool take_orders() {
        auto [arrivals, stopping] = mailbox_->collect();
        for (auto& transfer : arrivals) {
            (void)curl_multi_add_handle(multi_, transfer->easy());
            transfers_.push_back(std::move(transfer));
        }
        if (stopping) return false;
        for (std::size_t i = 0; i < transfers_.size();) {
            detail::transfer_control& control = transfers_[i]->control();
            if (control.cancelled()) {
                drop(transfers_.begin() + static_cast<std::ptrdiff_t>(i));
                continue;
            }
            if (control.take_resume()) (void)curl_easy_pause(transfers_[i]->easy(), CURLPAUSE_CONT);
            ++i;
        }
        return true;
    }

    void reap() {
        int left = 0;
        while (CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURLcode const code = message->data.result; // the message dies with the removal
            auto const found =
                std::find_if(transfers_.begin(), transfers_.end(),
                             [easy = message->easy_handle](auto const& each) { return each->easy() == easy; });
            if (found != transfers_.end()) end(found, (*found)->result_of(code));
        }
    }

    void drop(transfer_list::iterator position) {
        (*position)->control().cancel();
        end(position, (*position)->result_of(CURLE_ABORTED_BY_CALLBACK));
    }

    // Taking a handle out of the multi handle closes its connection, which is never kept.
    void end(transfer_list::iterator position, http_result const& result) {
        std::unique_ptr<detail::curl_transfer> const transfer = std::move(*position);
        transfers_.erase(position);
        (void)curl_multi_remove_handle(multi_, transfer->easy());
        transfer->finish(result);
    }

    CURLM* multi_;
    std::shared_ptr<detail::transport_mailbox> mailbox_;
    transfer_list transfers_;
    std::thread thread_;
};

http_transport::http_transport() : worker_(std::make_unique<worker>()) { mailbox_ = worker_->mailbox(); }

http_transport::~http_transport() = default;

http_transfer http_transport::start(http_request request, std::shared_ptr<http_listener> listener) {
    auto control = std::make_shared<detail::transfer_control>(mailbox_);
    mailbox_->post(std::make_unique<detail::curl_transfer>(std::move(request), std::move(listener), control));
    return http_transfer(std::move(control));
}

void http_transfer::cancel() noexcept {
    if (control_) control_->cancel();
}

void http_transfer::resume() noexcept {
    if (control_) control_->resume();
}

std::string const* http_headers::find(std::string_view name) const noexcept {
    for (auto const& [field, value] : fields_) {
        if (field == name) return &value;
    }
    return nullptr;
}

std::string_view name_of(http_error error) noexcept {
    switch (error) {
    case http_error::none: return "none";
    case http_error::connect: return "connect";
    case http_error::tls: return "tls";
    case http_error::timeout_connect: return "timeout_connect";
    case http_error::cut: return "cut";
    case http_error::cancelled: return "cancelled";
    case http_error::other: return "other";
    }
    return "unknown";
}

} // namespace chat
