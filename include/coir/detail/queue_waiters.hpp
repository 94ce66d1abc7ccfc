// Who waits at a queue, and what it is handed.
#pragma once

#include <coir/detail/ring.hpp>
#include <coir/detail/waiting_line.hpp>
#include <coir/outcome.hpp>

#include <memory>

namespace coir::inline v0::detail {

// Why a queue ended, if not by close(). Shared, as every pop gets it, even after the queue.
template <class E>
struct queue_error {
    using type = std::shared_ptr<E const>;
};
template <>
struct queue_error<never> {
    using type = std::nullptr_t;
};
template <class E>
using queue_error_t = typename queue_error<E>::type;

template <class T>
class push_waiter : public line_waiter {
protected:
    push_waiter() = default;
    push_waiter(push_waiter&&) = default;
    ~push_waiter() = default;

private:
    template <class, class>
    friend class queue_core;

    T* item_ = nullptr;

protected:
    bool accepted_ = false; // when it was fired: accepted or else closed
};

// Wants between `least` and `most` elements.
template <class T, class E>
class pop_waiter : public line_waiter {
public:
    pop_waiter(std::size_t least, std::size_t most) noexcept : least_{least}, most_{most} {}

    // Makes room for what is taken, outside the lock, so that take() need not. May throw.
    virtual void reserve(std::size_t count) = 0;
    virtual std::size_t room() const noexcept = 0;
    // Moves what it gets out of the front of `items`; undoes that.
    virtual void take(ring<T>& items) noexcept = 0;
    virtual void give_back(ring<T>& items) noexcept = 0;

protected:
    pop_waiter(pop_waiter&&) = default;
    ~pop_waiter() = default;

    std::size_t most() const noexcept { return most_; }
    queue_error_t<E> const& error_of_queue() const noexcept { return error_; }

private:
    template <class, class>
    friend class queue_core;

    std::size_t least_;
    std::size_t most_;
    queue_error_t<E> error_{}; // it got nothing, as the queue failed
};

// Waits for the end of the queue.
class drain_waiter : public line_waiter {
protected:
    drain_waiter() = default;
    ~drain_waiter() = default;
};

} // namespace coir::inline v0::detail
