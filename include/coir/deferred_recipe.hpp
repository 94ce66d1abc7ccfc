// A deferred that is completed with how to get the value: every awaiter gets it anew.
//
//     coir::deferred_recipe<token, auth_error> login;
//     login.complete_with([&] { return client.new_token(); });     // nothing runs yet
//     token mine = co_await login;                                 // runs it; the next one too
//
// Use it where a value cannot be shared or goes stale. To run something once, for all, see
// deferred::complete.
#pragma once

#include <coir/deferred.hpp>
#include <coir/detail/chain_operation.hpp>
#include <coir/detail/recipe.hpp>

namespace coir::inline v0 {

// As deferred: not movable, any thread, the first to complete it wins and gets true, a loser's
// arguments stay untouched. An await gives T by value: from a run of the recipe in the awaiting
// fiber, or a copy of the value it was completed with. It must outlive the awaits.
template <class T = void, class E = never>
class deferred_recipe {
    using recipe = detail::recipe<T, E>;

public:
    using value_type = T;
    using error_type = E;

    deferred_recipe() = default;
    deferred_recipe(deferred_recipe const&) = delete;
    deferred_recipe& operator=(deferred_recipe const&) = delete;

    // `factory()` returns a task, or another awaitable, of T with errors that fit E. It is called
    // once per await, by several at a time if they run on several threads, as const.
    template <class Factory>
    bool complete_with(Factory&& factory) {
        static_assert(recipe::template is_factory<detail::stored<Factory> const>,
                      "coir: complete_with takes a factory that returns an awaitable of T, with errors that fit E");
        return made_.succeed(detail::from_factory, detail::unwrap(std::forward<Factory>(factory)));
    }

    // Each await copies the value.
    template <class... Args>
    bool succeed(Args&&... args) {
        static_assert(std::is_void_v<T> || std::copy_constructible<T>,
                      "coir: each await of a deferred_recipe copies the value; complete it with a factory");
        static_assert(detail::storable<T, Args...>, "coir: the T of this deferred is not made from these arguments");
        return made_.succeed(detail::from_value, std::forward<Args>(args)...);
    }
    template <class... Args>
    bool fail(Args&&... args) {
        static_assert(std::constructible_from<E, Args...>,
                      "coir: the E of this deferred is not made from these arguments; with never it cannot fail");
        return made_.fail(std::forward<Args>(args)...);
    }
    bool die(std::exception_ptr defect) noexcept { return made_.die(std::move(defect)); }
    bool interrupt() noexcept { return made_.interrupt(); }
    bool done(outcome<T, E>&& end) {
        return made_.get_cell().complete_by([&] { return recipe::outcome_for(std::move(end)); });
    }
    bool done(outcome<T, E> const& end) {
        return made_.get_cell().complete_by([&] { return recipe::outcome_for(outcome<T, E>{end}); });
    }

    // `co_await r.complete(work)`: claims it, runs `work` here and stores how it ended.
    template <class Work>
    auto complete(Work&& work) {
        COIR_CHECK_CLOSURE(Work);
        return made_.complete(recipe::from_work(detail::unwrap(std::forward<Work>(work))));
    }

    bool is_done() const noexcept { return made_.is_done(); }

    void wait() const { made_.wait(); }
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> d) const {
        return made_.wait_for(d);
    }
    bool wait_until(std::chrono::steady_clock::time_point t) const { return made_.wait_until(t); }
    std::size_t waiter_count() const noexcept { return made_.waiter_count(); }

    auto coir_operation() const& noexcept {
        using run_when_done = detail::and_then_operation<detail::deferred_wait<recipe, E>, detail::run_recipe>;
        return run_when_done{made_.coir_operation(), detail::run_recipe{}};
    }

private:
    deferred<recipe, E> made_;
};

} // namespace coir::inline v0
