// The operations of putting one element, or a range of them, into a queue.
#pragma once

#include <coir/detail/queue_core.hpp>
#include <coir/detail/single_wait.hpp>
#include <coir/detail/std/ranges.hpp>

#include <exception>

namespace coir::inline v0::detail {

// What push operations share: they end as defect when memory or a user's constructor fails.
template <class T>
class push_operation : protected push_waiter<T> {
public:
    using error_type = never;

    std::exception_ptr defect() const noexcept { return thrown_; }
    fiber_id interrupted_by() const noexcept { return {}; }

protected:
    push_operation() = default;
    push_operation(push_operation&&) noexcept : push_waiter<T>() {} // before it begins there is nothing to move
    ~push_operation() = default;

    void rethrow() const {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
    }

    std::exception_ptr thrown_;
};

// The element stays where it is until the queue accepts it: either here, or, for an rvalue
// given to push, with the caller.
template <class T, class E>
class [[nodiscard("a push does nothing until it is awaited")]] queue_push final : public push_operation<T>,
                                                                                  public single_wait {
public:
    using value_type = push_status;

    queue_push(queue_core<T, E>& core, T&& item) noexcept : core_{&core}, caller_{&item} {}
    template <class... Args>
    queue_push(queue_core<T, E>& core, std::in_place_t, Args&&... args)
        : core_{&core}, own_{std::in_place, std::forward<Args>(args)...} {}
    queue_push(queue_push&&) noexcept = default;

    status poll(fiber_base& f) noexcept {
        auto const fired = [&] {
            end_ = this->accepted_ ? push_status::accepted : push_status::closed;
            return status::value;
        };
        return poll_wait(f, [&] { return begin(f); }, fired);
    }

    push_status get() const {
        this->rethrow();
        return end_;
    }

private:
    status begin(fiber_base& f) noexcept {
        try {
            end_ = core_->push_or_wait(own_ ? *own_ : *caller_, *this, f, *this);
        } catch (...) {
            this->thrown_ = std::current_exception();
            return status::defect;
        }
        return end_ == push_status::full ? status::pending : status::value;
    }

    void cancel(fiber_base& f) noexcept final {
        core_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "queue push"; }

    queue_core<T, E>* core_;
    T* caller_ = nullptr;
    std::optional<T> own_;
    push_status end_ = push_status::closed;
};

// A container that is ours gives its elements away; a view does not own them.
template <class Range>
inline constexpr bool gives_elements =
    !std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>;

template <class Range>
using pushed_element = std::conditional_t<gives_elements<Range>, std::ranges::range_rvalue_reference_t<Range>,
                                          std::ranges::range_reference_t<Range>>;

// Range: X& for one that stays with the caller, X for one that is kept here.
template <class T, class E, class Range>
class [[nodiscard("a push does nothing until it is awaited")]] queue_push_all final : private leaf,
                                                                                      public push_operation<T> {
public:
    using value_type = std::size_t;

    queue_push_all(queue_core<T, E>& core, Range&& range) : core_{&core}, range_(std::forward<Range>(range)) {}
    queue_push_all(queue_push_all&& other)
        : leaf(), push_operation<T>(std::move(other)), core_{other.core_}, range_(std::forward<Range>(other.range_)) {}

    status poll(fiber_base& f) noexcept {
        if (!waits_) {
            return f.cancel_requested() ? status::cancelled : go_on(f);
        }
        switch (f.end_wait()) {
        case wake::none: return status::pending;
        case wake::cancelled: return status::cancelled;
        case wake::fired: break;
        }
        waits_ = false;
        if (!this->accepted_) {
            return status::value;
        }
        ++count_;
        return go_on(f);
    }

    std::size_t get() const {
        this->rethrow();
        return count_;
    }

private:
    status go_on(fiber_base& f) noexcept {
        try {
            return push_rest(f);
        } catch (...) {
            this->thrown_ = std::current_exception();
            return status::defect;
        }
    }

    status push_rest(fiber_base& f) {
        while (advance()) {
            push_status const pushed = core_->push_or_wait(*current_, *this, f, *this);
            if (pushed == push_status::full) {
                waits_ = true;
                return status::pending;
            }
            if (pushed == push_status::closed) {
                break;
            }
            count_ += pushed ? 1 : 0;
        }
        return status::value;
    }

    // Makes the next element; false at the end.
    bool advance() {
        if (next_) {
            ++*next_;
        } else {
            next_.emplace(std::ranges::begin(range_));
        }
        if (*next_ == std::ranges::end(range_)) {
            return false;
        }
        if constexpr (gives_elements<Range>) {
            current_.emplace(std::ranges::iter_move(*next_));
        } else {
            current_.emplace(**next_);
        }
        return true;
    }

    void cancel(fiber_base& f) noexcept final {
        core_->withdraw(*this);
        f.wake_cancelled();
    }
    char const* what() const noexcept final { return "queue push"; }

    queue_core<T, E>* core_;
    Range range_;
    std::optional<std::ranges::iterator_t<Range>> next_;
    std::optional<T> current_;
    std::size_t count_ = 0;
    bool waits_ = false;
};

} // namespace coir::inline v0::detail
