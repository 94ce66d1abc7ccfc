// Calls that block, off the threads that run fibers.
//
//     std::string const text = co_await coir::blocking(read_file, path);
//
// The call runs on one of a growing, bounded set of threads. It cannot be interrupted: the fiber
// waits for its end, and is interrupted at its next interruption point.
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/runtime/blocking_threads.hpp>

#include <optional>
#include <tuple>

namespace coir::inline v0::detail {

template <class F, class... Args>
class [[nodiscard]] blocking_operation final : private runnable {
public:
    using value_type = std::invoke_result_t<F&, Args...>;
    using error_type = never;

    template <class G, class... As>
    explicit blocking_operation(std::in_place_t, G&& f, As&&... args)
        : runnable{&blocking_operation::run_call}, f_(std::forward<G>(f)), args_(std::forward<As>(args)...) {}
    blocking_operation(blocking_operation&& other) // before it begins
        : runnable{&blocking_operation::run_call}, f_(std::move(other.f_)), args_(std::move(other.args_)) {}

    status poll(fiber_base& f) {
        if (fiber_ == nullptr) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            fiber_ = &f;
            f.begin_masked_wait("a blocking call");
            try {
                blocking_threads::shared().submit(*this);
            } catch (...) { // no thread could be had; the call was not taken
                end_.emplace(outcome<value_type>::died(std::current_exception()));
                return status::defect;
            }
            return status::pending;
        }
        if (f.end_wait() == wake::none) {
            return status::pending;
        }
        return end_->is_defect() ? status::defect : status::value;
    }

    value_type get() { return std::move(*end_).value(); }
    std::exception_ptr defect() { return end_->defect(); }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    static void run_call(runnable& self) noexcept {
        auto& me = static_cast<blocking_operation&>(self);
        me.call();
        me.fiber_->fire(); // the operation may be gone afterwards
    }

    void call() noexcept {
        try {
            std::apply(
                [&](Args&... args) {
                    if constexpr (std::is_void_v<value_type>) {
                        detail::invoke(f_, std::move(args)...);
                        end_.emplace(in_place_success);
                    } else {
                        end_.emplace(in_place_success, detail::invoke(f_, std::move(args)...));
                    }
                },
                args_);
        } catch (...) {
            end_.emplace(outcome<value_type>::died(std::current_exception()));
        }
    }

    F f_;
    COIR_NO_UNIQUE_ADDRESS std::tuple<Args...> args_;
    std::optional<outcome<value_type>> end_;
    fiber_base* fiber_ = nullptr;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// `co_await blocking(f, args...)` -> what `f(args...)` returns; what it throws is a defect.
template <class F, class... Args>
    requires std::invocable<detail::stored<F>&, detail::stored<Args>...>
auto blocking(F&& f, Args&&... args) {
    COIR_CHECK_CLOSURE(F);
    COIR_CHECK_VALUES(Args);
    return detail::blocking_operation<detail::stored<F>, detail::stored<Args>...>{
        std::in_place, detail::unwrap(std::forward<F>(f)), detail::unwrap(std::forward<Args>(args))...};
}

} // namespace coir::inline v0
