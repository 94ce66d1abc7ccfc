// A listener that keeps what it gets, and lets a test wait for it.
#pragma once

#include "http_transport.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace chat::testing {

class recording_listener final : public http_listener {
public:
    void on_response(int, http_headers const& headers) noexcept override {
        change([&] { headers_ = headers; });
    }

    bool on_bytes(std::string_view bytes) noexcept override {
        bool accepted = true;
        change([&] {
            accepted = !refusing_;
            if (accepted) bytes_ += bytes;
            refused_ |= !accepted;
        });
        return accepted;
    }

    void on_done(http_result const& result) noexcept override {
        change([&] {
            result_ = result;
            ++done_calls_;
        });
    }

    void refuse() {
        change([&] { refusing_ = true; });
    }
    void accept() {
        change([&] { refusing_ = false; });
    }

    // Each wait gives up after a time that only a broken program needs.
    http_result wait_until_done() {
        if (!wait([&] { return result_.has_value(); })) throw std::runtime_error("the transfer does not end");
        return *result_;
    }
    [[nodiscard]] bool wait_for_text(std::string_view text) {
        return wait([&] { return bytes_.find(text) != std::string::npos; });
    }
    [[nodiscard]] bool wait_for_refusal() {
        return wait([&] { return refused_; });
    }

    [[nodiscard]] std::string bytes() const {
        std::lock_guard const lock(mutex_);
        return bytes_;
    }
    [[nodiscard]] std::string header(std::string_view name) const {
        std::lock_guard const lock(mutex_);
        std::string const* const value = headers_.find(name);
        return value == nullptr ? "" : *value;
    }
    [[nodiscard]] int done_calls() const {
        std::lock_guard const lock(mutex_);
        return done_calls_;
    }

private:
    template <class Change>
    void change(Change make) {
        std::lock_guard const lock(mutex_);
        make();
        changed_.notify_all();
    }

    template <class Predicate>
    bool wait(Predicate predicate) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), predicate);
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    http_headers headers_;
    std::string bytes_;
    std::optional<http_result> result_;
    int done_calls_ = 0;
    bool refusing_ = false;
    bool refused_ = false;
};

} // namespace chat::testing
