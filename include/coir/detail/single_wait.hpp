// The base of a leaf operation that waits once at most.
#pragma once

#include <coir/detail/fiber_base.hpp>

namespace coir::inline v0::detail {

class single_wait : protected leaf {
public:
    static constexpr bool is_leaf = true;

protected:
    single_wait() = default;
    single_wait(single_wait&&) noexcept : leaf{} {} // before it begins there is nothing to move
    ~single_wait() = default;

    // `begin()` registers and says pending, or how it ended at once; `fired()` says how it ended
    // after it was woken.
    template <class Begin, class Fired>
    status poll_wait(fiber_base& f, Begin begin, Fired fired) noexcept {
        if (!begun_) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            begun_ = true;
            return begin();
        }
        switch (f.end_wait()) {
        case wake::none: return status::pending;
        case wake::cancelled: return status::cancelled;
        case wake::fired: break;
        }
        return fired();
    }

private:
    bool begun_ = false;
};

} // namespace coir::inline v0::detail
