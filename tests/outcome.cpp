#include <catch2/catch.hpp>

#include <coir/outcome.hpp>

#include "support/counted.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

using coir::fiber_id;
using coir::in_place_failure;
using coir::in_place_success;
using coir::never;
using coir::outcome;
using coir::outcome_kind;
using coir_test::counted;
using coir_test::throws_on_copy;

struct no_default {
    explicit no_default(int n) : value(n) {}
    int value;
};
struct immovable {
    explicit immovable(int n) : value(n) {}
    immovable(immovable&&) = delete;
    int value;
};
struct base {
    int n = 1;
};
struct derived : base {};

std::exception_ptr thrown(char const* what) { return std::make_exception_ptr(std::runtime_error(what)); }

std::string what_of(std::exception_ptr const& p) {
    try {
        std::rethrow_exception(p);
    } catch (std::exception const& e) {
        return e.what();
    }
}

template <class F>
outcome_kind held_according_to(F&& f) {
    try {
        f();
    } catch (coir::bad_outcome const& bad) {
        return bad.kind();
    }
    FAIL("no bad_outcome was thrown");
    return outcome_kind::success;
}

static_assert(!std::is_default_constructible_v<never>);
static_assert(std::is_copy_constructible_v<never> && std::is_move_assignable_v<never>);
static_assert(coir::unit{} == coir::unit{} && !(coir::unit{} < coir::unit{}));
static_assert(fiber_id{1} < fiber_id{2} && fiber_id{2} && !fiber_id{});

static_assert(!std::is_default_constructible_v<outcome<int>>);
static_assert(std::is_same_v<outcome<>, outcome<void, never>>);
static_assert(std::is_nothrow_move_constructible_v<outcome<int, std::string>>);
static_assert(std::is_nothrow_move_assignable_v<outcome<int, std::string>>);
static_assert(std::is_nothrow_copy_constructible_v<outcome<int>>);
static_assert(!std::is_nothrow_copy_constructible_v<outcome<std::string>>);
static_assert(!std::is_nothrow_move_constructible_v<outcome<throws_on_copy>>);
static_assert(!std::is_copy_constructible_v<outcome<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<outcome<std::unique_ptr<int>>>);
static_assert(!std::is_copy_assignable_v<outcome<int, std::unique_ptr<int>>>);
static_assert(!std::is_move_constructible_v<outcome<immovable>>);
static_assert(std::is_nothrow_constructible_v<outcome<int>, coir::in_place_success_t, int>);
static_assert(!std::is_constructible_v<outcome<no_default>, coir::in_place_success_t>);
static_assert(!std::is_constructible_v<outcome<int>, coir::in_place_failure_t>);
static_assert(!std::is_constructible_v<outcome<int>, int>);

// A reference binds to what outlives the call and to nothing else.
template <class T, class Arg>
constexpr bool binds = std::is_constructible_v<outcome<T>, coir::in_place_success_t, Arg>;
static_assert(binds<int&, int&> && binds<int const&, int&> && binds<base&, derived&>);
static_assert(binds<int&, std::reference_wrapper<int>>);
static_assert(!binds<int&, int const&> && !binds<int&, int> && !binds<int const&, int>);
static_assert(!binds<double const&, int&> && !binds<derived&, base&>);

static_assert(std::is_same_v<decltype(std::declval<outcome<int>&>().value()), int&>);
static_assert(std::is_same_v<decltype(std::declval<outcome<int> const&>().value()), int const&>);
static_assert(std::is_same_v<decltype(std::declval<outcome<int>>().value()), int&&>);
static_assert(std::is_same_v<decltype(std::declval<outcome<int&> const&>().value()), int&>);
static_assert(std::is_same_v<decltype(std::declval<outcome<int&>>().value()), int&>);
static_assert(std::is_void_v<decltype(std::declval<outcome<> const&>().value())>);

// Two words besides the widest alternative, whatever the alternatives are.
static_assert(sizeof(outcome<>) == 3 * sizeof(void*));
static_assert(sizeof(outcome<std::string>) == sizeof(std::string) + 2 * sizeof(void*));

} // namespace

