// A value that belongs to a fiber and to everything it starts: a request id, a log context.
//
//     coir::fiber_local<std::string> const request{"no request"};
//
//     void log(std::string_view line) { std::clog << request.get() << ": " << line << '\n'; }
//     co_await request.with("17", handle, connection);    // every log() in there says 17
//
// A value is bound for the time of an await and not set: it is the old one again on every path
// out, and nobody who calls log() hands anything on. Fibers inherit what is bound where they are
// started: fork, s.fork, members of when_all and race, of groups, and daemons.
#pragma once

#include <coir/detail/fiber_locals.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/work.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace coir::inline v0::detail {

// Not an address, which another fiber_local may have later.
COIR_SHARED inline std::uint64_t next_local_key() noexcept {
    static constinit atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

struct release_local {
    void operator()(local_value* v) const noexcept { v->release(); }
};
using local_ref = std::unique_ptr<local_value, release_local>;

// Runs work while a value is bound.
template <class Work>
class [[nodiscard("coir: nothing is bound until this is awaited")]] bound_operation {
    using inner = invocation<Work>;

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;

    template <class W>
    bound_operation(local_ref v, W&& work) : value_{std::move(v)}, run_(std::forward<W>(work)) {}

    status poll(fiber_base& f) {
        if (value_) {
            if (!bind(f)) {
                return status::defect;
            }
        }
        status const s = run_.poll(f);
        if (has_ended(s)) {
            f.locals = std::move(outside_);
        }
        return s;
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return run_.get();
    }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return run_.error();
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : run_.defect(); }
    fiber_id interrupted_by() { return run_.interrupted_by(); }

private:
    bool bind(fiber_base& f) noexcept {
        try {
            outside_ = std::exchange(f.locals, f.locals.with(*value_));
            value_.reset(); // the fiber has it
            return true;
        } catch (...) { // no memory
            thrown_ = std::current_exception();
            return false;
        }
    }

    local_ref value_; // until it is bound
    fiber_locals outside_;
    inner run_;
    std::exception_ptr thrown_;
};

template <class F, class... Args>
class bound_call {
public:
    template <class G, class... As>
    explicit bound_call(G&& f, As&&... args) : stored_(std::forward<G>(f), std::forward<As>(args)...) {}
    decltype(auto) operator()() { return stored_.start(); }

private:
    stored_work<F, Args...> stored_;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// T: any object type; its values are only read, by many fibers at once. One that is destroyed
// leaves fibers with values that nobody can ask for any more. Neither copied nor moved.
template <class T>
class fiber_local {
public:
    using value_type = T;

    // What get() gives where nothing is bound.
    template <class... Args>
        requires std::constructible_from<T, Args...>
    explicit fiber_local(Args&&... otherwise) : default_(T(std::forward<Args>(otherwise)...)) {}
    fiber_local(fiber_local const&) = delete;
    fiber_local& operator=(fiber_local const&) = delete;

    // The value that is bound in the current fiber, else the default; outside a fiber - in plain
    // threads, in blocking() - the default. In plain code, from any thread. The reference is good
    // until the binding ends, in the code around with(), and in a fiber that inherited the value
    // until that fiber ends. O(number of fiber_locals that the fiber has bound).
    T const& get() const noexcept {
        detail::fiber_base const* const f = detail::this_worker().fiber;
        detail::local_value const* const v = f != nullptr ? f->locals.find(key_) : nullptr;
        return v != nullptr ? static_cast<detail::local_box<T> const*>(v)->value : default_;
    }
    T const& operator*() const noexcept { return get(); }
    T const* operator->() const noexcept { return std::addressof(get()); }

    // `co_await local.with(value, work, args...)`: runs `work` - an awaitable, or a callable that
    // returns one and its arguments - here, with the value bound, and ends as it does. What it
    // starts inherits the value, and may keep it longer. What making the value throws is thrown
    // by the call. Two allocations; O(number of fiber_locals that the fiber has bound).
    template <class V, awaitable A>
        requires std::constructible_from<T, V>
    auto with(V&& value, A&& aw) const {
        COIR_CHECK_VALUE(V);
        return detail::bound_operation<detail::operation_of<A>>{bind(std::forward<V>(value)),
                                                                detail::to_operation(std::forward<A>(aw))};
    }
    template <class V, class Work, class... Args>
        requires std::constructible_from<T, V> &&
                 (!awaitable<Work>) && detail::work<detail::stored<Work>, detail::stored<Args>...>
    auto with(V&& value, Work&& work, Args&&... args) const {
        COIR_CHECK_VALUE(V);
        COIR_CHECK_CLOSURE(Work);
        COIR_CHECK_VALUES(Args);
        using call = detail::bound_call<detail::stored<Work>, detail::stored<Args>...>;
        return detail::bound_operation<call>{
            bind(std::forward<V>(value)),
            call{detail::unwrap(std::forward<Work>(work)), detail::unwrap(std::forward<Args>(args))...}};
    }

private:
    template <class V>
    detail::local_ref bind(V&& value) const {
        return detail::local_ref{new detail::local_box<T>{key_, std::forward<V>(value)}};
    }

    std::uint64_t const key_ = detail::next_local_key();
    T const default_;
};

} // namespace coir::inline v0
