// A value that changes, for those who want to know what it is now.
//
//     coir::watch<settings> config{load()};
//     config.set(load());                                            // any thread
//     auto const now = config.get();
//
//     auto mine = config.subscribe();
//     while (auto c = co_await mine.next()) apply(*c);               // the current one, then changes
//     co_await config.wait_until([](settings const& c) { return c.ready; });
//
// Readers see the newest value: of several changes between two looks they see the last one only.
// Where each value counts there is pubsub; a value that comes once is a deferred.
#pragma once

#include <coir/detail/inline_closure.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/operation.hpp>
#include <coir/detail/watch_hub.hpp>

#include <concepts>

namespace coir::inline v0 {

// What one reader has seen of a watch. Copies go on from there on their own. One fiber at a time
// uses it. It may outlive the watch, which then has ended.
template <class T>
class watch_reader {
    class next_operation {
    public:
        using value_type = std::optional<T>;
        using error_type = never;
        static constexpr bool is_leaf = true;

        explicit next_operation(watch_reader& r) noexcept : read_{*r.hub_, r.seen_} {}

        detail::status poll(detail::fiber_base& f) noexcept { return read_.poll(f); }
        value_type get() const {
            value_type value = read_.got() ? value_type{*read_.got()} : std::nullopt;
            read_.note_seen();
            return value;
        }
        std::exception_ptr defect() const noexcept { return nullptr; }
        fiber_id interrupted_by() const noexcept { return {}; }

    private:
        detail::watch_read<T> read_;
    };

public:
    using value_type = T;

    // `co_await r.next()` -> std::optional<T>: the value if it was never seen here, else as soon as
    // it is set again; nothing: the watch ended. Interrupted, or not the first of when_any and race,
    // it has seen nothing.
    [[nodiscard("it does nothing until it is awaited")]] auto next() noexcept { return next_operation{*this}; }

    // next() would not wait for a value.
    bool has_changed() const noexcept { return hub_->has_newer(seen_); }

private:
    template <class>
    friend class watch;

    explicit watch_reader(std::shared_ptr<detail::watch_hub<T>> hub) noexcept : hub_{std::move(hub)} {}

    std::shared_ptr<detail::watch_hub<T>> hub_;
    std::uint64_t seen_ = 0;
};

// T: an object type that can be copied; for what is dear to copy there is snapshot(), or
// std::shared_ptr<X const> as T. Each value is allocated once.
//
// Not movable. Every function may be called from any thread, coroutine or not. No code of users
// runs under a lock. Reading is O(1), changing O(readers that wait); they go on on their own
// schedulers. The watch ends by close() or its destructor; readers get what they have not seen,
// and then nothing.
template <class T>
class watch {
    static_assert(std::is_object_v<T> && std::copy_constructible<T>,
                  "coir: every reader of a watch gets a copy; use std::shared_ptr<T const>");
    using hub = detail::watch_hub<T>;
    using replaced = typename hub::replaced;

public:
    using value_type = T;

    // Begins with the value made from `args`, which readers see as the first.
    template <class... Args>
        requires std::constructible_from<T, Args...>
    explicit watch(Args&&... args) : hub_{std::make_shared<hub>(made(std::forward<Args>(args)...))} {}
    watch(watch const&) = delete;
    watch& operator=(watch const&) = delete;
    ~watch() { hub_->close(); }

    // The value now: a copy, or shared and never changed.
    T get() const { return *hub_->value(); }
    std::shared_ptr<T const> snapshot() const noexcept { return hub_->value(); }

    // A new value, and a change also if it is equal. False: the watch is closed and keeps its own.
    template <class U = T>
        requires std::constructible_from<T, U>
    bool set(U&& value) {
        auto next = made(std::forward<U>(value));
        return hub_->replace(nullptr, next) == replaced::done;
    }

    // Sets `f(value now)`. If another change comes in between, `f` is called again with that: it
    // must have no effects. False: as set().
    template <class F>
        requires std::constructible_from<T, std::invoke_result_t<F&, T const&>>
    bool update(F f) {
        for (;;) {
            auto const seen = hub_->value();
            auto next = made(detail::invoke(f, *seen));
            if (auto const r = hub_->replace(seen.get(), next); r != replaced::other_came) {
                return r == replaced::done;
            }
        }
    }

    // Sets `desired` if the value now equals `expected`: true.
    bool compare_and_set(T const& expected, T desired)
        requires std::equality_comparable<T>
    {
        auto next = made(std::move(desired));
        for (;;) {
            auto const seen = hub_->value();
            if (!(*seen == expected)) {
                return false;
            }
            if (auto const r = hub_->replace(seen.get(), next); r != replaced::other_came) {
                return r == replaced::done;
            }
        }
    }

    // A reader that has seen nothing yet.
    watch_reader<T> subscribe() const noexcept { return watch_reader<T>{hub_}; }

    // `co_await w.wait_until(fits)` -> std::optional<T>: the first value it sees, from the one now
    // on, for which `fits(T const&)` says true; nothing: the watch ended without. As readers do, it
    // may miss a value that is replaced at once.
    template <class F>
    auto wait_until(F&& fits) const {
        COIR_CHECK_CLOSURE(F);
        static_assert(std::same_as<std::invoke_result_t<detail::stored<F>&, T const&>, bool>,
                      "coir: wait_until takes a function of the value that returns bool");
        return detail::watch_until<T, detail::stored<F>>{hub_, detail::unwrap(std::forward<F>(fits))};
    }

    // No change any more. True: it was open.
    bool close() noexcept { return hub_->close(); }
    bool is_closed() const noexcept { return hub_->is_closed(); }

private:
    template <class... Args>
    static std::shared_ptr<T const> made(Args&&... args) {
        return std::make_shared<T const>(std::forward<Args>(args)...);
    }

    std::shared_ptr<hub> hub_;
};

template <class T>
watch(T) -> watch<T>;

} // namespace coir::inline v0