TEST_CASE("an outcome is exactly one of success, failure, defect, interrupted") {
    using o = outcome<int, std::string>;
    o const all[] = {o::success(7), o::failure("no"), o::died(thrown("boom")), o::interrupted(fiber_id{3})};
    outcome_kind const kinds[] = {outcome_kind::success, outcome_kind::failure, outcome_kind::defect,
                                  outcome_kind::interrupted};
    for (std::size_t i = 0; i != 4; ++i) {
        CHECK(all[i].kind() == kinds[i]);
        CHECK(all[i].is_success() == (i == 0));
        CHECK(all[i].is_failure() == (i == 1));
        CHECK(all[i].is_defect() == (i == 2));
        CHECK(all[i].is_interrupted() == (i == 3));
    }
    CHECK(all[0].value() == 7);
    CHECK(all[1].error() == "no");
    CHECK(what_of(all[2].defect()) == "boom");
    CHECK(all[3].interrupted_by() == fiber_id{3});
    CHECK_FALSE(o::interrupted().interrupted_by());
}

TEST_CASE("value rethrows the defect and throws bad_outcome for failure and interruption") {
    using o = outcome<int, std::string>;
    CHECK_THROWS_WITH(o::died(thrown("boom")).value(), "boom");
    CHECK_THROWS_AS(o::died(thrown("boom")).value(), std::runtime_error);
    CHECK(held_according_to([] { (void)o::failure("no").value(); }) == outcome_kind::failure);
    CHECK(held_according_to([] { (void)o::interrupted().value(); }) == outcome_kind::interrupted);
    CHECK_THROWS_WITH(o::failure("no").value(), "coir::bad_outcome: it is a typed failure");
}

TEST_CASE("an observer of what is not there throws bad_outcome and says what is") {
    auto const good = outcome<int, std::string>::success(1);
    CHECK(held_according_to([&] { (void)good.error(); }) == outcome_kind::success);
    CHECK(held_according_to([&] { (void)good.defect(); }) == outcome_kind::success);
    CHECK(held_according_to([&] { (void)good.interrupted_by(); }) == outcome_kind::success);
    auto const dead = outcome<int, std::string>::died(thrown("boom"));
    CHECK(held_according_to([&] { (void)dead.error(); }) == outcome_kind::defect);
}

TEST_CASE("a null exception pointer becomes a real defect") {
    auto const dead = outcome<>::died(std::current_exception());
    REQUIRE(dead.is_defect());
    CHECK_THROWS_AS(dead.value(), std::bad_exception);
}

TEST_CASE("an outcome of void has success without a value") {
    auto const done = outcome<void, int>::success();
    done.value();
    CHECK(done.is_success());
    CHECK_THROWS_AS((outcome<void, int>::failure(1).value()), coir::bad_outcome);
}

TEST_CASE("an outcome takes values that only move, that need arguments, that cannot move") {
    auto only_moves = outcome<std::unique_ptr<int>>::success(std::make_unique<int>(4));
    auto moved = std::move(only_moves);
    CHECK(*moved.value() == 4);
    CHECK(only_moves.is_success());
    CHECK(only_moves.value() == nullptr);
    CHECK(*std::move(moved).value() == 4);

    CHECK(outcome<no_default>(in_place_success, 5).value().value == 5);
    CHECK(outcome<immovable>(in_place_success, 6).value().value == 6);
    CHECK(outcome<immovable>::died(thrown("x")).is_defect());
}

TEST_CASE("an outcome of a reference refers, rebinds when assigned, and is read through const") {
    int first = 1;
    int second = 2;
    auto r = outcome<int&>::success(first);
    auto const also = outcome<int&>(in_place_success, std::ref(second));
    r.value() = 10;
    CHECK(first == 10);
    also.value() = 20;
    CHECK(second == 20);
    r = also;
    CHECK(&r.value() == &second);
    CHECK(first == 10);
    derived d;
    CHECK(&outcome<base const&>::success(d).value() == &d);
}

TEST_CASE("an outcome may hold another outcome") {
    using inner = outcome<int, std::string>;
    auto const o = outcome<inner, int>::success(inner::failure("deep"));
    REQUIRE(o.is_success());
    CHECK(o.value().error() == "deep");
}

TEST_CASE("value and error of one type stay apart") {
    using o = outcome<int, int>;
    CHECK(o::success(1) != o::failure(1));
    auto const label = [](o const& x) {
        return x.visit([](int n) { return "value " + std::to_string(n); },
                       [](int n) { return "error " + std::to_string(n); },
                       [](std::exception_ptr const&) { return std::string("defect"); },
                       [](fiber_id by) { return "by " + std::to_string(by.value); });
    };
    CHECK(label(o::success(1)) == "value 1");
    CHECK(label(o::failure(1)) == "error 1");
    CHECK(label(o::died(thrown("x"))) == "defect");
    CHECK(label(o::interrupted(fiber_id{9})) == "by 9");
}

