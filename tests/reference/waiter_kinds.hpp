// The waiter list of a deferred and its reference under one roof, for tests that do the same to
// both: a kind has a `list`, and a `waiter` that passes on what it is told to a Listener, which has
// fired(bool abandoned) and removed(), and may destroy the waiter in them.
#pragma once

#include <coir/detail/waiter_list.hpp>

#include "reference/mutex_deferred.hpp"

namespace coir_test {

template <class Listener>
struct lock_free_kind {
    class waiter final : public coir::detail::waiter {
    public:
        explicit waiter(Listener& to) noexcept : to_{&to} {}
        void fired(coir::detail::firing how) noexcept override { to_->fired(how.is_abandoned()); }
        void removed() noexcept override { to_->removed(); }

    private:
        Listener* to_;
    };
    using list = coir::detail::waiter_list;
};

template <class Listener>
struct mutex_kind {
    class waiter {
    public:
        explicit waiter(Listener& to) noexcept : to_{&to} {}
        void fired(bool abandoned) { to_->fired(abandoned); }
        void removed() { to_->removed(); }

    private:
        Listener* to_;
    };
    using list = mutex_waiter_list<waiter>;
};

} // namespace coir_test
