#include <catch2/catch.hpp>

#include <coir/result.hpp>

#include "support/counted.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <version>

#if defined(__cpp_lib_expected)
#include <expected>
#endif

namespace {

using coir::errors;
using coir::in_place_failure;
using coir::in_place_success;
using coir::never;
using coir::result;
using coir_test::counted;
using coir_test::throws_on_copy;

struct no_default {
    explicit no_default(int n) : value(n) {}
    int value;
};
struct parse_error {
    int line = 0;
    friend bool operator==(parse_error const&, parse_error const&) = default;
};
using parsed = result<int, parse_error>;

template <class X, class Y>
constexpr bool same = std::is_same_v<X, Y>;

static_assert(same<result<>, result<void, never>>);
static_assert(std::is_trivially_copyable_v<parsed>);
static_assert(std::is_trivially_copyable_v<result<>>);
static_assert(std::is_trivially_copyable_v<result<int&, int>>);
static_assert(std::is_trivially_destructible_v<parsed> && !std::is_trivially_destructible_v<result<std::string, int>>);
static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>, int>>);
static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>, int>>);
static_assert(std::is_nothrow_move_assignable_v<result<std::string, int>>);
static_assert(std::is_copy_assignable_v<result<std::string, int const*>>);
static_assert(!std::is_copy_assignable_v<result<throws_on_copy, throws_on_copy>>);

static_assert(std::is_convertible_v<int, parsed>);
static_assert(!std::is_convertible_v<int, result<no_default, int>>);
static_assert(std::is_constructible_v<result<no_default, int>, int>);
static_assert(!std::is_default_constructible_v<result<no_default, int>>);
static_assert(!std::is_constructible_v<parsed, parse_error>);

// Another result is never squeezed into the value: result<bool> would keep its truth alone.
static_assert(!std::is_constructible_v<result<bool, int>, result<std::unique_ptr<int>, parse_error>>);
static_assert(!std::is_convertible_v<result<int, int>, bool>);

static_assert(std::is_convertible_v<parsed, result<long, errors<int, parse_error>>>);
static_assert(!std::is_constructible_v<parsed, result<long, errors<int, parse_error>>>);
static_assert(std::is_convertible_v<result<int, never>, parsed>);
static_assert(!std::is_constructible_v<result<void, int>, result<int, int>>);

static_assert(same<decltype(*std::declval<parsed>()), int&&>);
static_assert(same<decltype(*std::declval<parsed const&>()), int const&>);
static_assert(same<decltype(*std::declval<result<int&, int>>()), int&>);
static_assert(std::is_void_v<decltype(*std::declval<result<void, int> const&>())>);

// All of it in constant expressions.
constexpr parsed half(int n) { return n % 2 == 0 ? parsed(n / 2) : parsed::failure(n); }
static_assert(half(8).and_then(half).transform([](int n) { return n + 1; }) == parsed(3));
static_assert(half(6).and_then(half).error().line == 3);
static_assert(half(3).value_or(9) == 9 && half(4).value_or(9) == 2);
static_assert(half(3).transform_error([](parse_error e) { return e.line; }).error() == 3);
static_assert(half(3).or_else([](parse_error e) { return result<int, never>(e.line); }).value() == 3);
constexpr int reassigned() {
    result<std::variant<int, char>, int> r = 1;
    r = result<std::variant<int, char>, int>::failure(4);
    return r.error();
}
static_assert(reassigned() == 4);

} // namespace

TEST_CASE("a result is a value or an error") {
    parsed const good = 7;
    CHECK(good.has_value());
    CHECK(static_cast<bool>(good));
    CHECK((*good == 7 && good.value() == 7));
    parsed const bad(in_place_failure, 3);
    CHECK_FALSE(bad.has_value());
    CHECK_FALSE(bad);
    CHECK(bad.error() == parse_error{3});
    CHECK(parsed() == parsed(0));
    CHECK(parsed::success(1) == 1);
    CHECK(parsed::failure() == parsed(in_place_failure));
}

