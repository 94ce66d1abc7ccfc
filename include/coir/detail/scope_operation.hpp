// The operation of with_scope and with_supervisor: runs a body, awaits the children, runs the
// finalizers. A part of scope.hpp, which includes it.
#pragma once

#include <coir/scope.hpp>

namespace coir::inline v0 {

// The operation of running a body with its scope.
template <class E, class Body, bool Supervises>
class [[nodiscard]] scope_operation {
    using body = detail::invocation<Body, scope<E>&>;
    static_assert(error_for<E, typename body::error_type>,
                  "coir: the scope's error type lacks an error of its body; name it in with_scope<E>");

public:
    using value_type = typename body::value_type;
    using error_type = E;

    template <class B>
    explicit scope_operation(std::in_place_t, B&& b) : body_(std::forward<B>(b)) {
        scope_.supervises_ = Supervises;
    }

    detail::status poll(detail::fiber_base& f) {
        switch (phase_) {
        case phase::before: begin(f); break;
        case phase::running: ended_ = body_.poll(f, scope_); break;
        case phase::children: break;
        case phase::leaving: return leave(f);
        case phase::finalizers: return poll_finalizers(f);
        }
        if (phase_ == phase::running) {
            if (!detail::has_ended(ended_)) {
                return ended_;
            }
            body_ended();
        }
        return poll_children(f);
    }

    value_type get() {
        if (thrown_) {
            std::rethrow_exception(thrown_);
        }
        return body_.get();
    }
    E error()
        requires(!std::same_as<E, never>)
    {
        if (caused_) {
            return scope_.cause_.get()->error();
        }
        return detail::error_as<E>(body_);
    }
    std::exception_ptr defect() { return thrown_ ? thrown_ : body_.defect(); }
    fiber_id interrupted_by() { return body_.interrupted_by(); }

private:
    enum class phase : unsigned char { before, running, children, leaving, finalizers };

    // Children may refer to the body's frame, which therefore stays until they are gone if it
    // does not return.
    void begin(detail::fiber_base& f) {
        scope_.group_.enter(f);
        phase_ = phase::running;
        ended_ = body_.poll(f, scope_);
        detail::completion_base* const record = body_.record();
        if (ended_ == detail::status::call && record != nullptr) {
            record->keeps_frame = true;
            scope_.body_frame_ = f.top();
        }
    }

    // An end that is not normal decides the scope, unless a child did before.
    void body_ended() noexcept {
        phase_ = phase::children;
        if (ended_ != detail::status::value) {
            body_came_first_ = scope_.group_.decide();
            scope_.close();
        }
    }

    detail::status poll_children(detail::fiber_base& f) {
        if (scope_.group_.poll_members(f) == detail::status::pending) {
            if (f.cancel_requested()) {
                scope_.close();
            }
            return detail::status::pending;
        }
        scope_.close();
        phase_ = phase::leaving;
        if (detail::completion_base* const record = body_.record(); record != nullptr && record->frame_kept) {
            record->keeps_frame = false;
            f.push_frame(*scope_.body_frame_, *record);
            return detail::status::unwind;
        }
        return leave(f);
    }

    static void add_beside(detail::fiber_base& f, std::exception_ptr const& thrown) {
        if (thrown) {
            f.suppressed.add(thrown);
        }
    }

    // The first cause is the end of the scope; what came besides is kept with it. Without a
    // cause, who is interrupted while waiting for the children does not pretend that they have
    // finished.
    detail::status leave(detail::fiber_base& f) {
        phase_ = phase::finalizers;
        scope_.group_.exit(ended_);
        auto* const cause = scope_.cause_.get();
        if (cause != nullptr && !body_came_first_) {
            caused_ = true;
            add_beside(f, detail::as_thrown(body_, ended_));
            thrown_ = cause->is_defect() ? cause->defect() : nullptr;
            ended_ = thrown_ ? detail::status::defect : detail::status::failure;
        } else if (cause != nullptr) {
            add_beside(f, detail::as_thrown(*cause, detail::status_of(cause->kind())));
        } else if (ended_ == detail::status::value && f.cancel_requested()) {
            ended_ = detail::status::cancelled;
        }
        for (std::exception_ptr const& thrown : scope_.cause_.later()) {
            f.suppressed.add(thrown);
        }
        return poll_finalizers(f);
    }

    detail::status poll_finalizers(detail::fiber_base& f) {
        for (;;) {
            if (finalizing_) {
                detail::status const s = finalizing_->poll(f);
                if (!detail::has_ended(s)) {
                    return s;
                }
                if (s == detail::status::defect) {
                    thrown_ = ended_ == detail::status::value ? finalizing_->defect() : thrown_;
                    ended_ = finalizing_->settle(f, ended_);
                }
                finalizing_.reset();
            }
            auto next = scope_.finalizers_.pop();
            if (!next) {
                return ended_;
            }
            finalizing_.emplace(std::move(next));
        }
    }

    scope<E> scope_;
    body body_;
    std::optional<detail::finalizing<detail::finalizer_stack::taken>> finalizing_;
    std::exception_ptr thrown_;
    phase phase_ = phase::before;
    detail::status ended_ = detail::status::pending;
    bool body_came_first_ = false;
    bool caused_ = false;
};

} // namespace coir::inline v0
