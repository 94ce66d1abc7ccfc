// Masks: what runs inside cannot be cancelled from outside; restore lifts the mask for a part.
#pragma once

#include <coir/detail/work.hpp>

namespace coir::inline v0::detail {

// Runs an operation behind a shield. The end of the mask is an interruption point.
template <class Inner>
class [[nodiscard]] masked_operation : public adaptor<Inner> {
public:
    using adaptor<Inner>::adaptor;

    status poll(fiber_base& f) {
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
        }
        status const s = this->inner_.poll(f);
        if (has_ended(s)) {
            f.set_shield(shield_before_);
        }
        return s == status::value && f.cancel_requested() ? status::cancelled : s;
    }

private:
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
};

// Runs an operation behind the shield that was there outside the mask.
template <class Inner>
class [[nodiscard]] restored_operation : public adaptor<Inner> {
public:
    restored_operation(Inner&& inner, std::uint32_t outer) : adaptor<Inner>{std::move(inner)}, outer_{outer} {}

    status poll(fiber_base& f) {
        if (!std::exchange(begun_, true)) {
            masked_ = f.shield();
            f.set_shield(outer_);
            if (f.cancel_requested()) {
                f.set_shield(masked_);
                return status::cancelled;
            }
        }
        status const s = this->inner_.poll(f);
        if (has_ended(s)) {
            f.set_shield(masked_);
        }
        return s;
    }

private:
    std::uint32_t outer_;
    std::uint32_t masked_ = 0;
    bool begun_ = false;
};

} // namespace coir::inline v0::detail

namespace coir::inline v0 {

// What uninterruptible_mask gives its body: `co_await restore(aw)` runs `aw` as interruptible
// as the code around the mask is. Copyable; used inside the body only.
class restore_mask {
public:
    explicit restore_mask(std::uint32_t outer) noexcept : outer_{outer} {}

    template <detail::awaited A>
    auto operator()(A&& a) const {
        using op = detail::operation_of<A>;
        return detail::restored_operation<op>{detail::to_operation(std::forward<A>(a)), outer_};
    }

private:
    std::uint32_t outer_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

template <class Body>
class [[nodiscard]] mask_operation {
    using body = invocation<Body, restore_mask>;

public:
    using value_type = typename body::value_type;
    using error_type = typename body::error_type;

    template <class B>
    explicit mask_operation(std::in_place_t, B&& b) : body_(std::forward<B>(b)) {}

    status poll(fiber_base& f) {
        if (!std::exchange(masked_, true)) {
            shield_before_ = f.mask();
        }
        status const s = body_.poll(f, restore_mask{shield_before_});
        if (has_ended(s)) {
            f.set_shield(shield_before_);
        }
        return s == status::value && f.cancel_requested() ? status::cancelled : s;
    }
    value_type get() { return body_.get(); }
    decltype(auto) error()
        requires(!std::same_as<error_type, never>)
    {
        return body_.error();
    }
    std::exception_ptr defect() { return body_.defect(); }
    fiber_id interrupted_by() { return body_.interrupted_by(); }

private:
    body body_;
    std::uint32_t shield_before_ = 0;
    bool masked_ = false;
};

} // namespace coir::inline v0::detail
