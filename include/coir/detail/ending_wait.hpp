// Waiting for something that ends in any case, and that an interruption asks to end sooner: the
// fiber does not go on before it has.
#pragma once

#include <coir/detail/wait_leaf.hpp>

#include <cstdint>

namespace coir::inline v0::detail {

class ending_wait {
public:
    ending_wait() = default;
    ending_wait(ending_wait&&) noexcept {} // before it waits there is nothing to move

    // True: it has ended. False: pending; poll again. `ask` is called at most once, when the fiber
    // is interrupted first; from then on the wait is masked.
    template <class Ask>
    bool poll(fiber_base& f, waiter_list& end, Ask ask) {
        if (!is_masked_) {
            switch (waiting_.poll(f, end)) {
            case wait_leaf::progress::pending: return false;
            case wait_leaf::progress::abandoned: // not while we keep what ends
            case wait_leaf::progress::ready: return true;
            case wait_leaf::progress::cancelled: break;
            }
            ask();
            shield_before_ = f.mask();
            is_masked_ = true;
        }
        if (masked_.poll(f, end) == wait_leaf::progress::pending) {
            return false;
        }
        f.set_shield(shield_before_);
        return true;
    }

private:
    wait_leaf waiting_;
    wait_leaf masked_;
    bool is_masked_ = false;
    std::uint32_t shield_before_ = 0;
};

} // namespace coir::inline v0::detail
