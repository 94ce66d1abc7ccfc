// Work to be run: a task, or a callable that returns one, with its arguments. The callable and
// the arguments stay alive as long as the work runs, so a lambda's captures do too.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/foreign_operation.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/detail/operation.hpp>

#include <optional>
#include <tuple>
#include <utility>

namespace coir::inline v0::detail {

template <class Work, class... Args>
struct work_result {
    static_assert(std::invocable<Work&, Args...>, "coir: this takes a task, or a callable that returns one");
    using type = std::invoke_result_t<Work&, Args...>;
};
template <class Work>
    requires awaitable<Work>
struct work_result<Work> {
    using type = Work;
};

// What running the work awaits.
template <class Work, class... Args>
using work_awaitable = typename work_result<Work, Args...>::type;

template <class Work, class... Args>
concept work = (awaitable<Work> && sizeof...(Args) == 0) || requires(Work& w, Args&&... args) {
    { detail::invoke(w, std::forward<Args>(args)...) } -> awaitable;
};

template <class Work, class... Args>
class stored_work {
public:
    template <class W, class... As>
    explicit stored_work(W&& w, As&&... args) : work_(std::forward<W>(w)), args_(std::forward<As>(args)...) {}

    // Once. Throws what the callable throws.
    decltype(auto) start() {
        if constexpr (awaitable<Work>) {
            return std::move(work_);
        } else {
            return std::apply(
                [&](Args&... args) -> decltype(auto) { return detail::invoke(work_, std::move(args)...); }, args_);
        }
    }

private:
    Work work_;
    COIR_NO_UNIQUE_ADDRESS std::tuple<Args...> args_;
};

// The operation of running work in the fiber that polls it. Arguments that are known only when
// it starts are given to poll().
template <class Work, class... Late>
class invocation {
    using inner = operation_of<work_awaitable<Work, Late...>>;

public:
    using value_type = typename inner::value_type;
    using error_type = typename inner::error_type;

    template <class W>
    explicit invocation(W&& w) : work_(std::forward<W>(w)) {}

    status poll(fiber_base& f, Late... late) {
        if (!running_ && !thrown_) {
            try {
                running_.emplace(start(std::forward<Late>(late)...));
            } catch (...) {
                thrown_ = std::current_exception();
            }
        }
        return thrown_ ? status::defect : running_->poll(f);
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return running_->get();
    }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return running_->error();
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : running_->defect(); }
    fiber_id interrupted_by() { return running_->interrupted_by(); }

    // If it runs a coroutine, once polled: what owns its frame. Else null.
    completion_base* record() noexcept {
        if constexpr (std::derived_from<inner, completion_base>) {
            return running_ ? &*running_ : nullptr;
        } else {
            return nullptr;
        }
    }

private:
    inner start(Late... late) {
        if constexpr (awaitable<Work>) {
            return operation_from(std::move(work_));
        } else {
            return operation_from(detail::invoke(work_, std::forward<Late>(late)...));
        }
    }

    Work work_;
    std::optional<inner> running_;
    std::exception_ptr thrown_;
};

// A value of Op makes a T, and E takes its errors.
template <class Op, class T, class E>
inline constexpr bool fits_outcome =
    error_for<E, typename Op::error_type> && std::is_void_v<T> == std::is_void_v<typename Op::value_type> &&
    (std::is_void_v<T> || storable<T, typename Op::value_type>);

// The end of an operation as an outcome of a wider type; takes with it what finalizers threw.
template <class Outcome, class Op>
Outcome outcome_of(Op& op, status s, fiber_base& f) {
    auto make = [&]() -> Outcome {
        switch (s) {
        case status::value:
            if constexpr (std::is_void_v<typename Op::value_type>) {
                op.get();
                return Outcome::success();
            } else {
                return Outcome::success(op.get());
            }
        case status::failure:
            if constexpr (!std::same_as<typename Op::error_type, never>) {
                return Outcome::failure(convert_error<typename Outcome::error_type>(op.error()));
            } else {
                break;
            }
        case status::defect: return Outcome::died(op.defect());
        case status::interrupted: return Outcome::interrupted(op.interrupted_by());
        default: break;
        }
        return Outcome::interrupted(f.interrupted_by());
    };
    Outcome end = make();
    if constexpr (requires { op.suppressed(); }) {
        for (std::exception_ptr const& thrown : op.suppressed()) {
            end.add_suppressed(thrown);
        }
    }
    for (std::exception_ptr const& thrown : f.suppressed.view()) {
        end.add_suppressed(thrown);
    }
    f.suppressed = suppressed_list{};
    return end;
}

} // namespace coir::inline v0::detail
