// What streams allocate does not grow with their elements: a pipeline of a million costs what one
// of a thousand does. Counted at operator new, which sanitizers keep for themselves.
#include <coir/detail/config.hpp>

#if !COIR_ASAN && !COIR_TSAN

#include "stream_support.hpp"

#include <coir/runtime/run_loop.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>
#include <new>
#include <ranges>

using namespace stream_test;

namespace {

constinit std::atomic<long> made{0};

// How many allocations `make(n)`, a pipeline with its sink, needs.
template <class Make>
long allocations_of(int n, Make make) {
    coir::run_loop s; // a test scheduler allocates for its choices
    long count = 0;
    s.run([&]() -> task<> {
        long const before = made;
        co_await make(n);
        count = made - before;
    });
    return count;
}

// Few are enough for what runs to have used up its budget: only when the feeder has rested do all
// workers have something to do at once.
template <class Make>
void check_constant(Make make) {
    allocations_of(3'000, make); // fills the caches of frames
    long const few = allocations_of(3'000, make);
    long const many = allocations_of(100'000, make);
    CHECK(many == few);
}

auto numbers_up_to(int n) { return streams::from(std::views::iota(0, n)); }

} // namespace

// Not inlined: GCC takes the half that it inlines for a mismatch with the other.
COIR_NOINLINE void* operator new(std::size_t size) {
    ++made;
    if (void* const p = std::malloc(size)) {
        return p;
    }
    throw std::bad_alloc{};
}
COIR_NOINLINE void operator delete(void* p) noexcept { std::free(p); }
COIR_NOINLINE void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("fused stages allocate nothing at all") {
    auto const make = [](int n) {
        return numbers_up_to(n) | streams::filter([](int x) { return x % 3 != 0; }) |
               streams::transform([](int x) { return x + 1L; }) | streams::tap([](long) {}) | streams::take(1'000'000) |
               streams::fold(0L, [](long a, long b) { return a + b; });
    };
    CHECK(allocations_of(1'000, make) == 0);
    CHECK(allocations_of(100'000, make) == 0);
}

TEST_CASE("sequential stages and sources allocate nothing at all") {
    auto const stages = [](int n) {
        return streams::iota(0, n) | streams::drop(3) | streams::drop_while([](int x) { return x < 9; }) |
               streams::take_while([](int x) { return x >= 0; }) | streams::take_until([](int x) { return x < 0; }) |
               streams::scan(0L, [](long a, int b) { return a + b; }) | streams::changes() | streams::adjacent<3>() |
               streams::enumerate() | streams::as_results() | streams::count();
    };
    CHECK(allocations_of(1'000, stages) == 0);
    CHECK(allocations_of(100'000, stages) == 0);
    auto const joined = [](int n) {
        return streams::concat(streams::once(1), streams::iota(0, n), streams::empty<int>()) |
               streams::flat_map([](int x) { return streams::concat(streams::once(x), streams::iota(0, x % 3)); }) |
               streams::transform([](int x) { return streams::once(x); }) | streams::join() | streams::last();
    };
    CHECK(allocations_of(1'000, joined) == 0);
    CHECK(allocations_of(100'000, joined) == 0);
    auto const again = [](int n) {
        auto const next = [](int& left) { return left > 0 ? std::optional{left--} : std::nullopt; };
        return streams::forever([next, n] { return streams::unfold(n / 10, next); }) |
               streams::take(static_cast<std::size_t>(n)) | streams::drain();
    };
    CHECK(allocations_of(1'000, again) == 0);
    CHECK(allocations_of(100'000, again) == 0);
    auto const recovered = [](int n) {
        return streams::fail_with<int>(n) | streams::transform_error([](int e) { return e + 1L; }) |
               streams::or_else([](long e) { return std::views::iota(0, static_cast<int>(e)); }) |
               streams::on_exit([](coir::outcome<void> const&) { return coir::checkpoint(); }) | streams::drain();
    };
    CHECK(allocations_of(1'000, recovered) == 0);
    CHECK(allocations_of(100'000, recovered) == 0);
}

TEST_CASE("interrupt_when and ensuring allocate nothing for an element") {
    static deferred<> never_done;
    check_constant([](int n) {
        return numbers_up_to(n) | streams::interrupt_when(never_done) |
               streams::ensuring([]() -> task<> { co_return; }) | streams::drain();
    });
    auto const waiting = [](int n) {
        return numbers_up_to(n) | streams::tap([](int) { return coir::yield(); }) |
               streams::interrupt_when(never_done) | streams::drain();
    };
    check_constant(waiting);
}

TEST_CASE("stages that look at the clock between pulls allocate nothing at all") {
    static deferred<> never_done;
    auto const make = [](int n) {
        return numbers_up_to(n) | streams::halt_when(never_done) | streams::halt_after(1h) | streams::timeout(1h) |
               streams::timeout_fail(1h, err{1}) | streams::interrupt_after(1h) | streams::spaced(0s) |
               streams::throttle(0s) | streams::throttle(1h, {.excess = streams::excess::is_dropped}) |
               streams::drain();
    };
    auto const fails = [make](int n) { return coir::as_result(make(n)); };
    CHECK(allocations_of(1'000, fails) == 0);
    CHECK(allocations_of(10'000, fails) == 0);
}

TEST_CASE("stages that hold elements back allocate when they begin, and nothing for an element") {
    check_constant([](int n) { return numbers_up_to(n) | streams::debounce(1h) | streams::drain(); });
    check_constant([](int n) {
        return numbers_up_to(n) | streams::debounce(0s) | streams::sample(0s) | streams::sample(1h) | streams::drain();
    });
}

TEST_CASE("a generator allocates its frame, an erased pipeline itself, neither an element") {
    check_constant([](int n) { return counting(n) | streams::drain(); });
    check_constant([](int n) {
        return stream<long>{numbers_up_to(n) | streams::filter([](int x) { return x != 0; })} | streams::drain();
    });
}

TEST_CASE("functions that are awaited use the frame of the one before") {
    check_constant([](int n) {
        return numbers_up_to(n) | streams::transform([](int x) -> task<int> { co_return x; }) |
               streams::filter([](int x) -> task<bool> { co_return x != 1; }) | streams::drain();
    });
    check_constant([](int n) {
        auto const next = [](int& left) -> task<std::optional<int>> {
            co_return left > 0 ? std::optional{left--} : std::nullopt;
        };
        return streams::unfold(n, next) | streams::drain();
    });
}

TEST_CASE("a queue is drained without an allocation for an element") {
    static coir::queue<int> q{coir::bounded(16)};
    auto const make = [](int n) {
        auto const fill = [](int count) -> task<> {
            for (int i = 0; i < count; ++i) {
                co_await q.push(i);
            }
        };
        fork(fill, n);
        return streams::from_queue(q) | streams::take(static_cast<std::size_t>(n)) | streams::drain();
    };
    check_constant(make);
    check_constant([](int n) {
        auto const empty = [](int count) -> task<> {
            for (int i = 0; i < count; ++i) {
                co_await q.pop();
            }
        };
        fork(empty, n);
        return numbers_up_to(n) | streams::into(q);
    });
}

TEST_CASE("a stream of callbacks allocates nothing for an element once its queue has grown") {
    check_constant([](int n) {
        auto produce = [](coir::emitter<int> to, int count) -> task<> {
            for (int i = 0; i < count; ++i) {
                co_await to.emit_when_free(i);
            }
            to.end();
        };
        auto listen = [produce, n](coir::emitter<int> to) { fork(produce, std::move(to), n); };
        return streams::from_callback<int>(coir::bounded(16), listen) | streams::drain();
    });
}

TEST_CASE("stages that own fibers allocate when they start, and nothing for an element [S24][S29][S31]") {
    check_constant([](int n) { return numbers_up_to(n) | streams::merge(numbers_up_to(n)) | streams::drain(); });
    check_constant([](int n) { return streams::zip(numbers_up_to(n), numbers_up_to(n)) | streams::drain(); });
    check_constant([](int n) { return streams::zip_latest(numbers_up_to(n), numbers_up_to(n)) | streams::drain(); });
    check_constant([](int n) { return numbers_up_to(n) | streams::buffer(16) | streams::drain(); });
    check_constant([](int n) { return numbers_up_to(n) | streams::buffer(coir::sliding(4)) | streams::drain(); });
}

TEST_CASE("workers are kept from one element to the next [S20][S21]") {
    auto const work = [](int x) -> task<int> {
        co_await coir::yield();
        co_return x;
    };
    check_constant([&](int n) { return numbers_up_to(n) | streams::transform_par(4, work) | streams::drain(); });
    check_constant(
        [&](int n) { return numbers_up_to(n) | streams::transform_par_unordered(4, work) | streams::drain(); });
    auto const one = [](int x) { return std::views::single(x); };
    check_constant([&](int n) { return numbers_up_to(n) | streams::flat_map(4, one) | streams::drain(); });
}

TEST_CASE("a switch allocates what the new stream does and nothing else") {
    auto const turn = [](int) { return coir::yield(); };
    check_constant([turn](int n) {
        auto const wait = [n](int x) { // the last one gives an element first
            return streams::concat(streams::iota(x, x + 1 == n ? n : x), streams::never_ends<int>());
        };
        return numbers_up_to(n) | streams::tap(turn) | streams::switch_map(wait) | streams::take(1) | streams::drain();
    });
    check_constant([turn](int n) { // a generator has a frame, which the next one uses
        return numbers_up_to(n) | streams::tap(turn) | streams::switch_map([](int) { return counting(1'000'000); }) |
               streams::take(static_cast<std::size_t>(n)) | streams::drain();
    });
    check_constant([](int n) {
        return streams::once(n) | streams::switch_map([](int m) { return std::views::iota(0, m); }) | streams::drain();
    });
}

TEST_CASE("a broadcast allocates nothing for an element, for however many readers") {
    auto const read_by = [](int readers) {
        return [readers](int n) {
            auto body = [readers, n](coir::scope<>& s) -> task<> {
                auto all = numbers_up_to(n) | streams::broadcast(s, 16);
                auto read = [](auto source) -> task<> { co_await (std::move(source) | streams::drain()); };
                for (int i = 0; i < readers; ++i) {
                    s.fork(read, all.subscribe());
                }
                co_return;
            };
            return coir::with_scope(body);
        };
    };
    for (int const readers : {1, 5}) {
        auto const make = read_by(readers);
        allocations_of(100, make); // fills the caches of frames
        CHECK(allocations_of(11'000, make) == allocations_of(1'000, make));
    }
}

TEST_CASE("a share and a partition allocate nothing for an element") {
    auto const shared = [](int n) {
        auto body = [n](coir::scope<>& s) -> task<> {
            auto make = [n] { return numbers_up_to(n); };
            auto all = streams::share(s, make);
            co_await (all.subscribe() | streams::drain());
        };
        return coir::with_scope(body);
    };
    auto const parted = [](int n) {
        auto body = [n](coir::scope<>& s) -> task<> {
            auto is_even = [](int x) { return x % 2 == 0; };
            auto sides = numbers_up_to(n) | streams::partition(s, is_even, 4);
            auto read = [](auto source) -> task<> { co_await (std::move(source) | streams::drain()); };
            s.fork(read, std::move(sides.matching));
            s.fork(read, std::move(sides.rest));
            co_return;
        };
        return coir::with_scope(body);
    };
    auto const check = [](auto make) {
        allocations_of(100, make); // fills the caches of frames
        CHECK(allocations_of(11'000, make) == allocations_of(1'000, make));
    };
    check(shared);
    check(parted);
}

TEST_CASE("retry and the other limits of time allocate nothing for an element") {
    check_constant([](int n) {
        auto attempt = [n, left = 3]() mutable {
            return streams::concat(numbers_up_to(n), streams::fail_with<int>(left--)) |
                   streams::transform_error([](int e) { return err{e}; });
        };
        return streams::retry(attempt, coir::recurs(9).while_error([](err e) { return e.code > 1; })) |
               streams::timeout_first(1h, err{0}) | streams::timeout_total(1h, err{0}) |
               streams::or_else([](auto const&) { return streams::empty<int>(); }) | streams::drain();
    });
}

#endif
