// Pipelines of sequential stages over random data are what std::views, or a loop, says they are.
#include "stream_support.hpp"

#include "support/effort.hpp"

#include <coir/schedule.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <ranges>
#include <tuple>

using namespace stream_test;

namespace {

namespace views = std::views;

// Small numbers, so that there are equal neighbours, and few enough for all to pass or none.
class dice {
public:
    explicit dice(unsigned seed) : engine_{seed} {}
    int below(int n) { return std::uniform_int_distribution<int>{0, n - 1}(engine_); }
    std::size_t size_below(int n) { return static_cast<std::size_t>(below(n)); }
    numbers some(int most = 30) {
        numbers all(size_below(most));
        std::ranges::generate(all, [this] { return below(8); });
        return all;
    }

private:
    std::mt19937 engine_;
};

template <class T, class S>
std::vector<T> run(S pipeline) {
    coir::test_scheduler s;
    auto end =
        s.run([&]() -> task<std::vector<T>> { co_return co_await (std::move(pipeline) | streams::to_vector()); });
    return std::move(end).value();
}
template <class S>
numbers ints(S pipeline) {
    return run<int>(std::move(pipeline));
}
template <std::ranges::range R>
numbers listed(R&& range) {
    numbers all;
    for (int const n : range) {
        all.push_back(n);
    }
    return all;
}

// Suspends now and then.
stream<int> hesitating(numbers all) {
    for (int const n : all) {
        if (n % 3 == 0) {
            co_await coir::yield();
        }
        co_yield n;
    }
}

template <class Check>
void for_dice(Check check) {
    for (unsigned seed = 0; seed < coir_test::seeds(); ++seed) {
        INFO("seed " << seed);
        dice random{seed};
        check(random);
    }
}

auto below(int limit) {
    return [limit](int n) { return n < limit; };
}
int scaled(int n) { return 10 * n + 1; }
int plus(int a, int b) { return a + b; }
int mixed(int a, int b) { return (31 * a + b) % 1009; } // depends on the order

// What each stage does to a list, written as a loop.
numbers until(numbers const& in, int last) {
    auto const found = std::ranges::find(in, last);
    return {in.begin(), found == in.end() ? found : found + 1};
}
numbers scanned(numbers const& in) {
    numbers out{0};
    std::ranges::for_each(in, [&](int n) { out.push_back(mixed(out.back(), n)); });
    return out;
}
numbers changed(numbers in) {
    in.erase(std::ranges::unique(in).begin(), in.end());
    return in;
}
std::vector<numbers> chunked(numbers const& in, std::size_t size) {
    std::vector<numbers> out;
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (i % size == 0) {
            out.emplace_back();
        }
        out.back().push_back(in[i]);
    }
    return out;
}
numbers repeated(numbers const& in) {
    numbers out;
    std::ranges::for_each(in, [&](int n) { out.insert(out.end(), static_cast<std::size_t>(n & 3), n); });
    return out;
}
numbers differences(numbers const& in) {
    numbers out;
    for (std::size_t i = 1; i < in.size(); ++i) {
        out.push_back(in[i] - in[i - 1]);
    }
    return out;
}
std::vector<std::tuple<int, int>> zipped(numbers const& a, numbers const& b) {
    std::vector<std::tuple<int, int>> out;
    for (std::size_t i = 0; i < (std::min)(a.size(), b.size()); ++i) {
        out.emplace_back(a[i], b[i]);
    }
    return out;
}
std::vector<std::tuple<int, int, int>> triples(numbers const& in) {
    std::vector<std::tuple<int, int, int>> out;
    for (std::size_t i = 2; i < in.size(); ++i) {
        out.emplace_back(in[i - 2], in[i - 1], in[i]);
    }
    return out;
}
numbers first_of_each_parity(numbers const& in) {
    numbers out;
    for (int const n : in) {
        if (out.empty() || out.back() % 2 != n % 2) {
            out.push_back(n);
        }
    }
    return out;
}
numbers joined(numbers a, numbers const& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

auto const copies = [](int n) { return numbers(static_cast<std::size_t>(n & 3), n); };
auto const difference = [](std::pair<int, int> p) { return p.second - p.first; };

} // namespace

TEST_CASE("stages that std::views has do the same [S1][S6]") {
    for_dice([](dice& random) {
        numbers const in = random.some();
        int const k = random.below(9);
        auto const n = random.size_below(35);
        auto const count = static_cast<std::ptrdiff_t>(n);
        CHECK(ints(streams::from(in)) == in);
        CHECK(ints(streams::from(in) | streams::take(n)) == listed(in | views::take(count)));
        CHECK(ints(streams::from(in) | streams::drop(n)) == listed(in | views::drop(count)));
        CHECK(ints(streams::from(in) | streams::take_while(below(k))) == listed(in | views::take_while(below(k))));
        CHECK(ints(streams::from(in) | streams::drop_while(below(k))) == listed(in | views::drop_while(below(k))));
        CHECK(ints(streams::from(in) | streams::filter(below(k))) == listed(in | views::filter(below(k))));
        CHECK(ints(streams::from(in) | streams::transform(scaled)) == listed(in | views::transform(scaled)));
        CHECK(ints(streams::iota(0, k)) == listed(views::iota(0, k)));
        CHECK(ints(streams::iota(k) | streams::take(n)) == listed(views::iota(k) | views::take(count)));
        auto const groups = std::vector<numbers>{random.some(5), random.some(5), random.some(5)};
        CHECK(ints(streams::from(groups) | streams::join()) == listed(groups | views::join));
    });
}

