// Of several fibers, the first that failed or died, and what came after that or beside it.
#pragma once

#include <coir/detail/outcome_view.hpp>
#include <coir/detail/spin_lock.hpp>
#include <coir/detail/suppressed_list.hpp>
#include <coir/outcome.hpp>
#include <coir/suppressed_failure.hpp>

#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <span>

namespace coir::inline v0::detail {

template <class E>
class first_cause {
public:
    // A fiber has ended so; on any thread. True: that is the cause.
    template <class Outcome>
    bool add(Outcome const& end) noexcept {
        if ((end.is_failure() || end.is_defect()) && try_be_cause(end)) {
            return true;
        }
        add_later(end);
        return false;
    }

    // Once all have ended; null: all ended well, or were interrupted.
    outcome<void, E>* get() noexcept { return cause_ ? &*cause_ : nullptr; }
    std::span<std::exception_ptr const> later() const noexcept { return later_.view(); }

private:
    template <class Outcome>
    bool try_be_cause(Outcome const& end) noexcept {
        std::lock_guard guard{lock_};
        if (cause_) {
            return false;
        }
        try {
            if constexpr (!std::same_as<typename Outcome::error_type, never>) {
                if (end.is_failure()) {
                    cause_.emplace(outcome<void, E>::failure(convert_error<E>(end.error())));
                }
            }
            if (!cause_) {
                cause_.emplace(outcome<void, E>::died(end.defect()));
            }
        } catch (...) { // copying the error threw
            cause_.emplace(outcome<void, E>::died(std::current_exception()));
        }
        add_suppressed(end.suppressed());
        return true;
    }

    // Also what finalizers threw in one that was interrupted.
    template <class Outcome>
    void add_later(Outcome const& end) noexcept {
        std::exception_ptr const thrown = detail::as_thrown(end, detail::status_of(end.kind()));
        if (!thrown && end.suppressed().empty()) {
            return;
        }
        std::lock_guard guard{lock_};
        add_suppressed({&thrown, thrown ? 1U : 0U});
        add_suppressed(end.suppressed());
    }
    void add_suppressed(std::span<std::exception_ptr const> thrown) noexcept {
        try {
            for (std::exception_ptr const& t : thrown) {
                later_.add(t);
            }
        } catch (std::bad_alloc const&) { // the first cause is reported all the same
        }
    }

    spin_lock lock_;
    std::optional<outcome<void, E>> cause_;
    suppressed_list later_;
};

} // namespace coir::inline v0::detail
