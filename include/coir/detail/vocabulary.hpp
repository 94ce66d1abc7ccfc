// The small types that every channel of an outcome speaks of. Users get them from
// <coir/outcome.hpp>; they live here so that errors, result and outcome share one floor.
//
//     coir::result<int, coir::never> sure = 7;              // cannot fail, and the type says so
//     std::tuple<int, coir::unit> both{7, {}};              // what void becomes in a tuple
//     if (coir::fiber_id by = o.interrupted_by()) log(by.value);
//     try { o.value(); }
//     catch (coir::bad_outcome const& bad) { log(bad.what()); }
#pragma once

#include <coir/detail/config.hpp>

#include <compare>
#include <cstdint>
#include <exception>
#include <utility>

namespace coir::inline v0 {

/// The type without values. As an error type: "cannot fail". No object of it can be made;
/// copying and moving are there so that generic code compiles.
struct never {
    never() = delete;
    never(never const&) = default;
    never(never&&) = default;
    never& operator=(never const&) = default;
    never& operator=(never&&) = default;
    ~never() = default;

    friend constexpr bool operator==(never const&, never const&) noexcept = default;
};

/// The type with one value: what `void` becomes inside tuples, vectors and variants.
struct unit {
    friend constexpr auto operator<=>(unit const&, unit const&) noexcept = default;
};

/// Names a fiber, also after it ended. Zero, and false, means "not a fiber": the outside.
struct fiber_id {
    std::uint64_t value = 0;

    constexpr explicit operator bool() const noexcept { return value != 0; }
    friend constexpr auto operator<=>(fiber_id const&, fiber_id const&) noexcept = default;
};

/// The four ways in which work ends.
enum class outcome_kind : unsigned char { success, failure, defect, interrupted };

struct in_place_success_t {
    explicit in_place_success_t() = default;
};
struct in_place_failure_t {
    explicit in_place_failure_t() = default;
};

/// Chooses the alternative when an `outcome` or `result` is built from constructor arguments.
inline constexpr in_place_success_t in_place_success{};
inline constexpr in_place_failure_t in_place_failure{};

/// Thrown by an observer that was asked for what is not there. `kind()` is what is there.
class bad_outcome : public std::exception {
public:
    explicit bad_outcome(outcome_kind held) noexcept : held_(held) {}

    [[nodiscard]] outcome_kind kind() const noexcept { return held_; }

    [[nodiscard]] char const* what() const noexcept override {
        switch (held_) {
        case outcome_kind::success: return "coir::bad_outcome: it is a success";
        case outcome_kind::failure: return "coir::bad_outcome: it is a typed failure";
        case outcome_kind::defect: return "coir::bad_outcome: it is a defect";
        case outcome_kind::interrupted: return "coir::bad_outcome: it was interrupted";
        }
        return "coir::bad_outcome";
    }

private:
    outcome_kind held_;
};

} // namespace coir::inline v0

namespace coir::inline v0::detail {

// Out of line, so that the check in an observer costs one compare and a cold call.
[[noreturn]] COIR_NOINLINE inline void throw_bad_outcome(outcome_kind held) { throw bad_outcome(held); }

// std::current_exception() outside a handler is null, and rethrowing null is undefined:
// such a pointer becomes a real exception where it enters the library.
inline std::exception_ptr never_null(std::exception_ptr thrown) noexcept {
    return thrown ? std::move(thrown) : std::make_exception_ptr(std::bad_exception());
}

} // namespace coir::inline v0::detail
