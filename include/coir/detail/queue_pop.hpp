// The operations of taking elements out of a queue, and of waiting until it is drained.
#pragma once

#include <coir/detail/queue_core.hpp>
#include <coir/detail/single_wait.hpp>
#include <coir/detail/std/algorithm.hpp>

#include <exception>
#include <vector>

namespace coir::inline v0::detail {

// What a pop takes, for try_pop and, with a fiber that waits, for queue_pop.
template <class T, class E>
class take_one : public pop_waiter<T, E> {
public:
    using result = std::optional<T>;
    using error_type = E;
    using core_type = queue_core<T, E>;

    take_one() noexcept : pop_waiter<T, E>{1, 1} {}

    result&& taken() noexcept { return std::move(item_); }

    void reserve(std::size_t) noexcept final {}
    std::size_t room() const noexcept final { return 1; }
    void take(ring<T>& items) noexcept final { item_.emplace(items.pop_front()); }
    void give_back(ring<T>& items) noexcept final {
        items.push_front(std::move(*item_));
        item_.reset();
    }

protected:
    take_one(take_one&&) noexcept : take_one{} {} // before it begins there is nothing to move

private:
    std::optional<T> item_;
};

template <class T, class E>
class take_many : public pop_waiter<T, E> {
public:
    using result = std::vector<T>;
    using error_type = E;
    using core_type = queue_core<T, E>;

    using pop_waiter<T, E>::pop_waiter;

    result&& taken() noexcept { return std::move(items_); }

    // At least doubled, as more may come while memory is got: then the next try will do.
    void reserve(std::size_t count) final { items_.reserve((std::max)(count, items_.capacity() * 2)); }
    std::size_t room() const noexcept final { return items_.capacity(); }
    void take(ring<T>& items) noexcept final {
        std::size_t const count = (std::min)(this->most(), (std::min)(items.size(), items_.capacity()));
        while (items_.size() < count) {
            items_.push_back(items.pop_front());
        }
    }
    void give_back(ring<T>& items) noexcept final {
        while (!items_.empty()) {
            items.push_front(T(std::move(items_.back())));
            items_.pop_back();
        }
    }

protected:
    take_many(take_many&&) noexcept = default;

private:
    std::vector<T> items_;
};

template <class Take>
class [[nodiscard("a pop does nothing until it is awaited")]] queue_pop final : private Take, public single_wait {
public:
    using value_type = typename Take::result;
    using error_type = typename Take::error_type;

    template <class... Args>
    explicit queue_pop(typename Take::core_type& core, Args... args) noexcept : Take(args...), core_{&core} {}
    queue_pop(queue_pop&&) noexcept = default;

    status poll(fiber_base& f) noexcept {
        return poll_wait(f, [&] { return begin(f); }, [&] { return end(); });
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return this->taken();
    }
    error_type const& error() const noexcept
        requires(!std::same_as<error_type, never>)
    {
        return *this->error_of_queue();
    }
    std::exception_ptr defect() const noexcept { return thrown_; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    status begin(fiber_base& f) noexcept {
        try {
            return core_->pop_or_wait(static_cast<Take&>(*this), f, *this) ? end() : status::pending;
        } catch (...) {
            thrown_ = std::current_exception();
            return status::defect;
        }
    }

    status end() const noexcept { return this->error_of_queue() != nullptr ? status::failure : status::value; }

    void cancel(fiber_base& f) noexcept final {
        core_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "queue pop"; }

    typename Take::core_type* core_;
    std::exception_ptr thrown_;
};

template <class T, class E>
class [[nodiscard("it does nothing until it is awaited")]] queue_drained final : public single_wait,
                                                                                 private drain_waiter {
public:
    using value_type = void;
    using error_type = never;

    explicit queue_drained(queue_core<T, E>& core) noexcept : core_{&core} {}
    queue_drained(queue_drained&& other) noexcept : single_wait(), drain_waiter(), core_{other.core_} {}

    status poll(fiber_base& f) noexcept {
        return poll_wait(
            f, [&] { return core_->drained_or_wait(*this, f, *this) ? status::value : status::pending; },
            [] { return status::value; });
    }

    void get() const noexcept {}
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    void cancel(fiber_base& f) noexcept final {
        core_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "the end of a queue"; }

    queue_core<T, E>* core_;
};

} // namespace coir::inline v0::detail
