// What comes after the first cause, kept beside it: for operations that run several things at once.
//
//     add_later(f, end.suppressed());             // of the first cause
//     add_later(f, as_thrown(other, s));          // one that ended after it
#pragma once

#include <coir/detail/fiber_base.hpp>
#include <coir/detail/outcome_view.hpp>
#include <coir/suppressed_failure.hpp>

#include <exception>
#include <new>
#include <span>

namespace coir::inline v0::detail {

// Where there is no memory for it, the first cause is reported all the same.
inline void add_later(fiber_base& f, std::exception_ptr const& thrown) noexcept {
    try {
        if (thrown) {
            f.suppressed.add(thrown);
        }
    } catch (std::bad_alloc const&) {
        return;
    }
}
inline void add_later(fiber_base& f, std::span<std::exception_ptr const> thrown) noexcept {
    for (std::exception_ptr const& t : thrown) {
        add_later(f, t);
    }
}

// Of a member of a group, when all have ended.
template <class Member>
COIR_NOINLINE void add_later_end(fiber_base& f, Member& m, bool is_cause) noexcept {
    if (!m.is_started()) {
        return;
    }
    auto const& end = m.end();
    if (!is_cause) {
        add_later(f, detail::as_thrown(end, status_of(end.kind())));
    }
    add_later(f, end.suppressed());
}

} // namespace coir::inline v0::detail
