// deferred::complete(work): claim first, then run the work and store how it ended.
#pragma once

#include <coir/detail/deferred_cell.hpp>
#include <coir/detail/inline_closure.hpp>
#include <coir/detail/work.hpp>

#include <memory>

namespace coir::inline v0 {
template <class T, class E>
class deferred;
}

namespace coir::inline v0::detail {

template <class T, class E, class Work>
class [[nodiscard]] complete_operation {
    static_assert(fits_outcome<invocation<Work>, T, E>,
                  "coir: the work that completes a deferred gives a T, with errors that fit E");

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

template <class T, class E, class Work>
class [[nodiscard]] shared_complete_operation : public complete_operation<T, E, Work> {
public:
    template <class W>
    shared_complete_operation(std::shared_ptr<deferred<T, E>> d, W&& work)
        : complete_operation<T, E, Work>{d->get_cell(), std::forward<W>(work)}, keep_{std::move(d)} {}

private:
    std::shared_ptr<deferred<T, E>> keep_;
};

} // namespace coir::inline v0::detail