TEST_CASE("value and error throw bad_outcome when it is the other one") {
    CHECK_THROWS_WITH(parsed::failure().value(), "coir::bad_outcome: it is a typed failure");
    CHECK_THROWS_WITH(parsed(1).error(), "coir::bad_outcome: it is a success");
    CHECK_THROWS_AS((result<void, int>::failure(1).value()), coir::bad_outcome);
}

TEST_CASE("a result of void has a value without content") {
    result<void, int> r;
    r.value();
    *r;
    CHECK(r.has_value());
    r = result<void, int>::failure(2);
    CHECK(r.error() == 2);
    CHECK(result<void, int>().transform([] { return 5; }).value() == 5);
    CHECK(result<void, int>().and_then([] { return result<int, int>::failure(6); }).error() == 6);
    int calls = 0;
    result<int, int>(1).transform([&](int) { ++calls; }).value();
    result<void, int>::failure(1).transform([&] { ++calls; });
    CHECK(calls == 1);
}

TEST_CASE("a result of a reference refers and rebinds") {
    int n = 1;
    int m = 2;
    result<int&, parse_error> r = n;
    *r = 5;
    CHECK(n == 5);
    r = result<int&, parse_error>(m);
    CHECK(&r.value() == &m);
    CHECK(n == 5);
    CHECK(r.value_or(9) == 2);
    CHECK((result<int&, parse_error>::failure().value_or(9) == 9));
    std::string s = "text";
    result<std::string const&, int> const t = s;
    CHECK(t->size() == 4);
    CHECK(t.transform([](std::string const& x) { return x.size(); }).value() == 4);
}

TEST_CASE("a result takes values and errors that only move") {
    using owner = std::unique_ptr<int>;
    result<owner, owner> r = std::make_unique<int>(1);
    auto moved = std::move(r);
    CHECK(**moved == 1);
    CHECK(*r == nullptr);
    CHECK(*std::move(moved).value_or(nullptr) == 1);
    r = result<owner, owner>::failure(std::make_unique<int>(2));
    CHECK(*r.error() == 2);
    CHECK(*std::move(r).transform_error([](owner p) { return p; }).error() == 2);
}

TEST_CASE("a result may hold a result") {
    using inner = result<int, int>;
    result<inner, int> r = inner::failure(1);
    REQUIRE(r.has_value());
    CHECK(r->error() == 1);
    CHECK(r.and_then([](inner const& i) { return i; }).error() == 1);
}

TEST_CASE("the chaining operations reach values and errors in every value category") {
    result<std::string, std::string> r = "a";
    auto const& constant = r;
    r.transform([](std::string& s) { s += "b"; }).value();
    CHECK(constant.transform([](std::string const& s) { return s + "c"; }).value() == "abc");
    CHECK(std::move(r).transform([](std::string&& s) { return std::move(s); }).value() == "ab");

    auto e = result<int, std::string>::failure("e");
    CHECK(e.or_else([](std::string& s) { return result<int, int>(static_cast<int>(s.size())); }).value() == 1);
    CHECK(std::as_const(e).transform_error([](std::string const& s) { return s.size(); }).error() == 1);
    CHECK(e.transform([](int n) { return n; }).error() == "e");
    CHECK(e.and_then([](int n) { return result<int, std::string>(n); }).error() == "e");
}

TEST_CASE("and_then joins the error types, or_else replaces the error type") {
    auto const next = [](int n) { return result<long, std::string>(n); };
    auto const joined = parsed::failure(4).and_then(next);
    STATIC_REQUIRE(same<decltype(joined), result<long, errors<parse_error, std::string>> const>);
    CHECK(std::get<parse_error>(joined.error()).line == 4);
    CHECK(parsed(4).and_then(next).value() == 4);
    STATIC_REQUIRE(same<decltype(result<int>(1).and_then(next)), result<long, std::string>>);

    auto const healed = parsed::failure(4).or_else([](parse_error e) { return result<int>(e.line); });
    STATIC_REQUIRE(same<decltype(healed), result<int, never> const>);
    CHECK(healed.value() == 4);
}

