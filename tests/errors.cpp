#include <catch2/catch.hpp>

#include <coir/errors.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace {

using coir::accepts_error;
using coir::convert_error;
using coir::errors;
using coir::never;

struct a {
    int code = 0;
};
struct b {
    std::string text;
};
struct c {};
struct wraps_a { // an aggregate whose braces would swallow an a
    a inner;
};
struct from_a {
    from_a(a const& other) : code(other.code + 1) {}
    int code;
};
struct explicit_from_a {
    explicit explicit_from_a(a const&) {}
};
enum class status : unsigned char { bad };
using ab = std::variant<a, b>;
using abc = std::variant<a, b, c>;

template <class X, class Y>
constexpr bool same = std::is_same_v<X, Y>;

static_assert(same<errors<>, never>);
static_assert(same<errors<never>, never>);
static_assert(same<errors<never, never>, never>);
static_assert(same<errors<a>, a>);
static_assert(same<errors<a, never>, a>);
static_assert(same<errors<never, a, a>, a>);
static_assert(same<errors<a, b>, ab>);
static_assert(same<errors<b, a>, std::variant<b, a>>);
static_assert(same<errors<a, b, a, never, b>, ab>);
static_assert(same<errors<ab, c>, abc>);
static_assert(same<errors<a, std::variant<b, std::variant<c, a>>>, abc>);
static_assert(same<errors<std::variant<a, never>>, a>);
static_assert(same<errors<std::variant<never>>, never>);
static_assert(same<errors<errors<a, b>, errors<b, c>>, abc>);
static_assert(same<errors<int, long, int>, std::variant<int, long>>);

// never fits everywhere, and nothing else fits into never.
static_assert(accepts_error<never, never>);
static_assert(accepts_error<a, never>);
static_assert(accepts_error<ab, never>);
static_assert(!accepts_error<never, a>);
static_assert(!accepts_error<never, ab>);
// The type itself, an alternative, and a variant of alternatives.
static_assert(accepts_error<a, a>);
static_assert(accepts_error<ab, ab>);
static_assert(accepts_error<ab, a>);
static_assert(accepts_error<abc, ab>);
static_assert(accepts_error<abc, std::variant<c, a>>);
static_assert(!accepts_error<ab, c>);
static_assert(!accepts_error<ab, abc>);
static_assert(!accepts_error<a, b>);
static_assert(!accepts_error<a, ab>);
// Conversions come last: implicit ones only, and none that narrows.
static_assert(accepts_error<from_a, a>);
static_assert(accepts_error<std::string, char const*>);
static_assert(accepts_error<long long, int>);
static_assert(accepts_error<double, float>);
static_assert(!accepts_error<int, long long>);
static_assert(!accepts_error<float, double>);
static_assert(!accepts_error<int, double>);
static_assert(!accepts_error<double, int>);
static_assert(!accepts_error<unsigned, int>);
static_assert(!accepts_error<bool, int*>);
static_assert(!accepts_error<int, status>);
static_assert(!accepts_error<explicit_from_a, a>);
static_assert(!accepts_error<wraps_a, a>);

static_assert(coir::error_for<ab, a> && !coir::error_for<a, ab>);

static_assert(convert_error<long>(7) == 7L);
static_assert(std::get<a>(convert_error<std::variant<c, a>>(a{3})).code == 3);
static_assert(convert_error<std::variant<char, long, int>>(std::variant<int, long>(4L)).index() == 1);

} // namespace

TEST_CASE("an error becomes the alternative of its own type, not one it converts to") {
    using wide = std::variant<std::string, char const*, b>;
    CHECK(convert_error<wide>(static_cast<char const*>("x")).index() == 1);
    CHECK(convert_error<wide>(std::string("x")).index() == 0);
    CHECK(std::get<b>(convert_error<wide>(b{"y"})).text == "y");
}

TEST_CASE("a narrower variant keeps its alternative in a wider one") {
    ab const narrow = b{"text"};
    auto const wide = convert_error<std::variant<c, b, a>>(narrow);
    REQUIRE(wide.index() == 1);
    CHECK(std::get<b>(wide).text == "text");
    CHECK(std::get<b>(narrow).text == "text");
}

TEST_CASE("converting an rvalue error moves it") {
    std::string const long_text(100, 'x');
    b source{long_text};
    auto const* const data = source.text.data();
    ab narrow = convert_error<ab>(std::move(source));
    abc const wide = convert_error<abc>(std::move(narrow));
    CHECK(std::get<b>(wide).text.data() == data);
}

TEST_CASE("an error that is no alternative converts implicitly") {
    CHECK(convert_error<from_a>(a{4}).code == 5);
    CHECK(convert_error<std::string>("text") == "text");
}

TEST_CASE("in a variant that names a type twice the first one is meant") {
    CHECK(convert_error<std::variant<a, a>>(a{1}).index() == 0);
}
