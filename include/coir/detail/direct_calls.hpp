// Frames that are resumed by the operation that calls them, instead of by the run loop.
#pragma once

#include <coir/detail/fiber_base.hpp>

namespace coir::inline v0::detail {

// Calls of one poll, one after the other. Their depth is bounded, and so are the transfers of all
// frames on the native stack together: who is too deep goes on in the run loop.
class direct_calls {
public:
    explicit direct_calls(fiber_base& f) noexcept : fiber_{f}, below_{f.top_}, too_deep_{f.direct_calls_ == deepest} {
        f.direct_calls_ += too_deep_ ? 0 : 1;
    }
    ~direct_calls() { fiber_.direct_calls_ -= too_deep_ ? 0 : 1; }
    direct_calls(direct_calls const&) = delete;
    direct_calls& operator=(direct_calls const&) = delete;

    // value: the frame returned or yielded, and has left the fiber's stack. Else it is on it,
    // and this is what poll has to say.
    COIR_FUSED status operator()(frame& callee, completion_base& record) noexcept {
        // push_frame(), which would load the caller again: that takes as long as all the rest.
        callee.caller = below_;
        callee.fiber = &fiber_;
        callee.completion = &record;
        if (too_deep_) [[unlikely]] {
            fiber_.top_ = &callee;
            return status::call;
        }
        return again(callee);
    }

    // The same for a frame that was called from here and has yielded, if calls are not too deep.
    COIR_FUSED status again(frame& callee) noexcept {
        fiber_.top_ = &callee;
        callee.handle.resume();
        return fiber_.last_ == status::value && fiber_.top_ == below_ ? status::value : fiber_.go_on_above(below_);
    }
    bool are_too_deep() const noexcept { return too_deep_; }

private:
    static constexpr unsigned deepest = 30;

    fiber_base& fiber_;
    frame* const below_;
    bool const too_deep_;
};

} // namespace coir::inline v0::detail