TEST_CASE("visit calls the success function of void with nothing, and needs none for never") {
    auto const sure = outcome<>::success();
    CHECK(sure.visit([] { return 1; }, [](std::exception_ptr const&) { return 2; }, [](fiber_id) { return 3; }) == 1);
    auto const gone = outcome<>::interrupted();
    CHECK(gone.visit([] { return 1; }, [](std::exception_ptr const&) { return 2; }, [](fiber_id) { return 3; }) == 3);
    auto const dead = outcome<>::died(thrown("x"));
    CHECK(dead.visit([] { return 1; }, [](never const&) { return 0; }, [](std::exception_ptr const&) { return 2; },
                     [](fiber_id) { return 3; }) == 2);
}

TEST_CASE("visit passes references on, moves from an rvalue, and joins result types") {
    auto o = outcome<std::string, int>::success("text");
    static std::string other;
    auto const same = [](std::string& s) -> std::string& { return s; };
    auto const none = [](auto const&) -> std::string& { return other; };
    CHECK(&o.visit(same, none, none, none) == &o.value());
    auto const taken = std::move(o).visit([](std::string&& s) { return std::move(s); }, [](int) { return "error"; },
                                          [](auto const&) { return "defect"; }, [](fiber_id) { return "interrupted"; });
    static_assert(std::is_same_v<decltype(taken), std::string const>);
    CHECK(taken == "text");
}

TEST_CASE("nothing is copied, moved or destroyed once too often") {
    counted::reset();
    {
        using o = outcome<counted, counted>;
        auto first = o::success(1); // elided: made in place
        CHECK((counted::constructed() == 1 && counted::moves() == 0 && counted::copies() == 0));
        auto second = std::move(first);
        CHECK((counted::moves() == 1 && counted::copies() == 0));
        auto third = second;
        CHECK((counted::moves() == 1 && counted::copies() == 1));
        auto const failed = o::failure(2);
        CHECK(counted::constructed() == 2);
        third = failed; // one copy into a temporary, one move from it
        CHECK((counted::moves() == 2 && counted::copies() == 2));
        CHECK(third.error().value == 2);
        third = o::interrupted();
        CHECK(counted::alive() == 3);
        (void)std::move(second).value(); // only a reference
        CHECK(counted::moves() == 2);
        counted const out = std::move(second).value();
        CHECK((out.value == 1 && counted::moves() == 3));
    }
    CHECK(counted::alive() == 0);
}

TEST_CASE("assignment goes from every alternative to every other, and to itself") {
    counted::reset();
    {
        using o = outcome<counted, std::string>;
        o const all[] = {o::success(1), o::failure(std::string(50, 'e')), o::died(thrown("x")),
                         o::interrupted(fiber_id{2})};
        for (o const& from : all)
            for (o const& to : all) {
                o target = to;
                target = from;
                CHECK(target == from);
                auto& self = target;
                target = self;
                CHECK(target == from);
                target = std::move(self);
                CHECK(target == from);
            }
    }
    CHECK(counted::alive() == 0);
}

TEST_CASE("an assignment that throws leaves its exception as the defect") {
    using o = outcome<throws_on_copy, std::string>;
    auto const source = o::success(1);
    auto target = o::failure("before");
    auto const assign = [&](auto&& from) { target = std::forward<decltype(from)>(from); };
    throws_on_copy::armed() = true;
    CHECK_THROWS_WITH(assign(source), "copy");
    throws_on_copy::armed() = false;
    CHECK(target.error() == "before"); // the copy failed before anything was touched

    struct second_move {
        int left = 1;
        second_move() = default;
        second_move(second_move&& other) noexcept(false) : left(other.left - 1) {
            if (left < 0) throw std::runtime_error("move");
        }
    };
    auto moved = outcome<second_move>::success();
    auto dead = outcome<second_move>::interrupted();
    CHECK_THROWS_WITH(dead = std::move(moved), "move");
    REQUIRE(dead.is_defect());
    CHECK(what_of(dead.defect()) == "move");
}

