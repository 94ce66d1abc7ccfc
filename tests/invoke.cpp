#include <coir/detail/invoke.hpp>
#include <coir/detail/pack.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

namespace detail = coir::detail;

struct order {
    int total = 7;
    constexpr int times(int n) const { return total * n; }
    int taken() && { return std::exchange(total, 0); }
    static int none() noexcept { return 0; }
};
struct large_order : order {};

template <class F, class... Args>
constexpr bool agrees =
    std::is_same_v<decltype(detail::invoke(std::declval<F>(), std::declval<Args>()...)),
                   decltype(std::invoke(std::declval<F>(), std::declval<Args>()...))> &&
    noexcept(detail::invoke(std::declval<F>(), std::declval<Args>()...)) == std::is_nothrow_invocable_v<F, Args...>;

static_assert(agrees<int order::*, order&>);
static_assert(agrees<int order::*, order const&>);
static_assert(agrees<int order::*, order>);
static_assert(agrees<int order::*, large_order*>);
static_assert(agrees<int order::*, std::reference_wrapper<large_order>>);
static_assert(agrees<int order::*, std::unique_ptr<order> const&>);
static_assert(agrees<int (order::*)(int) const, order const&, int>);
static_assert(agrees<int (order::*&)() &&, order>);
static_assert(agrees<decltype(&order::none)>);

constexpr int twice(int n) { return 2 * n; }
static_assert(detail::invoke(twice, 2) == 4);
static_assert(detail::invoke(&order::times, order{}, 2) == 14);

template <class F, class... Args>
concept called = requires(F f, Args... args) { detail::invoke(f, args...); };
static_assert(called<int(int), int>);
static_assert(!called<int(int), std::string>); // a constraint, no error

} // namespace

TEST_CASE("invoke calls functions, and members of an object, of what a pointer points to, and of a reference_wrapper") {
    large_order o;
    auto const owned = std::make_unique<order>();
    CHECK(detail::invoke([](int n) { return n; }, 3) == 3);
    CHECK(detail::invoke(&order::total, o) == 7);
    CHECK(detail::invoke(&order::total, std::ref(o)) == 7);
    CHECK(detail::invoke(&order::total, owned) == 7);
    CHECK(detail::invoke(&order::times, &o, 2) == 14);
    CHECK(detail::invoke(&order::times, std::cref(o), 3) == 21);
    CHECK(detail::invoke(&order::times, owned, 4) == 28);
    detail::invoke(&order::total, o) = 1;
    CHECK(o.total == 1);
    CHECK(detail::invoke(&order::taken, std::move(o)) == 1);
    CHECK(o.total == 0);
}

TEST_CASE("A pack keeps values, and passes them on where they are") {
    detail::pack<int, int, std::unique_ptr<int>> kept{std::in_place, 1, 2, std::make_unique<int>(3)};
    CHECK(kept.apply([](int& a, int& b, std::unique_ptr<int>& c) { return a + b + *c; }) == 6);
    kept.apply([](int& a, int&, std::unique_ptr<int>&) { a = 5; });
    auto moved = std::move(kept);
    CHECK(moved.apply([](int& a, int& b, std::unique_ptr<int>& c) { return a + b + *std::move(c); }) == 10);
    CHECK(detail::pack<>{std::in_place}.apply([] { return 1; }) == 1);
}
