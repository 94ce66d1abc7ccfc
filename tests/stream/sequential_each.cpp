// Sequential stages in the loop of fused stages do what they do when they are pulled.
#include "each_support.hpp"

#include <ranges>

using namespace stream_test;

namespace {

auto sum_of(record& r) {
    return streams::fold(0, [&r](int a, int x) {
        r.note("sum ", x);
        return a + x;
    });
}

} // namespace

TEST_CASE("take_while, take_until, drop and drop_while in a loop [S4][S6][E]") {
    int const limit = GENERATE(0, 1, 5, 9, 30);
    check_same([limit](record& r, auto how) {
        auto small = [&r, limit](int x) { return r.note("small ", x), x < limit; };
        auto is_last = [&r, limit](int x) { return r.note("last ", x), x == limit - 2; };
        auto skip = [&r](int x) { return r.note("skip ", x), x < 4; };
        return how(streams::iota(0, 20) | streams::drop(2) | streams::drop_while(skip) | streams::take_while(small) |
                   streams::take_until(is_last)) |
               sum_of(r);
    });
}

TEST_CASE("stages that remember, in a loop, left early at any element [S30][E]") {
    auto const most = GENERATE(as<std::size_t>{}, 0, 1, 2, 3, 6, 7, 99);
    check_same([most](record& r, auto how) {
        auto add = [&r](int a, int x) { return r.note("add ", x), a + x / 2; };
        auto number = [](std::pair<std::size_t, int> p) { return static_cast<int>(p.first) + p.second; };
        auto difference = [](std::tuple<int, int, int> t) { return std::get<2>(t) - std::get<0>(t); };
        auto parity = [&r](int x) { return r.note("parity ", x), x % 3; };
        return how(streams::iota(0, 12) | streams::scan(1, add) | streams::enumerate() | streams::transform(number) |
                   streams::adjacent<3>() | streams::transform(difference) | streams::changes(parity) |
                   streams::take(most)) |
               sum_of(r);
    });
}

TEST_CASE("chunk and join in a loop, left early, and before a failure [S7][E]") {
    auto const most = GENERATE(as<std::size_t>{}, 1, 2, 3, 4, 99);
    check_same([most](record& r, auto how) {
        auto size = [&r](numbers const& c) { r.note("chunk ", static_cast<int>(c.size())); };
        return how(streams::concat(streams::iota(0, 8), streams::fail_with<int>(err{1})) | streams::chunk(3) |
                   streams::tap(size) | streams::take(most) | streams::join()) |
               sum_of(r);
    });
    check_same([most](record& r, auto how) {
        auto size = [&r](numbers const& c) { r.note("chunk ", static_cast<int>(c.size())); };
        return how(streams::concat(streams::iota(0, 8), streams::fail_with<int>(err{1})) | streams::chunk(3) |
                   streams::tap(size) | streams::join() | streams::take(most)) |
               sum_of(r);
    });
}

TEST_CASE("concat, flat_map and or_else in a loop, with finalizers and waits between [S8][S9][S11][E]") {
    auto const most = GENERATE(as<std::size_t>{}, 1, 4, 5, 6, 99);
    bool const waits = GENERATE(false, true);
    check_same([most, waits](record& r, auto how) -> task<int, err> {
        auto close = finalizer(r.log, "inner");
        auto wait = [&r, waits](int x) -> task<> {
            r.note("wait ", x);
            if (waits) {
                co_await sleep_for(1ms);
            }
        };
        auto inner = [&](int n) {
            r.note("inner ", n);
            return streams::iota(10 * n, 10 * n + n) | streams::ensuring(close);
        };
        auto instead = [&](err e) {
            r.note("instead ", e.code);
            return streams::iota(100, 103) | streams::ensuring(close);
        };
        auto source = streams::concat(streams::iota(0, 3) | streams::ensuring(close),
                                      streams::once(1) | streams::tap(wait), streams::fail_with<int>(err{7}));
        co_return co_await (
            how(std::move(source) | streams::flat_map(inner) | streams::or_else(instead) | streams::take(most)) |
            sum_of(r));
    });
}

TEST_CASE("as_results, transform_error and unfold in a loop [S7][E]") {
    auto const most = GENERATE(as<std::size_t>{}, 1, 3, 4, 99);
    check_same([most](record& r, auto how) {
        auto next = [&r](int& left) {
            r.note("next ", left);
            return left > 0 ? std::optional{left--} : std::nullopt;
        };
        auto change = [&r](int e) {
            r.note("change ", e);
            return err{e};
        };
        auto value = [&r](coir::result<int, err> const& x) {
            r.note(x ? "value " : "error ", x ? *x : x.error().code);
            return x ? *x : 50;
        };
        return how(streams::concat(streams::unfold(3, next), streams::fail_with<int>(4)) |
                   streams::transform_error(change) | streams::as_results() | streams::transform(value) |
                   streams::take(most)) |
               sum_of(r);
    });
}

TEST_CASE("a signal is heard between the elements of inner streams in a loop [X4][E]") {
    int const fire_at = GENERATE(0, 1, 11, 30);
    check_same([fire_at](record& r, auto how) -> task<int, err> {
        deferred<> signal;
        auto fire = [&](int x) {
            r.note("fire ", x);
            if (x == fire_at) {
                signal.succeed();
            }
        };
        auto inner = [](int n) { return streams::iota(10 * n, 10 * n + n); };
        co_return co_await (how(streams::concat(streams::iota(0, 3), streams::iota(3, 5)) | streams::flat_map(inner) |
                                streams::interrupt_when(signal) | streams::tap(fire)) |
                            sum_of(r));
    });
}
