// A resource as a stream: acquire_release.
//
//     streams::acquire_release(open_file(path), close_file) | streams::flat_map(lines_of)
//
// It is released when the stream is closed, so after all that the stages below made of it.
#pragma once

#include <coir/detail/finalizer.hpp>
#include <coir/detail/slot.hpp>
#include <coir/detail/std/functional.hpp>
#include <coir/stream/concept.hpp>

namespace coir::inline v0::detail {

// Acquires behind a mask; the mask ends with it, so what was acquired is given or released.
template <class Acquire, class Release>
class acquire_release_source {
    using acquiring = invocation<Acquire>;
    using resource = typename acquiring::value_type;
    static_assert(!std::is_void_v<resource>, "coir: acquire_release acquires a value");
    static_assert(finalizer<Release, resource&>,
                  "coir: the release of acquire_release takes the resource and returns task<void, never>");

public:
    using value_type = std::reference_wrapper<std::remove_reference_t<resource>>;
    using error_type = typename acquiring::error_type;

    template <class A, class R>
    acquire_release_source(std::in_place_t, A&& acquire, R&& release)
        : acquire_{std::forward<A>(acquire)}, release_{std::forward<R>(release)} {}
    acquire_release_source(acquire_release_source&& other) // before it begins
        : acquire_{std::move(other.acquire_)}, release_{std::move(other.release_)} {}

    status poll_next(fiber_base& f, std::optional<value_type>& out) {
        if (resource_) {
            return status::end;
        }
        status const s = acquire(f);
        if (s == status::value) {
            resource_.emplace(std::in_place, acquire_.get());
            out.emplace(resource_->get());
        }
        return s;
    }

    status poll_close(fiber_base& f) { return resource_ ? release_.poll(f, resource_->get()) : status::value; }

    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return acquire_.error();
    }
    std::exception_ptr defect() { return resource_ ? release_.defect() : acquire_.defect(); }
    fiber_id interrupted_by() { return acquire_.interrupted_by(); }

private:
    status acquire(fiber_base& f) {
        if (!masked_) {
            if (f.cancel_requested()) {
                return status::cancelled;
            }
            masked_ = true;
            shield_before_ = f.mask();
        }
        status const s = acquire_.poll(f);
        if (has_ended(s)) {
            f.set_shield(shield_before_);
        }
        return s;
    }

    acquiring acquire_;
    finalizing<Release, resource&> release_;
    std::optional<slot<resource>> resource_;
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0::streams {

// One element: a std::reference_wrapper to what `acquire`, a task or a callable that returns one,
// gives. It is acquired with the first pull, which cannot be interrupted, kept in the stream, and
// given to the finalizer `release(resource&)` when the stream is closed, however it ended. If
// acquiring fails, there is nothing to release.
template <class Acquire, class Release>
auto acquire_release(Acquire&& acquire, Release&& release) {
    static_assert(detail::work<detail::stored<Acquire>>,
                  "coir: acquire_release acquires by a task, or a callable that returns one");
    COIR_CHECK_CLOSURE(Acquire);
    COIR_CHECK_CLOSURE(Release);
    return detail::acquire_release_source<detail::stored<Acquire>, detail::stored<Release>>{
        std::in_place, detail::unwrap(std::forward<Acquire>(acquire)), detail::unwrap(std::forward<Release>(release))};
}

} // namespace coir::inline v0::streams