TEST_CASE("an outcome may be assigned from inside of itself") {
    struct node {
        std::unique_ptr<outcome<node>> next;
        int value = 0;
    };
    auto list = outcome<node>::success(std::make_unique<outcome<node>>(in_place_success, nullptr, 2), 1);
    list = std::move(*list.value().next);
    CHECK(list.value().value == 2);
}

TEST_CASE("comparison looks at kind and content, and at the identity of exceptions") {
    using o = outcome<int, std::string>;
    auto const p = thrown("x");
    CHECK(o::success(1) == o::success(1));
    CHECK(o::success(1) != o::success(2));
    CHECK(o::failure("a") != o::failure("b"));
    CHECK(o::died(p) == o::died(p));
    CHECK(o::died(p) != o::died(thrown("x")));
    CHECK(o::interrupted(fiber_id{1}) != o::interrupted(fiber_id{2}));
    CHECK(outcome<>::success() == outcome<>::success());
    int n = 1;
    int m = 1;
    CHECK(outcome<int&>::success(n) == outcome<int&>::success(m));

    struct opaque {};
    STATIC_REQUIRE(std::equality_comparable<o>);
    STATIC_REQUIRE_FALSE(std::equality_comparable<outcome<opaque>>);
    STATIC_REQUIRE_FALSE(std::equality_comparable<outcome<int, opaque>>);
}

TEST_CASE("suppressed is empty, then keeps order, and travels with moves and copies") {
    auto o = outcome<int, std::string>::failure("first cause");
    CHECK(o.suppressed().empty());
    o.add_suppressed(thrown("one"));
    o.add_suppressed(thrown("two"));
    REQUIRE(o.suppressed().size() == 2);
    CHECK(what_of(o.suppressed()[0]) == "one");
    CHECK(what_of(o.suppressed()[1]) == "two");
    CHECK(o.error() == "first cause");

    auto copy = o;
    CHECK(copy.suppressed().data() == o.suppressed().data());
    copy.add_suppressed(thrown("three"));
    CHECK(copy.suppressed().size() == 3);
    CHECK(o.suppressed().size() == 2);
    CHECK(copy == o); // what was suppressed does not count

    auto const span = copy.suppressed();
    auto const moved = std::move(copy);
    CHECK(moved.suppressed().data() == span.data());
    CHECK(copy.suppressed().empty());

    o = outcome<int, std::string>::success(1);
    CHECK(o.suppressed().empty());
    CHECK(what_of(span[2]) == "three");
}

TEST_CASE("a null suppressed exception is not lost") {
    auto o = outcome<>::interrupted();
    o.add_suppressed(nullptr);
    REQUIRE(o.suppressed().size() == 1);
    CHECK_THROWS_AS(std::rethrow_exception(o.suppressed()[0]), std::bad_exception);
}

TEST_CASE("an outcome converts to one with a wider value and error, explicitly") {
    using narrow = outcome<int, std::string>;
    using wide = outcome<long, coir::errors<int, std::string>>;
    STATIC_REQUIRE(std::is_constructible_v<wide, narrow>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<narrow, wide>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<narrow, wide>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<outcome<void, int>, outcome<int, int>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<outcome<int, int>, outcome<void, int>>);
    STATIC_REQUIRE(std::is_constructible_v<outcome<void, int>, outcome<void, never>>);

    CHECK(wide(narrow::success(7)).value() == 7);
    CHECK(std::get<std::string>(wide(narrow::failure("no")).error()) == "no");
    CHECK(wide(narrow::interrupted(fiber_id{4})).interrupted_by() == fiber_id{4});
    auto dead = narrow::died(thrown("boom"));
    dead.add_suppressed(thrown("later"));
    wide const copy(dead);
    CHECK(copy.defect() == dead.defect());
    CHECK(copy.suppressed().size() == 1);
    CHECK(dead.suppressed().size() == 1);
    CHECK(wide(std::move(dead)).suppressed().size() == 1);
}

TEST_CASE("converting an rvalue outcome moves its value and its error once") {
    using narrow = outcome<counted, counted>;
    using wide = outcome<counted, coir::errors<counted, int>>;
    counted::reset();
    {
        auto good = narrow::success(1);
        wide const w(std::move(good));
        CHECK((w.value().value == 1 && counted::moves() == 1 && counted::copies() == 0));
        auto bad = narrow::failure(2);
        wide const f(std::move(bad));
        CHECK(std::get<counted>(f.error()).value == 2);
        CHECK(counted::copies() == 0);
    }
    CHECK(counted::alive() == 0);
}
