// The operation of from_callback.
//
// The callback completes a deferred that is shared with it. Whoever claims that first has won: the
// callback, or the fiber, which claims it as interrupted before it runs the canceller.
#pragma once

#include <coir/detail/canceller.hpp>
#include <coir/detail/ending_wait.hpp>
#include <coir/detail/invoke.hpp>
#include <coir/shared_deferred.hpp>
#include <coir/task.hpp>

#include <memory>
#include <optional>

namespace coir::inline v0::detail {

// A completer of `to` whose last copy takes the hope of completing it along.
template <class T, class E>
deferred_completer<T, E> last_hope_of(std::shared_ptr<deferred<T, E>> const& to) {
    auto const give_up = [to](deferred<T, E>*) noexcept { to->interrupt(); };
    return deferred_completer<T, E>{std::shared_ptr<deferred<T, E>>{to.get(), give_up}};
}

template <class T, class E, class F>
class [[nodiscard]] callback_operation {
    using returned = std::invoke_result_t<F&, deferred_completer<T, E>>;
    static constexpr bool has_canceller = !std::is_void_v<returned>;
    using canceller = canceller_of<returned>;
    static_assert(is_canceller<canceller>,
                  "coir: the registration returns void, or a canceller: a callable without arguments that returns "
                  "void or a task<void, never>");

public:
    using value_type = T;
    using error_type = E;

    template <class G>
    explicit callback_operation(std::in_place_t, G&& registration) : register_(std::forward<G>(registration)) {}
    callback_operation(callback_operation&& other) : register_(std::move(other.register_)) {} // before it begins

    status poll(fiber_base& f) {
        if (phase_ == phase::before) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            if (!begin(f)) {
                return status::defect;
            }
            phase_ = phase::waiting;
        }
        if (phase_ == phase::waiting) {
            bool const ended = wait_.poll(f, result_->get_cell().waiters(), [this] { lost_ = result_->interrupt(); });
            if (!ended) {
                return status::pending;
            }
            phase_ = lost_ ? phase::cancelling : phase::ended;
            if (!has_canceller) {
                f.set_shield(shield_before_);
            }
        }
        return phase_ == phase::cancelling ? poll_canceller(f) : status_of(result_->poll()->kind());
    }

    T get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return std::move(end()).value();
    }
    E&& error() noexcept
        requires(!std::same_as<E, never>)
    {
        return std::move(end()).error();
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : end().defect(); }
    fiber_id interrupted_by() { return end().interrupted_by(); }

private:
    enum class phase : unsigned char { before, waiting, cancelling, ended };

    bool begin(fiber_base& f) {
        try {
            result_ = std::make_shared<deferred<T, E>>();
            call();
        } catch (...) {
            thrown_ = std::current_exception();
            if (result_) {
                result_->interrupt();
            }
            return false;
        }
        if (!has_canceller) {
            shield_before_ = f.mask();
        }
        return true;
    }
    void call() {
        if constexpr (has_canceller) {
            canceller_.emplace(canceller_finalizer<canceller>{detail::invoke(register_, last_hope_of(result_))});
        } else {
            detail::invoke(register_, last_hope_of(result_));
        }
    }

    status poll_canceller(fiber_base& f) {
        if constexpr (has_canceller) {
            status const s = canceller_->poll(f);
            if (!has_ended(s)) {
                return s;
            }
            if (s == status::defect) {
                return canceller_->settle(f, status::cancelled);
            }
        }
        return status::cancelled;
    }

    outcome<T, E>& end() noexcept { return result_->get_cell().end(); }

    F register_;
    std::shared_ptr<deferred<T, E>> result_;
    std::optional<typename finalizing_canceller<canceller>::type> canceller_;
    ending_wait wait_;
    std::exception_ptr thrown_; // by the registration
    std::uint32_t shield_before_ = 0;
    phase phase_ = phase::before;
    bool lost_ = false; // the fiber claimed the result before the callback did
};

} // namespace coir::inline v0::detail