TEST_CASE("the other stages and sinks do what a loop does [S4][S30]") {
    for_dice([](dice& random) {
        numbers const in = random.some();
        numbers const more = random.some();
        int const k = random.below(9);
        auto const n = 1 + random.size_below(9);
        auto const is_k = [k](int x) { return x == k; };
        CHECK(ints(streams::from(in) | streams::take_until(is_k)) == until(in, k));
        CHECK(ints(streams::from(in) | streams::scan(0, mixed)) == scanned(in));
        CHECK(ints(streams::from(in) | streams::changes()) == changed(in));
        CHECK(run<numbers>(streams::from(in) | streams::chunk(n)) == chunked(in, n));
        CHECK(ints(streams::from(in) | streams::flat_map(copies)) == repeated(in));
        CHECK(ints(streams::from(in) | streams::adjacent() | streams::transform(difference)) == differences(in));
        CHECK(ints(streams::concat(streams::from(in), streams::from(more))) == joined(in, more));
        using pairs = std::tuple<int, int>;
        CHECK(run<pairs>(streams::from(in) | streams::zip(streams::from(more))) == zipped(in, more));
        CHECK(run<std::tuple<int, int, int>>(streams::from(in) | streams::adjacent<3>()) == triples(in));
        auto const parity = [](int x) { return x % 2; };
        CHECK(ints(streams::from(in) | streams::changes(parity)) == first_of_each_parity(in));
        CHECK(ints(streams::repeat([&in] { return streams::from(in); }, coir::recurs(1))) == joined(in, in));
        auto const instead = [&more](int) { return more; };
        CHECK(ints(streams::concat(streams::from(in), streams::fail_with<int>(k)) | streams::or_else(instead)) ==
              joined(in, more));
        auto const numbered = run<std::pair<std::size_t, int>>(streams::from(in) | streams::enumerate());
        CHECK(numbered.size() == in.size());
        for (std::size_t i = 0; i < numbered.size(); ++i) {
            CHECK(numbered[i] == std::pair{i, in[i]});
        }
    });
}

TEST_CASE("sinks do what a loop does") {
    for_dice([](dice& random) {
        numbers const in = random.some();
        coir::test_scheduler s;
        s.run([&]() -> task<> {
            int const sum = co_await (streams::from(in) | streams::fold(1, mixed));
            CHECK(sum == std::accumulate(in.begin(), in.end(), 1, mixed));
            auto const count = co_await (streams::from(in) | streams::count());
            CHECK(count == in.size());
            auto const first = co_await (streams::from(in) | streams::first());
            CHECK(first == (in.empty() ? std::nullopt : std::optional{in.front()}));
            auto const last = co_await (streams::from(in) | streams::last());
            CHECK(last == (in.empty() ? std::nullopt : std::optional{in.back()}));
            numbers seen;
            co_await (streams::from(in) | streams::for_each([&seen](int n) { seen.push_back(n); }));
            CHECK(seen == in);
        });
    });
}

TEST_CASE("laws: what one stage does, two do") {
    for_dice([](dice& random) {
        numbers const in = random.some();
        auto const from = [&in] { return streams::from(in); };
        int const k = random.below(9);
        int const l = random.below(9);
        auto const m = random.size_below(12);
        auto const n = random.size_below(12);
        CHECK(ints(from() | streams::take(m) | streams::take(n)) == ints(from() | streams::take((std::min)(m, n))));
        CHECK(ints(from() | streams::drop(m) | streams::drop(n)) == ints(from() | streams::drop(m + n)));
        CHECK(ints(streams::concat(from() | streams::take(m), from() | streams::drop(m))) == in);
        CHECK(ints(streams::concat(from() | streams::take_while(below(k)), from() | streams::drop_while(below(k)))) ==
              in);
        CHECK(ints(from() | streams::filter(below(k)) | streams::filter(below(l))) ==
              ints(from() | streams::filter(below((std::min)(k, l)))));
        CHECK(ints(from() | streams::transform(scaled) | streams::transform(scaled)) ==
              ints(from() | streams::transform([](int x) { return scaled(scaled(x)); })));
        CHECK(ints(from() | streams::chunk(n + 1) | streams::join()) == in);
        CHECK(ints(from() | streams::changes() | streams::changes()) == ints(from() | streams::changes()));
        CHECK(ints(from() | streams::scan(0, plus) | streams::drop(in.size())) ==
              numbers{std::accumulate(in.begin(), in.end(), 0)});
        // Left and right identity, and associativity, of flat_map.
        auto const twice = [](int x) { return numbers{x, x + 1}; };
        CHECK(ints(from() | streams::flat_map([](int x) { return streams::once(x); })) == in);
        CHECK(ints(streams::once(k) | streams::flat_map(copies)) == copies(k));
        CHECK(ints(from() | streams::flat_map(copies) | streams::flat_map(twice)) ==
              ints(from() |
                   streams::flat_map([&](int x) { return streams::from(copies(x)) | streams::flat_map(twice); })));
        CHECK(ints(streams::concat(streams::concat(from(), streams::once(k)), from())) ==
              ints(streams::concat(from(), streams::concat(streams::once(k), from()))));
    });
}

