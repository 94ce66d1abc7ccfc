// deferred::complete(work): claim first, then run the work and store how it ended.
#pragma once

#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/work.hpp>

namespace coir::inline v0::detail {

template <class T, class E, class Work>
class [[nodiscard]] complete_operation {
public:
    using value_type = bool;
    using error_type = never;

    template <class W>
    complete_operation(deferred_cell<T, E>& cell, W&& work) : cell_{&cell}, work_{std::forward<W>(work)} {}

    status poll(fiber_base& f) {
        if (!running_) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            if (!cell_->claim()) {
                return status::value;
            }
            won_ = running_ = true;
        }
        status const s = work_.poll(f);
        if (has_ended(s)) {
            cell_->store([&]() -> outcome<T, E> { return outcome_of<outcome<T, E>>(work_, s, f); });
        }
        return has_ended(s) && s != status::cancelled ? status::value : s;
    }

    bool get() const noexcept { return won_; }
    std::exception_ptr defect() const noexcept { return nullptr; }
    fiber_id interrupted_by() const noexcept { return {}; }

private:
    deferred_cell<T, E>* cell_;
    invocation<Work> work_;
    bool running_ = false;
    bool won_ = false;
};

} // namespace coir::inline v0::detail
