// A published value, shared by those who have not read it yet.
//
// References are dropped under the lock of a hub, where the value must not be destroyed: that is
// the user's code. A message_bin takes them there and destroys what nobody holds afterwards.
#pragma once

#include <coir/detail/atomic.hpp>
#include <coir/detail/pooled.hpp>
#include <coir/detail/ring.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace coir::inline v0::detail {

template <class T>
class message : public pooled {
public:
    message() = default;
    template <class... Args>
    explicit message(std::in_place_t, Args&&... args) : value{std::in_place, std::forward<Args>(args)...} {}

    std::optional<T> value; // empty until the message is accepted, then only read

private:
    template <class>
    friend class message_ptr;
    template <class>
    friend class message_bin;

    atomic<std::size_t> references_{1};
    message* next_ = nullptr; // in a bin
};

template <class T>
class message_ptr {
public:
    message_ptr() = default;
    // Takes over the first reference.
    explicit message_ptr(message<T>* m) noexcept : message_{m} {}
    message_ptr(message_ptr const& other) noexcept : message_{other.message_} {
        if (message_ != nullptr) {
            message_->references_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    message_ptr(message_ptr&& other) noexcept : message_{std::exchange(other.message_, nullptr)} {}
    message_ptr& operator=(message_ptr other) noexcept {
        std::swap(message_, other.message_);
        return *this;
    }
    ~message_ptr() {
        if (release()) {
            delete message_;
        }
    }

    explicit operator bool() const noexcept { return message_ != nullptr; }
    message<T>& operator*() const noexcept { return *message_; }
    message<T>* operator->() const noexcept { return message_; }

    // acquire: pairs with the release of those who had it before; it can be moved from.
    bool is_only_one() const noexcept { return message_->references_.load(std::memory_order_acquire) == 1; }

private:
    template <class>
    friend class message_bin;

    // acq_rel: the last one has seen the end of all use.
    bool release() noexcept {
        return message_ != nullptr && message_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

    message<T>* message_ = nullptr;
};

// Declared before the lock is taken, like a wake_batch.
template <class T>
class message_bin {
public:
    message_bin() = default;
    message_bin(message_bin const&) = delete;
    message_bin& operator=(message_bin const&) = delete;
    ~message_bin() {
        while (first_ != nullptr) {
            delete std::exchange(first_, first_->next_);
        }
    }

    void drop(message_ptr<T>&& m) noexcept {
        if (m.release()) {
            m.message_->next_ = std::exchange(first_, m.message_);
        }
        m.message_ = nullptr;
    }

private:
    message<T>* first_ = nullptr;
};

// A message and, until it is accepted, where its value still is.
template <class T>
class sealed_message {
public:
    explicit sealed_message(T&& source) : message_{new message<T>}, source_{&source} {}
    template <class... Args>
    explicit sealed_message(std::in_place_t, Args&&... args)
        : message_{new message<T>{std::in_place, std::forward<Args>(args)...}} {}

    // Moves the value in; undoes that.
    message_ptr<T> const& seal() noexcept {
        if (source_ != nullptr) {
            message_->value.emplace(std::move(*source_));
        }
        return message_;
    }
    void unseal() noexcept {
        if (source_ != nullptr) {
            put_back(*source_, std::move(*message_->value));
            message_->value.reset();
        }
    }

private:
    message_ptr<T> message_;
    T* source_ = nullptr;
};

} // namespace coir::inline v0::detail
