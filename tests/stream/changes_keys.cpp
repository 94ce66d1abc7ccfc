// changes(key) with keys that refer into the element.
#include "stream_support.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

using namespace stream_test;

namespace {

struct record {
    std::string name;
    int version;
    int line;
};

// Names that fit into a string, and names that do not.
std::vector<record> records() {
    return {{"a", 1, 0},
            {"a", 1, 1},
            {"b", 1, 2},
            {"b", 2, 3},
            {"a name that is too long for a short string, 1", 2, 4},
            {"a name that is too long for a short string, 1", 2, 5},
            {"a name that is too long for a short string, 2", 2, 6}};
}

stream<record> fresh() {
    for (record const& r : records()) {
        co_yield r;
    }
}

// The lines of those that pass, pulled in both ways.
template <class Key>
numbers passed(Key key) {
    test_scheduler s;
    auto const pipeline = [&] { return fresh() | streams::changes(key) | streams::transform(&record::line); };
    auto const all = s.run([&]() -> task<numbers> { co_return co_await (pipeline() | streams::to_vector()); });
    auto const by_hand = s.run([&]() -> task<numbers> {
        auto body = [](auto& in) -> task<numbers> {
            numbers got;
            while (auto n = co_await next(in)) {
                got.push_back(*n);
            }
            co_return got;
        };
        co_return co_await coir::with_stream(pipeline(), body);
    });
    CHECK(all.value() == by_hand.value());
    return all.value();
}

} // namespace

TEST_CASE("a key that is a view of the element is kept as a copy") {
    CHECK(passed([](record const& r) -> std::string_view { return r.name; }) == numbers{0, 2, 4, 6});
    CHECK(passed([](record const& r) { return std::string_view{r.name}.substr(0, 1); }) == numbers{0, 2, 4});
}

TEST_CASE("a key that refers to members is kept as copies of them") {
    CHECK(passed(&record::name) == numbers{0, 2, 4, 6});
    CHECK(passed([](record const& r) { return std::tie(r.name, r.version); }) == numbers{0, 2, 3, 4, 6});
    CHECK(passed([](record const& r) { return std::tuple<std::string_view, int>{r.name, r.version}; }) ==
          numbers{0, 2, 3, 4, 6});
    CHECK(passed([](record const& r) { return std::pair<std::string_view, int const&>{r.name, r.version}; }) ==
          numbers{0, 2, 3, 4, 6});
    CHECK(passed([](record const& r) { return std::cref(r.version); }) == numbers{0, 3});
}

TEST_CASE("elements that are views themselves are not copied") {
    using coir::detail::kept_key;
    static_assert(std::is_same_v<kept_key<std::string_view, std::string_view>, std::string_view>);
    static_assert(std::is_same_v<kept_key<std::string, std::string_view>, std::string>);
    static_assert(std::is_same_v<kept_key<record, std::tuple<std::string const&, std::pair<std::u8string_view, int&>>>,
                                 std::tuple<std::string, std::pair<std::u8string, int>>>);
    static_assert(std::is_same_v<kept_key<int, record const*>, record const*>);
    test_scheduler s;
    auto const all = s.run([]() -> task<std::size_t> {
        std::vector<std::string_view> const words{"a", "a", "b"};
        co_return co_await (streams::from(words) | streams::changes() | streams::count());
    });
    CHECK(all.value() == 2);
}
