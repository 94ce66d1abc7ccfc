// What the library allocates for a fiber, an element or a message is aligned as its type asks for.
#include <coir/coir.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <vector>

namespace streams = coir::streams;
using coir::task;

namespace {

constexpr std::size_t cache_line = 64;

struct alignas(cache_line) wide {
    int number = 0;
};

template <class T>
bool is_aligned(T const& x) {
    return reinterpret_cast<std::uintptr_t>(&x) % alignof(T) == 0;
}

} // namespace

TEST_CASE("the outcomes of fibers are aligned as their type asks for") {
    auto body = []() -> task<> {
        auto wide_of = [](int i) -> task<wide> { co_return wide{i}; };
        std::vector<coir::fiber<wide>> all;
        for (int i = 0; i < 20; ++i) {
            all.push_back(coir::fork(wide_of, i));
        }
        co_await coir::yield();
        for (coir::fiber<wide> const& f : all) {
            auto const* const end = f.poll();
            REQUIRE(end != nullptr);
            CHECK(is_aligned(end->value()));
        }
    };
    coir::sync_wait(body());
}

#if defined(__clang__) // GCC aligns nothing in a coroutine's frame: docs/guide/compilers.md

TEST_CASE("elements that stages keep are aligned as their type asks for") {
    auto const widened = [](int i) { return wide{i}; };
    auto const see = [](wide const& w) { CHECK(is_aligned(w)); };
    auto in_scope = [&](coir::scope<>& s) -> task<> {
        auto all = streams::iota(0) | streams::take(20) | streams::transform(widened) | streams::broadcast(s, 32);
        auto slow = all.subscribe();
        co_await (all.subscribe() | streams::for_each(see));
        co_await (std::move(slow) | streams::for_each(see));
        auto numbers = streams::iota(0) | streams::take(20) | streams::transform(widened);
        co_await (std::move(numbers) | streams::tap(see) | streams::transform_par(4, [](wide w) { return w; }) |
                  streams::buffer(4) | streams::for_each(see));
    };
    auto body = [&]() -> task<> { co_await coir::with_scope(in_scope); };
    coir::sync_wait(body());
}

#endif
