// The operations of awaiting a deferred.
#pragma once

#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/outcome_view.hpp>
#include <coir/detail/wait_leaf.hpp>

#include <memory>
#include <stdexcept>

namespace coir::inline v0 {

template <class T, class E>
class deferred;

// The value of a deferred had been moved out before.
class already_taken : public std::logic_error {
public:
    already_taken() : std::logic_error{"coir: the value was taken before"} {}
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class T, class E>
class [[nodiscard]] deferred_wait : public outcome_view<deferred_wait<T, E>, T, E> {
public:
    static constexpr bool is_leaf = true;
    explicit deferred_wait(deferred_cell<T, E>& cell) noexcept : cell_{&cell} {}

    status poll(fiber_base& f) noexcept {
        switch (leaf_.poll(f, cell_->waiters())) {
        case wait_leaf::progress::pending: return status::pending;
        case wait_leaf::progress::cancelled: cell_ = nullptr; return status::cancelled;
        case wait_leaf::progress::abandoned: cell_ = nullptr; return status::interrupted;
        case wait_leaf::progress::ready: break;
        }
        return status_of(cell_->end().kind());
    }
    outcome<T, E> const* shown() const noexcept { return cell_ != nullptr ? &cell_->end() : nullptr; }

protected:
    deferred_cell<T, E>& cell() noexcept { return *cell_; }

private:
    deferred_cell<T, E>* cell_; // null: given up, or it was destroyed
    wait_leaf leaf_;
};

template <class T, class E>
class [[nodiscard]] shared_deferred_wait : public deferred_wait<T, E> {
public:
    explicit shared_deferred_wait(std::shared_ptr<deferred<T, E> const> d)
        : deferred_wait<T, E>{d->coir_operation()}, keep_{std::move(d)} {}

private:
    std::shared_ptr<deferred<T, E> const> keep_;
};

// For who awaits by a handle that is gone afterwards.
template <class T, class E>
class [[nodiscard]] shared_deferred_copy final : public shared_deferred_wait<T, E> {
public:
    using value_type = T;
    using shared_deferred_wait<T, E>::shared_deferred_wait;

    T get() const { return shared_deferred_wait<T, E>::get(); }
};

// Of an object that can be copied a copy, else what others see.
template <class T, class E>
auto wait_by_temporary(std::shared_ptr<deferred<T, E> const> d) {
    if constexpr (std::is_object_v<T> && std::copy_constructible<T>) {
        return shared_deferred_copy<T, E>{std::move(d)};
    } else {
        return shared_deferred_wait<T, E>{std::move(d)};
    }
}

template <class T, class E>
class [[nodiscard]] deferred_take : public deferred_wait<T, E> {
public:
    using value_type = T;

    explicit deferred_take(deferred_cell<T, E>& cell) noexcept : deferred_wait<T, E>{cell} {}

    // A second take is a defect.
    T get() {
        auto& end = this->cell().end();
        if (end.is_success() && !this->cell().take()) {
            throw already_taken{};
        }
        return std::move(end).value();
    }
};

} // namespace coir::inline v0::detail
