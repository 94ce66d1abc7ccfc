// Reads a local of a coroutine frame that a failure has destroyed.
#include <coir/adapt.hpp>
#include <coir/fail.hpp>
#include <coir/runtime/sync_wait.hpp>

#include <cstdio>

namespace {

coir::task<int, int> leaves_a_pointer(int const volatile*& out) {
    int const volatile local = 7;
    out = &local;
    co_await coir::fail(1);
    co_return local;
}

coir::task<int> reads_it() {
    int const volatile* dangling = nullptr;
    co_await coir::as_result(leaves_a_pointer(dangling));
    co_return *dangling;
}

} // namespace

int main() { std::printf("read %d, unnoticed\n", coir::sync_wait(reads_it).value()); }
