// Asks for the id of a fiber after the last handle to it is gone.
#include <coir/fiber.hpp>
#include <coir/runtime/run_loop.hpp>

#include <cstdio>

int main() {
    coir::run_loop loop;
    auto const nothing = []() -> coir::task<> { co_return; };
    auto handle = loop.spawn(nothing);
    auto& control_block = handle.get_state();
    auto const joins = [&]() -> coir::task<> { co_await handle.await(); };
    loop.run(joins);
    handle = {};
    std::printf("fiber %llu, unnoticed\n", static_cast<unsigned long long>(control_block.id().value));
}
