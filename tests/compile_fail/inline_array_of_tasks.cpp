// error: coir: GCC 12.2 destroys this aggregate twice; write
// only: GNU
#include <coir/combine.hpp>
#include <coir/task.hpp>

#include <array>

coir::task<> work();

auto both() {
    auto two = std::array<coir::task<>, 2>{work(), work()};
    return coir::when_all(MISTAKE(std::move, coir::moved)(two));
}