TEST_CASE("a result widens its value and its error") {
    using wide = result<long, errors<int, parse_error>>;
    wide const failed = parsed::failure(2);
    CHECK(std::get<parse_error>(failed.error()).line == 2);
    wide const good = parsed(3);
    CHECK(good.value() == 3);
    result<std::unique_ptr<int>, errors<int, char>> const moved = result<std::unique_ptr<int>, int>(new int(4));
    CHECK(**moved == 4);
}

TEST_CASE("results compare by alternative and content") {
    CHECK(parsed(1) == parsed(1));
    CHECK(parsed(1) != parsed(2));
    CHECK(parsed(1) != parsed::failure(1));
    CHECK(parsed::failure(1) == parsed::failure(1));
    CHECK(result<int, int>(1) != result<int, int>::failure(1));
    struct opaque {};
    STATIC_REQUIRE_FALSE(std::equality_comparable<result<opaque, int>>);
}

TEST_CASE("results swap") {
    result<std::string, int> a = "x";
    auto b = result<std::string, int>::failure(1);
    std::swap(a, b);
    CHECK(a.error() == 1);
    CHECK(*b == "x");
}

TEST_CASE("a result copies, moves and destroys no more than asked for") {
    counted::reset();
    {
        using r = result<counted, counted>;
        r good(in_place_success, 1);
        CHECK((counted::constructed() == 1 && counted::moves() == 0 && counted::copies() == 0));
        r copy = good;
        CHECK((counted::copies() == 1 && counted::moves() == 0));
        copy = r::failure(2); // the failure is made in place and moved from once
        CHECK((counted::copies() == 1 && counted::moves() == 1));
        good = copy; // moves nothrow, so the copy is made in place
        CHECK((counted::copies() == 2 && counted::moves() == 1));
        auto const made = std::move(good).or_else([](counted&& c) { return result<counted, int>(std::move(c)); });
        CHECK(made->value == 2);
        CHECK(counted::copies() == 2);
        auto const in_place = result<int, int>(7).transform([](int n) { return counted(n); });
        CHECK(in_place->value == 7);
    }
    CHECK(counted::alive() == 0);
}

TEST_CASE("an assignment that throws changes nothing") {
    struct guard {
        guard() { throws_on_copy::armed() = true; }
        ~guard() { throws_on_copy::armed() = false; }
    };
    using r = result<throws_on_copy, std::string>;
    auto target = r::failure("before");
    r const source(in_place_success, 1);
    {
        guard on;
        CHECK_THROWS_AS(target = source, std::runtime_error);
    }
    CHECK(target.error() == "before");
    target = source;
    CHECK(target->value == 1);

    struct throwing_error {
        throwing_error() = default;
        throwing_error(throwing_error const&) { throw std::runtime_error("error"); }
        throwing_error& operator=(throwing_error const&) = default;
    };
    using s = result<std::string, throwing_error>;
    s value = "kept";
    s const failed(in_place_failure);
    CHECK_THROWS_WITH(value = failed, "error");
    CHECK(*value == "kept");
}

#if defined(__cpp_lib_expected)
TEST_CASE("a result converts to and from std::expected") {
    using standard = std::expected<int, parse_error>;
    standard const good = parsed(1);
    CHECK(*good == 1);
    standard const bad = parsed::failure(2);
    CHECK(bad.error().line == 2);
    parsed const back = bad;
    CHECK(back.error().line == 2);
    CHECK(*parsed(standard(5)) == 5);

    std::expected<void, int> const nothing = result<void, int>();
    CHECK(nothing.has_value());
    CHECK((result<void, int>(nothing).has_value()));

    using owner = std::unique_ptr<int>;
    std::expected<owner, int> moved = result<owner, int>(std::make_unique<int>(3));
    CHECK(**moved == 3);
    result<owner, int> const again = std::move(moved);
    CHECK(**again == 3);
}
#endif
