// error: coir: a task is passed on, and not the function that makes it: f\(\)
#include <coir/combine.hpp>
#include <coir/task.hpp>

auto both() {
    auto work = []() -> coir::task<int> { co_return 1; };
    return coir::when_all(work MISTAKE(, ()), work());
}