namespace {

// A stage with random parameters, and what it does to a list.
struct step {
    std::function<stream<int>(stream<int>)> stage;
    std::function<numbers(numbers)> model;
    char const* name;
};

step random_step(dice& random) {
    int const k = random.below(9);
    auto const n = random.size_below(20);
    switch (random.below(14)) {
    case 0:
        return {[n](stream<int> s) -> stream<int> { return std::move(s) | streams::take(n); },
                [n](numbers in) {
                    return numbers(in.begin(), in.begin() + static_cast<std::ptrdiff_t>((std::min)(n, in.size())));
                },
                "take"};
    case 1:
        return {[n](stream<int> s) -> stream<int> { return std::move(s) | streams::drop(n); },
                [n](numbers in) {
                    return numbers(in.begin() + static_cast<std::ptrdiff_t>((std::min)(n, in.size())), in.end());
                },
                "drop"};
    case 2:
        return {[k](stream<int> s) -> stream<int> { return std::move(s) | streams::filter(below(k)); },
                [k](numbers in) { return listed(in | views::filter(below(k))); }, "filter"};
    case 3:
        return {[](stream<int> s) -> stream<int> { return std::move(s) | streams::transform(scaled); },
                [](numbers in) { return listed(in | views::transform(scaled)); }, "transform"};
    case 4:
        return {[k](stream<int> s) -> stream<int> { return std::move(s) | streams::take_while(below(k)); },
                [k](numbers in) { return listed(in | views::take_while(below(k))); }, "take_while"};
    case 5:
        return {[k](stream<int> s) -> stream<int> { return std::move(s) | streams::drop_while(below(k)); },
                [k](numbers in) { return listed(in | views::drop_while(below(k))); }, "drop_while"};
    case 6:
        return {[k](stream<int> s) -> stream<int> {
                    return std::move(s) | streams::take_until([k](int x) { return x == k; });
                },
                [k](numbers in) { return until(in, k); }, "take_until"};
    case 7:
        return {[](stream<int> s) -> stream<int> { return std::move(s) | streams::scan(0, mixed); }, scanned, "scan"};
    case 8: return {[](stream<int> s) -> stream<int> { return std::move(s) | streams::changes(); }, changed, "changes"};
    case 9:
        return {[n](stream<int> s) -> stream<int> { return std::move(s) | streams::chunk(n + 1) | streams::join(); },
                [](numbers in) { return in; }, "chunk and join"};
    case 10:
        return {[](stream<int> s) -> stream<int> { return std::move(s) | streams::flat_map(copies); }, repeated,
                "flat_map"};
    case 11:
        return {[](stream<int> s) -> stream<int> {
                    return std::move(s) | streams::adjacent() | streams::transform(difference);
                },
                differences, "adjacent"};
    case 12:
        return {[k](stream<int> s) -> stream<int> {
                    return streams::concat(streams::once(k), std::move(s), streams::iota(0, 2));
                },
                [k](numbers in) { return joined(joined(numbers{k}, in), numbers{0, 1}); }, "concat"};
    default:
        return {[k](stream<int> s) -> stream<int> {
                    auto keep = [k](int x) -> task<bool> {
                        co_await coir::yield();
                        co_return x >= k;
                    };
                    return std::move(s) | streams::filter(keep);
                },
                [k](numbers in) { return listed(in | views::filter([k](int x) { return x >= k; })); },
                "filter with a task"};
    }
}

} // namespace

TEST_CASE("random pipelines do what their model does, whether their source waits or not [S1]") {
    for_dice([](dice& random) {
        numbers expected = random.some();
        bool const waits = random.below(2) == 0;
        auto pipeline = [waits, in = expected]() -> stream<int> { return waits ? hesitating(in) : streams::from(in); };
        std::function<stream<int>()> make = pipeline;
        std::string names = waits ? "a source that waits" : "a range";
        for (int i = random.below(7); i > 0; --i) {
            step const next = random_step(random);
            make = [make, next] { return next.stage(make()); };
            expected = next.model(std::move(expected));
            names += std::string{" | "} + next.name;
        }
        INFO(names);
        CHECK(ints(make()) == expected);
    });
}
